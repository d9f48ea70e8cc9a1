"""Automatic numbers and letters: readers see them, so the text has them."""

import pytest

from tests.library.extraction.word_files import item, level, numbering, paragraph, row, run, table

THREE = numbering({0: level("decimal", "%1."), 1: level("lowerLetter", "%2)"), 2: level("decimal", "%1.%2.%3")})


def of_list(number: str, depth: int = 0) -> str:
    """Return the properties of a paragraph of a list."""
    return f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'


def test_levels_count_and_restart(read_word):
    body = (
        item("one") + item("a", level=1) + item("b", level=1) + item("deep", level=2) + item("two") + item("a", level=1)
    )
    assert read_word(body, lists=THREE)[0] == "1. one\n  a) a\n  b) b\n    1.b.1 deep\n2. two\n  a) a"


def test_a_level_without_one_above_starts_it(read_word):
    assert read_word(item("first", level=1) + item("then"), lists=THREE)[0] == "  a) first\n2. then".strip()


def test_lists_of_one_kind_go_on_unless_they_start_anew(read_word):
    more = (
        '<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num><w:num w:numId="3"><w:abstractNumId w:val="1"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>'
    )
    body = item("one") + item("two", "2") + item("five", "3") + item("six", "3") + item("seven")
    assert read_word(body, lists=THREE + more)[0] == "1. one\n2. two\n5. five\n6. six\n7. seven"


def test_a_list_can_override_a_whole_level(read_word):
    more = (
        '<w:num w:numId="2"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0">'
        f'<w:lvl w:ilvl="0">{level("upperRoman", "(%1)", start=3)}</w:lvl></w:lvlOverride></w:num>'
    )
    assert read_word(item("three", "2"), lists=THREE + more)[0] == "(III) three"


def test_legal_numbers_and_levels_that_do_not_restart(read_word):
    lists = numbering(
        {
            0: level("upperRoman", "Art. %1"),
            1: level("decimal", "%1.%2", "<w:isLgl/>"),
            2: level("lowerLetter", "%3)", '<w:lvlRestart w:val="0"/>'),
        }
    )
    body = item("x") + item("y", level=1) + item("z", level=2) + item("x") + item("z", level=2)
    assert read_word(body, lists=lists)[0].split() == [
        "Art.",
        "I",
        "x",
        "1.1",
        "y",
        "a)",
        "z",
        "Art.",
        "II",
        "x",
        "b)",
        "z",
    ]


@pytest.mark.parametrize(
    ("number_format", "labels"),
    [
        ("decimal", "9 10 11"),
        ("decimalZero", "09 10 11"),
        ("upperRoman", "IX X XI"),
        ("lowerLetter", "i j k"),
        ("ordinal", "9th 10th 11th"),
        ("decimalEnclosedCircle", "⑨ ⑩ ⑪"),
        ("russianLower", "и к л"),
        ("chineseCounting", "九 十 十一"),
        ("chicago", "*** ††† ‡‡‡"),
        ("unheardOf", "9 10 11"),
    ],
)
def test_formats_of_numbers(read_word, number_format, labels):
    lists = numbering({0: level(number_format, "%1", start=9)})
    text, _ = read_word("".join(item("x") for _ in range(3)), lists=lists)
    assert [line.split()[0] for line in text.splitlines()] == labels.split()


def test_letters_after_z_are_doubled(read_word):
    text, _ = read_word("".join(item("x") for _ in range(28)), lists=numbering({0: level("lowerLetter", "%1.")}))
    assert text.splitlines()[25:] == ["z. x", "aa. x", "bb. x"]


def test_bullets_are_dashes_and_a_list_without_a_number_has_no_label(read_word):
    lists = numbering({0: level("bullet", "\uf0b7")}) + numbering({0: level("none", "")}, "2")
    assert read_word(item("point") + item("plain", "2"), lists=lists)[0] == "- point\n\nplain"


def test_a_style_can_have_the_list_and_headings_their_numbers(read_word):
    styles = (
        '<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/>'
        '</w:numPr></w:pPr></w:style><w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/>'
        '<w:basedOn w:val="H1"/></w:style>'
    )
    lists = numbering(
        {0: level("decimal", "%1", '<w:pStyle w:val="H1"/>'), 1: level("decimal", "%1.%2", '<w:pStyle w:val="H2"/>')}
    )
    body = paragraph("Cells", style="H1") + paragraph("Walls", style="H2") + paragraph("Energy", style="H1")
    body += paragraph("Summary", style="H1", properties='<w:numPr><w:numId w:val="0"/></w:numPr>')
    assert read_word(body, styles=styles, lists=lists)[0] == "# 1 Cells\n\n## 1.1 Walls\n\n# 2 Energy\n\n# Summary"


def test_a_list_style_is_found_through_its_link(read_word):
    lists = (
        '<w:abstractNum w:abstractNumId="7"><w:numStyleLink w:val="Exam"/></w:abstractNum>'
        f'<w:abstractNum w:abstractNumId="8"><w:styleLink w:val="Exam"/><w:lvl w:ilvl="0">{level("upperLetter", "%1)")}'
        '</w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    )
    assert read_word(item("x") + item("y"), lists=lists)[0] == "A) x\nB) y"


def test_a_new_format_within_a_choice_is_read(read_word):
    choice = (
        '<w:start w:val="7"/><mc:AlternateContent><mc:Choice Requires="w14"><w:numFmt w:val="custom" '
        'w:format="001, 002, 003, ..."/></mc:Choice><mc:Fallback><w:numFmt w:val="decimal"/></mc:Fallback>'
        '</mc:AlternateContent><w:lvlText w:val="%1"/>'
    )
    assert read_word(item("x"), lists=numbering({0: choice}))[0] == "007 x"


def test_empty_items_count_and_hidden_ones_do_not(read_word):
    hidden = paragraph(run("hidden", "<w:vanish/>"), properties=of_list("1") + "<w:rPr><w:vanish/></w:rPr>")
    body = item("one") + paragraph(properties=of_list("1")) + hidden + item("three")
    assert read_word(body, lists=THREE)[0] == "1. one\n3. three"


def test_a_cell_shows_the_numbers_of_its_paragraphs(read_word):
    body = table(row("Question", "Points"), row(f"<w:tc>{item('Name it.')}{item('Explain it.')}</w:tc>", "4"))
    assert "| 1. Name it. / 2. Explain it. | 4 |" in read_word(body, lists=THREE)[0]


@pytest.mark.parametrize("place", ['<w:numPr><w:numId w:val="99"/></w:numPr>', of_list("1", 8), of_list("x", 2)])
def test_a_list_that_is_not_there_gives_no_label(read_word, place):
    assert read_word(paragraph("text", properties=place), lists=THREE) == ("text", [])


def test_a_column_of_numbers_is_shown(read_word):
    body = table(row(f"<w:tc>{item('')}</w:tc>", "Name it."), row(f"<w:tc>{item('')}</w:tc>", "Explain it."))
    assert read_word(body, lists=THREE)[0].splitlines()[::2] == ["| 1. | Name it. |", "| 2. | Explain it. |"]


def test_hidden_numbers_are_not_shown(read_word):
    hidden = level("decimal", "%1.", "<w:rPr><w:vanish/></w:rPr>")
    assert read_word(item("one") + item("two"), lists=numbering({0: hidden}))[0] == "one\n\ntwo"
