"""Headings, pages, code and dropped capitals of Word files."""

import pytest

from backend.library.extraction.errors import UnreadableFile
from tests.library.extraction.word_files import HEADINGS, item, level, numbering, paragraph, run, write_word_file

SENTENCE = "Mitochondria make most of the energy that a cell uses. "
BREAK = '<w:r><w:br w:type="page"/></w:r>'
MONOSPACE = '<w:rFonts w:ascii="Courier New" w:hAnsi="Courier New"/>'


def style(identifier: str, name: str, inside: str = "", based_on: str = "", kind: str = "paragraph") -> str:
    """Return a style."""
    base = f'<w:basedOn w:val="{based_on}"/>' if based_on else ""
    return f'<w:style w:type="{kind}" w:styleId="{identifier}"><w:name w:val="{name}"/>{base}{inside}</w:style>'


@pytest.fixture
def pages_of(tmp_path, read):
    """Read a body; returns its pages."""
    return lambda body, **parts: read(write_word_file(tmp_path / "x.docx", body, **parts))[0]


def test_headings_begin_pages(pages_of):
    chapters = (
        paragraph(title, style="H1")
        + paragraph(SENTENCE * 20)
        + paragraph("A detail", style="H3")
        + paragraph(SENTENCE * 2)
        for title in ("Cells", "Energy")
    )
    pages = pages_of("".join(chapters))
    assert [page.heading for page in pages] == ["Cells", "Energy"]
    assert pages[1].text.startswith("# Energy\n\nMitochondria")
    assert "\n\n### A detail\n\n" in pages[1].text


def test_a_long_section_is_split_between_paragraphs(pages_of):
    pages = pages_of(paragraph("Cells", style="H1") + paragraph((SENTENCE * 10).strip()) * 20)
    assert len(pages) >= 4
    assert {page.heading for page in pages} == {"Cells"}
    assert all(1_000 < len(page.text) <= 3_000 and page.text.endswith("uses.") for page in pages[:-1])
    assert sum(page.text.count("Mitochondria") for page in pages) == 200


def test_headings_are_told_by_name_outline_and_what_they_are_based_on(pages_of):
    styles = (
        HEADINGS
        + style("T", "Title")
        + style("Mine", "Chapter of mine", based_on="H2")
        + style("Outlined", "Outlined", '<w:pPr><w:outlineLvl w:val="2"/></w:pPr>')
        + style("Toc", "TOC Heading", '<w:pPr><w:outlineLvl w:val="9"/></w:pPr>', based_on="H1")
        + style("Loop", "loop", based_on="Pool")
        + style("Pool", "pool", based_on="Loop")
    )
    body = paragraph("Title", style="T") + paragraph("Based", style="Mine") + paragraph("Outline", style="Outlined")
    body += paragraph("Contents", style="Toc") + paragraph("Round", style="Loop") + paragraph("Nine", style="H6")
    body += paragraph("Own", properties='<w:outlineLvl w:val="3"/>')
    body += paragraph("Body", style="H1", properties='<w:outlineLvl w:val="9"/>')
    assert pages_of(body, styles=styles)[0].text.split("\n\n") == [
        "# Title",
        "## Based",
        "### Outline",
        "Contents",
        "Round",
        "###### Nine",
        "#### Own",
        "Body",
    ]


@pytest.mark.parametrize("identifier", ["Heading2", "berschrift2", "Titre2", "Titolo2"])
def test_headings_of_a_file_without_styles_are_told_by_their_ids(pages_of, identifier):
    assert pages_of(paragraph("Cells", style=identifier), styles="")[0].text == "## Cells"


def test_authors_break_pages(pages_of):
    body = paragraph("One.") + paragraph(BREAK, "Two.") + paragraph("Three.", properties="<w:pageBreakBefore/>")
    body += paragraph("Still three. ", BREAK, "Four.") + paragraph("Still four.", BREAK) + paragraph("Five.")
    body += paragraph("Still five.", properties='<w:pageBreakBefore w:val="0"/>')
    assert [page.text for page in pages_of(body)] == [
        "One.",
        "Two.",
        "Three.\n\nStill three.",
        "Four.\n\nStill four.",
        "Five.\n\nStill five.",
    ]


