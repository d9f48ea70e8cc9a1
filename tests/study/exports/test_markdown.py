"""The study sheet, checked with a CommonMark parser."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from backend.library.types import SpanKind
from backend.study.exports.text import to_markdown
from backend.study.types import StudyKit
from tests.study.exports.kits import card, cloze, evidence, kit, link, mixed_kit, page_quote, question, topic

_MARKUP = (
    *("<script>", "</p>", "<img src=x onerror=y>", "<!--", "&lt;", "&#60;", "&"),
    *("[x](javascript:y)", "![i](http://e.test)", "<http://e.test>", "[a]: http://e.test"),
    *("# ", "- ", "+ ", "1. ", "2) ", "> ", "---", "===", "***", "| a | b |\n|---|---|", "    ", "\t", "\n", "\n\n"),
    *("```x", "~~~", "`", "*", "**", "_", "~~", "\\", "$", "$$", "{{c1::x}}", "}}", "::", "word", "ä"),
)
_FORMULAS = ("\\(a_1 < b\\)", "\\[<script>\\]", "\\([x](javascript:y)\\)", "\\(`\\)", "\\(\\)", "\\(", "\\)")


def texts(*fragments: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(fragments), min_size=1, max_size=8).map("".join)


class _Structure(HTMLParser):
    """Collects a page's text and tags, except those that formulas and line breaks may add."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("br", "code"):
            self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_comment(self, data: str) -> None:
        self.tags.append(f"comment {data}")

    def handle_data(self, data: str) -> None:
        self.text += data


def render(markdown: str) -> _Structure:
    structure = _Structure()
    structure.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))
    structure.close()
    return structure


def kit_of(text: str) -> StudyKit:
    """Return a kit with ``text`` in every field; the letter keeps each field non-empty."""
    text = f"x{text}x"
    return kit(
        [card(1, text, text, sources=[evidence(text)])],
        [question(2, text, [text, text], explanation=text)],
        topics=[topic(90, text, summary=text), topic(91, text, 90)],
        links=[link(90, 91, text)],
        title=text,
    )


@settings(deadline=None)
@given(texts(*_MARKUP, *_FORMULAS))
def test_no_text_changes_the_structure(text: str) -> None:
    page = render(to_markdown(kit_of(text)))
    assert page.tags == render(to_markdown(kit_of("plain"))).tags
    assert page.attributes == []


@settings(deadline=None)
@given(texts(*_MARKUP, *_FORMULAS))
def test_text_at_the_start_of_a_block_is_text(text: str) -> None:
    page = render(to_markdown(kit([card(1, "front", text)], title="t")))
    assert set(page.tags) <= {"h1", "h2", "p", "strong"}
    assert len(page.tags) in (4, 5)  # The back may be only white space.


@settings(deadline=None)
@given(texts(*_MARKUP))
def test_text_is_complete(text: str) -> None:
    page = render(to_markdown(kit([card(1, "front", text)], title="t")))
    assert "".join(page.text.split()) == "tKarteikarten·Flashcards1.front" + "".join(text.split())


def test_sheet_reads_well() -> None:
    sheet = to_markdown(mixed_kit())
    assert sheet.startswith("# Messtechnik\n\n## Begriffsnetz · Concept map\n\n")
    assert "- **Deskriptive Statistik**\n  - **Lage &amp; Maße**: Wo die Daten liegen\n" in sheet
    assert "- Deskriptive Statistik → *umfasst* → Lage &amp; Maße\n" in sheet
    assert "**1.** Was ist ein Mittelwert?\n\nSumme durch Anzahl\n\n> skript &amp; übung.pdf, S./p. 3: „Der" in sheet
    assert "**3.** Der \\[…\\] teilt die Daten in \\[…\\].\n\nDer Median teilt die Daten in zwei Hälften." in sheet
    questions, answers = sheet.split("## Lösungen · Answers")
    assert questions.endswith("- **A** 2\n- **B** 3\n- **C** 5\n- **D** 8\n\n")
    assert answers == "\n\n**1.** **B** 3\n\nDie mittlere ist 3.\n"


def test_formulas_are_unchanged_and_hints_are_shown_in_gaps() -> None:
    sheet = to_markdown(
        kit([card(1, "Gilt \\(a_1 < b*c*\\)?", "\\[\n x^2\n\\]"), cloze(2, "{{c1::\\(\\frac{a}{b}\\)::Bruch}} ist es")])
    )
    assert "Gilt $`a_1 < b*c*`$?" in sheet
    assert "\n\n$`x^2`$\n\n" in sheet
    assert "**2.** \\[Bruch\\] ist es\n\n$`\\frac{a}{b}`$ ist es" in sheet


