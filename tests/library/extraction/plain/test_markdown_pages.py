"""What is read of Markdown."""

import pytest

from backend.library.types import SpanKind


@pytest.fixture
def text_of(tmp_path, read):
    """Read a text; returns what is read and the codes of its warnings."""

    def _text(source: str) -> tuple[str, list[str]]:
        path = tmp_path / "x.md"
        path.write_text(source, "utf-8")
        pages, report = read(path)
        return "\n".join(page.text for page in pages), [warning.code for warning in report.warnings]

    return _text


CASES = {
    "formulas": (
        "$a*b*c$, $x_i^*$ and $\\{1\\}$; \\(E=mc^2\\) $`x`$",
        "$a*b*c$, $x_i^*$ and $\\{1\\}$; $E=mc^2$ $x$",
    ),
    "display": ("so\n\n$$\na = b\n\n- c\n$$\n\nend", "so\n\n$$a = b\n\n- c$$\n\nend"),
    "display in brackets": ("so \\[a_1\\] end", "so\n$$a_1$$\nend"),
    "environment": (
        "\\begin{align}\nx &= 1 \\\\\n\\end{align}",
        "$$\\begin{align}\nx &= 1 \\\\\n\\end{align}$$",
    ),
    "prices": ("between $5 and $6, \\$7. $30. Shell: `$HOME`", "between $5 and $6, $7. $30. Shell: $HOME"),
    "words in brackets": ("\\(see above\\) \\[sic\\]", "(see above) [sic]"),
    "code": ("`$x$` and `a == b == c`\n\n```py\nx = '$a$'\n  y\n```", None),
    "table": (
        "| a | b |\n|---|---|\n| x<br>y |  |\n| $P(A|B)$ | [[N\\|shown]] | more |",
        "| a | b | |\n| --- | --- | --- |\n| x / y | | |\n| $P(A|B)$ | shown | more |",
    ),
    "lists": ("3. c\n   - x\n   - y\n4. d\n\n2) p", "3. c\n   - x\n   - y\n4. d\n\n2) p"),
    "tasks": ("- [ ] a\n- [x] b", "- [ ] a\n- [x] b"),
    "raised": ("10<sup>23</sup> 10^-3^ H~2~O Fe^2+^ ^14^C", "10^{23} 10^{-3} H_{2}O Fe^{2+} ^{14}C"),
    "no notation": ("x^2+y^2 a^b^c 5~10~15 ^_^", "x^2+y^2 a^b^c 5~10~15 ^_^"),
    "notes": (
        "One[^a] two.\n\nNext.\n\n[^a]: http://x.y is *a* note\n    that goes on.",
        "One[^a] two.\n\n[^a]: http://x.y is a note\nthat goes on.\n\nNext.",
    ),
    "callout": ("> [!note] Title\n> text", "Title\ntext"),
    "callout without a title": ("> [!warning]\n> text", "Warning\ntext"),
    "comments": ("a <!-- x\ny --> b\n\n%%\nprivate\n%%\n\nc %%d%% e", "a b\n\nc e"),
    "links": ("[[N|shown]] [[M]] [text](http://a.b) ==high **light**==", "shown M text high light"),
    "front matter": ("---\ntitle: x\n---\nText", "Text"),
    "rules": ("---\n\nFirst.\n\n---\n\nSecond.", "First.\n\nSecond."),
    "setext": ("Title\n---\n\ntext", "## Title\n\ntext"),
    "attributes": ("# Title {#sec .x}\n\ntext", "# Title\n\ntext"),
    "no front matter": (
        "---\nNote: this is a talk about cells.\n\nMore text.\n\n---\n\nEnd",
        "Note: this is a talk about cells.\n\nMore text.\n\nEnd",
    ),
    "sentence in rules": (
        "---\nOsmosis: water goes through a membrane.\n---\nEnd",
        "## Osmosis: water goes through a membrane.\n\nEnd",
    ),
    "properties of all kinds": (
        "---\ntitle: 'A: the cell is the unit of life.'\ntags:\n- x\nlist: [a,\n  b]\n# c\n\nd:\n---\nText",
        "Text",
    ),
    "properties of Hugo": ('+++\ntitle = "x"\n[extra]\n+++\nText', "Text"),
    "comparisons": ("x<y>z, List<int>, <b>c</b>", "x<y>z, List<int>, c"),
    "bars of formulas in tables": ("| $P(A\\|B)$ |\n|---|\n\n$\\|x\\|$", "| $P(A|B)$ |\n| --- |\n\n$\\|x\\|$"),
    "simple table": (
        "  Drug     Adults   Children\n  -------- -------- ---------\n"
        "  Syrup             10 mg\n  Tablet   5 mg\n\nEnd",
        "| Drug | Adults | Children |\n| --- | --- | --- |\n| Syrup | | 10 mg |\n| Tablet | 5 mg | |\n\nEnd",
    ),
    "table without a head": ("---- ----\na    b\n     d\n---- ----", "| | |\n| --- | --- |\n| a | b |\n| | d |"),
    "table of several lines": (
        "----------------\n a b   c\n       d\n------ ---------\n"
        "1      one\n       more\n\n       last\n----------------",
        "| a b | c d |\n| --- | --- |\n| 1 | one more |\n| | last |",
    ),
    "grid table": (
        "+-----+-----+\n| a   | b   |\n+=====+=====+\n| 1   |     |\n| x   |     |\n+-----+-----+\n|     | 2   |",
        "| a | b |\n| --- | --- |\n| 1 x | |\n| | 2 |",
    ),
    "roles": ("{math}`x^2`, H{sub}`2`O, 10{sup}`3`, {term}`the cell <cell>`", "$x^2$, H_{2}O, 10^{3}, the cell"),
    "directives": (
        "```{admonition} Definition\n:class: tip\nA *cell* is $x$.\n```\n\n:::{note}\nb\n:::\n\n(label)=\n\n+++\n\nc",
        "Definition\n\nA cell is $x$.\n\nNote\n\nb\n\nc",
    ),
    "directives of formulas and code": (
        "```{math}\n:label: e\nE=mc^2\n```\n\n```{code-block} python\n:linenos:\nx = '{a}'\n    y\n```",
        "$$E=mc^2$$\n\n```python\nx = '{a}'\n    y\n```",
    ),
    "divisions": ("::: {.warning}\na\n:::\n\n:::tip My title\nb\n:::", "a\n\nMy title\n\nb"),
    "HTML": ("<table><tr><td>a</td>\n\n<td>$x$</td></tr></table>", "| a | $x$ |\n| --- | --- |"),
    "image": ("![A cell](x.png)", "[image: A cell]"),
}


