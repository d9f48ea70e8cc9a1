"""What is read of web pages."""

import pytest


@pytest.fixture
def text_of(tmp_path, read):
    """Read the body of a page; returns its text and the codes of its warnings."""

    def _text(body: str, head: str = "") -> tuple[str, list[str]]:
        path = tmp_path / "x.html"
        path.write_text(f"<!doctype html><html><head><meta charset='utf-8'>{head}</head><body>{body}", "utf-8")
        pages, report = read(path)
        return "\n".join(page.text for page in pages), [warning.code for warning in report.warnings]

    return _text


CASES = {
    "raised": ("10<sup>23</sup> H<sub>2</sub>O x<sup>2<sup>n</sup></sup>", "10^{23} H_{2}O x^{2^{n}}"),
    "note mark": ('in 1953<a role="doc-noteref" href="#n">1</a> and<sup><a href="#c">[2]</a></sup>', None),
    "empty cells": (
        "<table><tr><td>Drug<td>Adults<td>Children<tr><td>A<td><td>10 mg<tr><td>B<td>5 mg<td></table>",
        "| Drug | Adults | Children |\n| --- | --- | --- |\n| A | | 10 mg |\n| B | 5 mg | |",
    ),
    "merged cells": (
        "<table><tr><th rowspan=2>D<th colspan=2>Dose<tr><th>a<th>b<tr><td rowspan=2>X<td>1<p>y"
        "<td>2<tr><td>3<td>4</table>",
        "| D | Dose | Dose |\n| --- | --- | --- |\n| D | a | b |\n| X | 1 / y | 2 |\n| X | 3 | 4 |",
    ),
    "layout table": ("<table><tr><td><h2>Left</h2><p>a<td>b</table>", "## Left\n\na\n\nb"),
    "table in a table": (
        "<table><tr><th>h<th>i<tr><td><table><tr><td>1<td><td>2</table><td>z</table>",
        "| h | i |\n| --- | --- |\n| 1; ; 2 | z |",
    ),
    "foot last": (
        "<table><tfoot><tr><td>sum<tbody><tr><td>one<tr><td>two</table>",
        "| one |\n| --- |\n| two |\n| sum |",
    ),
    "lists": (
        '<ol start="3"><li>c<ol type="a"><li>x<li>y</ol><li value="9">n<li>t</ol>',
        "3. c\n   a. x\n   b. y\n9. n\n10. t",
    ),
    "Roman backwards": ('<ol reversed type="I"><li>a<li>b<li>c<li>d</ol>', "IV. a\nIII. b\nII. c\nI. d"),
    "check boxes": ("<ul><li><input type=checkbox checked> a<li><input type=checkbox> b</ul>", "- [x] a\n- [ ] b"),
    "code in a list": ("<ul><li>see<pre>a\n  b</pre>after</ul>", "- see\n\n```\na\n  b\n```\n\n  after"),
    "language of code": ('<pre><code class="language-python">def f():\n    return 1</code></pre>', None),
    "lines": ("<p>one<br>two", "one\ntwo"),
    "breaks in words": ("photo<wbr>synthesis hy&shy;phen", "photosynthesis hyphen"),
    "ruby": ("<ruby>細<rt>さい</rt>胞<rt>ぼう</rt></ruby>は", "細胞(さいぼう)は"),
    "definitions": ("<dl><dt>Term</dt><dd>One</dd><dd>Two</dd></dl>", "Term\n  One\n  Two"),
    "image": ('<img src="a.png" alt="A cell"><img src="b.png" alt="">', "[image: A cell]"),
    "details": ("<details><summary>More</summary><p>Inside</details>", "More\n\nInside"),
    "anchors": ('<h2>Title<a class="headerlink" href="#t">¶</a></h2>text', "## Title\n\ntext"),
    "false marks": ("a &#xFDD6; b", "a b"),
    "raised note mark": ('in 1953<a role="doc-noteref" href="#n"><sup>1</sup></a>', "in 1953^{1}"),
    "way back": ('Nature<a role="doc-backlink" href="#r">↩</a>', "Nature"),
    "moved up": ('10<span style="vertical-align:0.5em;font-size:70%">3</span> m', "10^{3} m"),
    "moved down": ('x<span style="position:relative;top:.3em;font-size:smaller">2</span>', "x_{2}"),
    "moved, but as large": ('A<span style="vertical-align:0.1em">B</span>', "AB"),
    "fraction": ('2<span class="sfrac"><span class="num">1</span><span class="den">2</span></span> l', "2 1/2 l"),
    "fraction for listeners": ('<i class="num">3</i><i class="sr-only">/</i><i class="den">4</i>', "3/4"),
    "one script above another": ("SO<span><sup>2−</sup><br><sub>4</sub></span>", "SO_{4}^{2−}"),
    "scripts of chemistry": (
        'SO<span class="template-chem2-su"><span>2−</span><span>4</span></span>',
        "SO_{4}^{2−}",
    ),
    "style of items": ('<ol><li style="list-style-type: lower-alpha">x<li>y</ol>', "a. x\n2. y"),
    "cells by role": (
        '<div role="table"><div role="row"><b role="cell"></b><span role="cell">A</span><span role="cell"></span>'
        '<span role="cell">10 mg</span></div></div>',
        "| A | | 10 mg |\n| --- | --- | --- |",
    ),
    "code of an editor": (
        '<div style="font-family:Menlo,monospace;white-space:pre"><div>for i in x:</div><div>    y</div></div>',
        "```\nfor i in x:\n    y\n```",
    ),
    "chosen of a list": ("It is <select><option>a<option selected>b</select>.", "It is b."),
    "screen readers": ('a<span class="sr-only">(opens)</span> b', "a b"),
}