def test_line_breaks_are_kept() -> None:
    page = MarkdownIt("commonmark").render(to_markdown(kit([card(1, "f", "one\n\n  two\n- three")])))
    assert "<p>one<br />\ntwo<br />\n- three</p>" in page


def test_the_sheet_is_marked_as_a_draft() -> None:
    assert "**Draft:**" in to_markdown(kit(is_draft=True))
    assert "**Draft:**" not in to_markdown(kit())


def test_empty_kit_is_a_title() -> None:
    assert to_markdown(kit()) == "# Messtechnik\n"


def to_html(study_kit: StudyKit) -> str:
    html: str = MarkdownIt("commonmark", {"html": True}).render(to_markdown(study_kit))
    return html


CODE = "```python\nif a:\n    b\n```"


@settings(deadline=None)
@given(texts(*_MARKUP, *_FORMULAS, "```", "\n```\n", "````\n", CODE))
def test_fences_leave_the_rest_of_the_sheet_alone(text: str) -> None:
    page = render(to_markdown(kit([card(1, text, text), card(2, "last", "back")], title="t")))
    assert set(page.tags) <= {"h1", "h2", "p", "strong", "pre"}
    assert page.tags[-3:] == ["p", "strong", "p"]
    assert "".join(page.text.split()).endswith("2.lastback")


@pytest.mark.parametrize("text", [CODE, f"Was tut das?\n{CODE}\nUnd warum?", "````\n```\n  x\n```\n````"])
def test_code_keeps_its_lines(text: str) -> None:
    code = "```\n  x\n```" if text.startswith("````") else "if a:\n    b"
    html = to_html(kit([card(1, text, text)], [question(2, "Was?", [text, "b"])]))
    assert html.count(f">{code}\n</code></pre>") == 3
    assert html.count("<li>") == 2


def test_raised_and_lowered_text_is_shown_so() -> None:
    html = to_html(kit([card(1, "10^{23} & H_{2}O", "\\(10^{23}\\)"), cloze(2, "{{c1::10^{-3}}} <l>")]))
    assert "10<sup>23</sup> &amp; H<sub>2</sub>O" in html
    assert "$<code>10^{23}</code>$" in html
    assert "<p>10<sup>-3</sup> &lt;l&gt;</p>" in html


def test_a_quote_shows_formulas_that_its_page_names() -> None:
    source, notations = page_quote(
        "It costs $5 and $6, and $E = mc^{2}$ holds[^1] for 10^{3} g.", (SpanKind.FORMULA, "$E = mc^{2}$")
    )
    sheet = to_markdown(kit([card(1, "f", "b", sources=[source])], notations=notations))
    assert "„It costs \\$5 and \\$6, and $`E = mc^{2}`$ holds<sup>1</sup> for 10<sup>3</sup> g.“" in sheet


def test_a_quote_of_several_blocks_stays_in_its_blockquote() -> None:
    table = "| Metal | Density |\n| --- | --- |\n| Iron | 7.9 |"
    code = "```python\nif a:\n    b\n```"
    source, notations = page_quote(
        f"# The <title>\n\nWrapped\ntext:\n1. one\n2. two\n\n{table}\n\n{code}\n\nEnd",
        (SpanKind.HEADING, "# The <title>"),
        (SpanKind.TABLE, table),
        (SpanKind.CODE, code),
    )
    html = to_html(kit([card(1, "f", "b", sources=[source]), card(2, "next", "b")], notations=notations))
    quote, rest = html.split("<blockquote>")[1].split("</blockquote>")
    assert quote.split("</p>\n<p>")[1].startswith(
        "The &lt;title&gt;<br />\nWrapped text:<br />\n"
        "1. one<br />\n2. two<br />\nMetal | Density<br />\nIron | 7.9</p>"
    )
    assert '<pre><code class="language-python">if a:\n    b\n</code></pre>\n<p>End</p>' in quote
    assert "next" in rest


@pytest.mark.parametrize("quoted", ["```\nx\n````\n# y\n```", "a\n```\nb", "```"])
def test_no_fence_in_a_quote_breaks_the_sheet(quoted: str) -> None:
    for spans in ([], [(SpanKind.CODE, quoted)]):
        source, notations = page_quote(quoted, *spans)
        html = to_html(kit([card(1, "f", "b", sources=[source]), card(2, "next", "b")], notations=notations))
        assert html.count("<h1>") == 1
        assert html.endswith("</blockquote>\n<p><strong>2.</strong> next</p>\n<p>b</p>\n")