@pytest.mark.parametrize("name", CASES)
def test_notations(text_of, name: str) -> None:
    source, expected = CASES[name]
    text, warnings = text_of(source)
    assert warnings == []
    assert text == (expected or "$x$ and a == b == c\n\n```py\nx = '$a$'\n  y\n```")


@pytest.mark.parametrize(
    ("source", "text", "warning"),
    [
        ("a ~~wrong~~ b", "a b", "struck_text_removed"),
        ("a ![](x.png) b", "a b", "pictures_not_read"),
        ("a ![[x.png|300]] b", "a  b", "pictures_not_read"),
        ("a ![[Note]] b", "a  b", "objects_lost"),
    ],
)
def test_what_is_left_out_is_warned_of(text_of, source: str, text: str, warning: str) -> None:
    read_text, warnings = text_of(source)
    assert (read_text.split(), warnings) == (text.split(), [warning])


def test_formulas_are_known_by_their_spans(tmp_path, read) -> None:
    path = tmp_path / "x.md"
    path.write_text("It costs $5 and $6 or $7/$8, and $x$ is known. `$y$`", "utf-8")
    (page,), _ = read(path)
    assert [page.text[span.start : span.end] for span in page.spans if span.kind is SpanKind.FORMULA] == ["$x$"]


@pytest.mark.parametrize("unit", ["> ", "- ", ":::{note}\n"])
def test_what_is_nested_too_deeply_is_refused(tmp_path, read, unit: str) -> None:
    path = tmp_path / "x.md"
    path.write_text("top\n\n" + unit * 3_000 + "bottom", "utf-8")
    with pytest.raises(Exception, match="damaged"):
        read(path)


@pytest.mark.parametrize(
    "unit", ["$a ", "\\(a ", "`" * 3 + "a``b`", "[[", "%%a ", "$$a ", "**a ", "[^1]", "~a~", "{a}`"]
)
def test_signs_without_an_end_take_no_time(tmp_path, read, unit: str) -> None:
    path = tmp_path / "x.md"
    path.write_text(unit * (200_000 // len(unit)), "utf-8")
    assert read(path, wall_s=60)[0]


@pytest.mark.parametrize("unit", ["```{code}\n---\n", "-- --\n", "-- --\na\n\n", "+---+\n", "{math}`\n"])
def test_lines_without_an_end_take_no_time(tmp_path, read, unit: str) -> None:
    path = tmp_path / "x.md"
    path.write_text("top\n" + unit * (100_000 // len(unit)), "utf-8")
    assert read(path, wall_s=60)[0]