def test_a_style_can_break_pages(pages_of):
    styles = style("New", "new page", "<w:pPr><w:pageBreakBefore/></w:pPr>")
    pages = pages_of(paragraph("One.") + paragraph("Two.", style="New"), styles=styles)
    assert [page.text for page in pages] == ["One.", "Two."]


def test_sections_break_pages_as_the_next_one_says(pages_of):
    def section(kind: str) -> str:
        return f'<w:sectPr><w:type w:val="{kind}"/></w:sectPr>' if kind else "<w:sectPr/>"

    body = paragraph("One.", properties=section("")) + paragraph("Still one.", properties=section("continuous"))
    body += paragraph("Two.", properties=section("oddPage")) + paragraph("Three.") + section("")
    assert [page.text for page in pages_of(body)] == ["One.\n\nStill one.", "Two.", "Three."]


def test_a_dropped_capital_belongs_to_its_word(pages_of):
    frame = '<w:framePr w:dropCap="drop" w:lines="3" w:wrap="around"/>'
    capital = paragraph(run("O", '<w:position w:val="-9"/><w:sz w:val="90"/>'), properties=frame)
    assert pages_of(capital + paragraph("smosis is diffusion."))[0].text == "Osmosis is diffusion."


def test_a_style_can_hide_and_a_run_can_show(read_word):
    styles = (
        style("Key", "answer key", "<w:rPr><w:vanish/></w:rPr>")
        + style("Sub", "sub key", based_on="Key")
        + style("Char", "hidden characters", "<w:rPr><w:vanish/></w:rPr>", kind="character")
    )
    body = paragraph("Question?") + paragraph("SECRET", style="Key") + paragraph("SECRET", style="Sub")
    body += paragraph("a", run(" SECRET", '<w:rStyle w:val="Char"/>'))
    body += paragraph(run("shown", '<w:vanish w:val="0"/>'), style="Key")
    assert read_word(body, styles=styles) == ("Question?\n\na\n\nshown", ["hidden_text_removed"])


def test_code_keeps_its_lines_and_indentation(pages_of):
    code = ["def f(x):", "    if x:", "        return 1", "", "    return x^{2}"[:12]]
    body = paragraph("Example:") + "".join(paragraph(run(line, MONOSPACE)) if line else paragraph() for line in code)
    page = pages_of(body + paragraph("Done."))[0]
    assert page.text == "Example:\n\n```\ndef f(x):\n    if x:\n        return 1\n\n    return x\n```\n\nDone."
    assert [span.kind for span in page.spans] == ["code"]


def test_a_style_for_code_and_a_typewritten_document(pages_of):
    styles = style("C", "Source Code")
    assert pages_of(paragraph("x = 1", style="C") + paragraph("y = 2", style="C"), styles=styles)[0].text == (
        "```\nx = 1\ny = 2\n```"
    )
    typewriter = f"<w:docDefaults><w:rPrDefault><w:rPr>{MONOSPACE}</w:rPr></w:rPrDefault></w:docDefaults>"
    assert pages_of(paragraph("All prose."), styles=typewriter)[0].text == "All prose."


def test_raised_text_in_a_typewriters_letters_is_prose(pages_of):
    body = paragraph(run("10", MONOSPACE), run("3", MONOSPACE + '<w:vertAlign w:val="superscript"/>'))
    assert pages_of(body)[0].text == "10^{3}"
    assert pages_of(paragraph(run("x^{2}", MONOSPACE)))[0].text == "```\nx^{2}\n```"


def test_a_long_list_can_end_a_page(pages_of):
    lists = numbering({0: level("decimal", "%1.")})
    pages = pages_of("".join(item(SENTENCE) for _ in range(200)), lists=lists)
    assert len(pages) > 3
    assert all(len(page.text) <= 4_500 for page in pages)
    assert sum(page.text.count("Mitochondria") for page in pages) == 200
    assert pages[-1].text.splitlines()[-1].startswith("200. ")


def test_a_file_without_text_has_no_text(pages_of):
    with pytest.raises(UnreadableFile, match="no_text"):
        pages_of("<w:p/>")