@pytest.mark.parametrize("name", CASES)
def test_elements(text_of, name: str) -> None:
    body, expected = CASES[name]
    text, warnings = text_of(body)
    assert warnings == []
    if name == "note mark":
        assert text == "in 1953^{1} and^{[2]}"
    elif name == "language of code":
        assert text == "```python\ndef f():\n    return 1\n```"
    else:
        assert text == expected


MATHML = "<math><msup><mi>x</mi><mn>2</mn></msup></math>"
FORMULAS = {
    "MathML": (MATHML, "$x^{2}$"),
    "display": (f"a {MATHML.replace('<math', '<math display=block')} b", "a\n$$x^{2}$$\nb"),
    "KaTeX": (
        f'<span class="katex"><span class="katex-mathml">{MATHML}</span><span aria-hidden="true">x2</span></span>',
        "$x^{2}$",
    ),
    "MathJax 2": (
        '<span class="MathJax_Preview">x2</span><span class="MathJax">x2</span><script type="math/tex">x^2</script>',
        "$x^2$",
    ),
    "MathJax 2 without its source": (
        '<span class="MathJax" data-mathml="&lt;math>&lt;mn>7&lt;/mn>&lt;/math>">x2</span>',
        "$7$",
    ),
    "MathJax 3": (f"<mjx-container><mjx-math>x2</mjx-math><mjx-assistive-mml>{MATHML}</mjx-assistive-mml>", "$x^{2}$"),
    "Wikipedia": (
        '<span class="mwe-math-element"><span style="display: none"><math alttext="{\\displaystyle 1/\\lambda }">'
        '<mn>1</mn></math></span><img src="y.svg" alt="{\\displaystyle 1/\\lambda }"></span>',
        "$1/\\lambda$",
    ),
    "picture": ('<img class="latex" src="l.php" alt="\\frac{1}{2}">', "$\\frac{1}{2}$"),
    "TeX": ("so \\(a_1 &lt; b\\) and \\[c=d\\] end", "so $a_1 < b$ and\n$$c=d$$\nend"),
    "code": ("<code>\\(x_1\\)</code>", "\\(x_1\\)"),
    "prices": ("costs $5 and $6_a$", "costs $5 and $6_a$"),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_there_is_one_copy_of_each_formula(text_of, name: str) -> None:
    source, expected = FORMULAS[name]
    assert text_of(f"<p>{source}</p>") == (expected, [])


def test_dollar_signs_are_formulas_where_the_page_says_so(text_of) -> None:
    script = "<script>MathJax = {tex: {inlineMath: [['$', '$']]}}</script>"
    assert text_of("<p>cost \\$5, $x$ and $$y$$", script)[0] == "cost $5, $x$ and\n$$y$$"


@pytest.mark.parametrize(
    ("body", "text", "warning"),
    [
        ("a<mjx-container><mjx-math></mjx-math></mjx-container>", "a[formula]", "formulas_lost"),
        ("a <del>wrong</del><s>false</s> b", "a b", "struck_text_removed"),
        ("a <span style='display:none'>hidden</span> b", "a b", "hidden_text_removed"),
        ("a <span class='x'>hidden</span> b", "a b", "hidden_text_removed"),
        ("a <img src='IMG_1.png' alt='IMG_1.png'> b", "a b", "pictures_not_read"),
        ("<svg><title>Cell</title><text>Wall</text></svg>", "[image: Cell; Wall]", "charts_as_tables"),
        ("Name: <input value='Osmosis'>", "Name: Osmosis", "annotations_read"),
    ],
)
def test_what_is_left_out_is_warned_of(text_of, body: str, text: str, warning: str) -> None:
    assert text_of(body, "<style>@media print{p{display:none}} .x{display:none}</style>") == (text, [warning])


def test_raised_by_style_sheets(text_of) -> None:
    assert text_of('10<span class="up">3</span>', "<style>.up { vertical-align: super }</style>")[0] == "10^{3}"


def test_selectors_name_what_is_around_an_element(text_of) -> None:
    css = "ol ol {list-style: lower-alpha} .card > p.back, #x .back {display: none} .a .b > i {display: none}"
    body = (
        '<ol><li>one<ol><li>x</ol></ol><div class="card"><p class="back">ANSWER</p><main>'
        '<p class="back">shown</p></main></div><div class="a"><u class="b"><i>SECRET</i><b><i>seen</i></b></u></div>'
    )
    text, warnings = text_of(body, f"<style>{css}</style>")
    assert text == "1. one\n   a. x\n\nshown\n\nseen"
    assert warnings == ["hidden_text_removed"]


def test_the_nearer_and_the_later_rule_counts(text_of) -> None:
    css = "<style>p.on {display: block} p {display: none} .off {display: none} .off {display: block}</style>"
    assert text_of('<p class="on">a<p>HIDDEN<p class="off">b', css)[0] == "a\n\nb"


def test_labels_that_style_sheets_put_together(text_of) -> None:
    google = (
        '<style>.k-1 > li:before{content:"" counter(c1,lower-latin) ") "} ol.k-1, ol.k-0{list-style-type:none}'
        '.k-0 > li:before{content:"Q" counter(c0,decimal) ". "}</style>'
    )
    body = (
        '<ol class="k-0" start="1"><li>one</ol><ol class="k-1" start="1"><li>x<li>y</ol>'
        '<ol class="k-0" start="2"><li>two</ol>'
    )
    assert text_of(body, google)[0] == "Q1. one\n\na) x\nb) y\n\nQ2. two"
    nested = "<style>ol{list-style:none} ol > li::before{content: counters(item, '.') ' '}</style>"
    assert text_of("<ol><li>A<ol><li>x<li>y</ol><li>B</ol>", nested)[0] == "1 A\n  1.1 x\n  1.2 y\n2 B"


def test_mathml_that_an_editor_keeps_in_an_attribute(text_of) -> None:
    mathml = "«math»«msup»«mi»c«/mi»«mn»2«/mn»«/msup»«/math»"
    body = f'<p>E <img class="Wirisformula" data-mathml="{mathml}" alt="c squared" src="show?formula=1">'
    assert text_of(body)[0] == "E $c^{2}$"


def test_text_that_is_moved_off_the_page_is_hidden(text_of) -> None:
    body = '<p>Q<p style="position:absolute;left:-9999px">ANSWER'
    assert text_of(body) == ("Q", ["hidden_text_removed"])


def test_cells_that_grow_without_bound_are_refused(tmp_path, read) -> None:
    path = tmp_path / "x.html"
    path.write_text("<table>" + f"<tr><td colspan=1000 rowspan=1000>{'x' * 100}" * 1000 + "</table>", "utf-8")
    with pytest.raises(Exception, match="too_large"):
        read(path)


def test_many_attributes_take_no_time(tmp_path, read) -> None:
    path = tmp_path / "x.html"
    attributes = " ".join(f'a{number}=">"' for number in range(300_000))
    path.write_text(f"<p {attributes}>seen</p>", "utf-8")
    assert read(path)[0][0].text == "seen"
