"""The study sheet, checked with a CommonMark parser."""

from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from backend.study.exports.text import to_markdown
from backend.study.types import StudyKit
from tests.study.exports.kits import card, cloze, evidence, kit, link, mixed_kit, question, topic

_MARKUP = (
    *("<script>", "</p>", "<img src=x onerror=y>", "<!--", "&lt;", "&#60;", "&"),
    *("[x](javascript:y)", "![i](http://e.test)", "<http://e.test>", "[a]: http://e.test"),
    *("# ", "- ", "+ ", "1. ", "2) ", "> ", "---", "===", "***", "| a | b |\n|---|---|", "    ", "\t", "\n", "\n\n"),
    *("```", "~~~", "`", "*", "**", "_", "~~", "\\", "$", "$$", "{{c1::x}}", "}}", "::", "word", "ä"),
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
