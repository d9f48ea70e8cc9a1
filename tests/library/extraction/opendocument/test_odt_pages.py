"""OpenDocument texts: lists, notes, tables, formulas, raised text, and what is not shown."""

import pytest

from backend.library.extraction.errors import UnreadableFile
from tests.library.extraction.opendocument.odf_files import (
    bullets,
    frame,
    heading,
    list_style,
    paragraph,
    text_style,
)


def _span(text: str, style: str) -> str:
    return f'<text:span text:style-name="{style}">{text}</text:span>'


def _cell(text: str, attributes: str = "") -> str:
    return f"<table:table-cell {attributes}>{paragraph(text)}</table:table-cell>"


COVERED = "<table:covered-table-cell/>"


def _row(*cells: str, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def test_headings_and_paragraphs_follow_each_other(read_text):
    named = text_style("Heading_20_2", "", "paragraph") + text_style("Title", "", "paragraph")
    automatic = text_style("P1", "", "paragraph", 'style:parent-style-name="Heading_20_2"')
    text, warnings = read_text(
        paragraph("Biology", "Title")
        + heading("Cells", 2)
        + paragraph("A cell is alive.")
        + paragraph("Membranes", "P1"),
        named=named,
        automatic=automatic,
    )
    assert text == "# Biology\n\n## Cells\n\nA cell is alive.\n\n## Membranes"
    assert warnings == {}


def test_raised_and_lowered_text_is_told_by_styles_and_what_they_inherit(read_text):
    automatic = (
        text_style("T1", 'style:text-position="super 58%"')
        + text_style("T2", 'style:text-position="-33% 58%"')
        + text_style("T3", 'fo:font-weight="bold"', attributes='style:parent-style-name="T1"')
        + text_style("T4", 'style:text-position="0% 100%"')
    )
    text, _ = read_text(
        paragraph(f"10{_span('2', 'T1')}{_span('3', 'T3')} H{_span('2', 'T2')}O {_span('x' + _span('y', 'T4'), 'T1')}"),
        automatic=automatic,
    )
    assert text == "10^{23} H_{2}O ^{x}y"


def test_blanks_tabs_and_breaks_are_those_that_are_shown(read_text):
    text, _ = read_text(
        paragraph(
            "\n  one\n two <text:span> three</text:span><text:s text:c='3'/>four<text:tab/>x<text:line-break/> y "
        )
    )
    assert text == "one two three   four\tx\ny"


def test_lists_have_the_labels_of_their_styles(read_text):
    styles = list_style("L1", "1 - .", "a - )", "•") + list_style("L2", "I ( )")
    text, warnings = read_text(
        bullets(
            paragraph("One") + bullets("First", paragraph("Second") + paragraph("More of it")),
            paragraph("Two") + bullets(paragraph("Third") + bullets("Deep")),
            style="L1",
        )
        + paragraph("Between")
        + bullets("Three", style="L1", attributes='text:continue-numbering="true"')
        + paragraph("Between")
        + bullets("Roman", style="L2")
        + paragraph("Between")
        + bullets("Without a style"),
        automatic=styles,
    )
    assert text == (
        "1. One\n  a) First\n  b) Second\n    More of it\n2. Two\n  a) Third\n    - Deep\n\nBetween\n\n3. Three\n\n"
        "Between\n\n(I) Roman\n\nBetween\n\n- Without a style"
    )
    assert warnings == {}


def test_numbers_of_several_levels_and_start_values_are_shown(read_text):
    text, _ = read_text(
        bullets(paragraph("One") + bullets("Inner"), style="L1").replace(
            "<text:list-item>", '<text:list-item text:start-value="7">', 1
        ),
        automatic=list_style("L1", "1 - .", "1 - . 2"),
    )
    assert text == "7. One\n  7.1. Inner"


def test_numbers_of_headings_are_shown(read_text):
    outline = "".join(
        f'<text:outline-level-style text:level="{level}" style:num-format="1" text:display-levels="{level}"/>'
        for level in (1, 2)
    )
    text, _ = read_text(
        heading("Cells") + heading("Walls", 2) + heading("Organs") + heading("Hearts", 2) + heading("Notes", 3),
        named=f"<text:outline-style>{outline}</text:outline-style>",
    )
    assert text.split("\n\n") == ["# 1 Cells", "## 1.1 Walls", "# 2 Organs", "## 2.1 Hearts", "### Notes"]


def test_notes_follow_their_paragraph(read_text):
    def note(sign: str, text: str) -> str:
        return (
            f"<text:note><text:note-citation>{sign}</text:note-citation>"
            f"<text:note-body>{paragraph(text)}{paragraph('Second line.')}</text:note-body></text:note>"
        )

    text, _ = read_text(
        paragraph(f"Proposed in 1953{note('1', 'By Watson and Crick.')}.") + paragraph(f"Later{note('*', 'Much.')}.")
    )
    assert text.split("\n\n") == [
        "Proposed in 1953[^1].",
        "[^1]: By Watson and Crick. / Second line.",
        "Later[^*].",
        "[^*]: Much. / Second line.",
    ]


def test_tables_repeat_covered_cells_and_keep_empty_ones(read_text):
    text, warnings = read_text(
        "<table:table><table:table-header-rows>"
        + _row(_cell("Vaccine"), _cell("Doses", 'table:number-columns-spanned="2"'), COVERED)
        + "</table:table-header-rows>"
        + _row(_cell("Tetanus", 'table:number-rows-spanned="2"'), _cell(""), _cell("3"))
        + _row(COVERED, _cell("child", 'table:number-columns-repeated="2"'))
        + "</table:table>"
    )
    assert text.split("\n") == [
        "| Vaccine | Doses | Doses |",
        "| --- | --- | --- |",
        "| Tetanus | | 3 |",
        "| Tetanus | child | child |",
    ]
    assert warnings == {}


def test_repetitions_of_a_table_are_bounded(read_text):
    endless = 'table:number-columns-repeated="99999999"'
    text, _ = read_text(
        "<table:table>"
        + _row(_cell("a"), _cell("b"), f"<table:table-cell {endless}/>")
        + _row(f"<table:table-cell {endless}/>", attributes='table:number-rows-repeated="1048576"')
        + "</table:table>"
    )
    assert "| a | b |" in text
    assert len(text) < 5_000


def test_a_table_with_too_many_cells_is_cut_with_a_warning(read_text):
    text, warnings = read_text(
        "<table:table>"
        + _row(_cell("a"), attributes='table:number-rows-repeated="9999"') * 11
        + "</table:table>"
        + paragraph("After.")
    )
    assert warnings == {"objects_lost": 1}
    assert len(text) < 5_000


FORMULA = (
    "<math:math><math:semantics><math:mfrac><math:mi>a</math:mi><math:mi>b</math:mi></math:mfrac>"
    '<math:annotation encoding="StarMath 5.0">{a} over {b}</math:annotation></math:semantics></math:math>'
)


@pytest.mark.parametrize("is_inline", [True, False])
def test_formulas_are_read_from_their_objects(read_text, is_inline):
    names = 'xmlns:math="http://www.w3.org/1998/Math/MathML"'
    embedded = FORMULA.replace("<math:math>", f"<math:math {names}>")
    content = FORMULA if is_inline else ""
    text, warnings = read_text(
        paragraph(
            "The share "
            + frame(f'<draw:object xlink:href="./Object 1">{content}</draw:object><draw:image xlink:href="x"/>')
            + "."
        ),
        parts={} if is_inline else {"Object 1/content.xml": embedded},
    )
    assert text == "The share $\\frac{a}{b}$."
    assert warnings == {}


def test_a_formula_that_is_only_a_starmath_text_is_uncertain(read_odf):
    formula = (
        '<math:math><math:semantics><math:annotation encoding="StarMath 5.0">a over b</math:annotation>'
        "</math:semantics></math:math>"
    )
    pages, warnings = read_odf(paragraph("So " + frame(f"<draw:object>{formula}</draw:object>") + "."))
    assert pages[0].text == "So a over b."
    assert [(span.kind.value, pages[0].text[span.start : span.end]) for span in pages[0].spans] == [
        ("uncertain", "a over b")
    ]
    assert warnings == {"formulas_uncertain": 1}


def test_objects_that_are_missing_or_of_other_programs_are_lost(read_text):
    text, warnings = read_text(
        paragraph("Before " + frame('<draw:object xlink:href="./Object 9"/>') + frame("<draw:object-ole/>") + "after.")
    )
    assert text == "Before after."
    assert warnings == {"objects_lost": 2}


def test_charts_and_sheets_are_read_as_tables(read_text):
    def table(*rows: str) -> str:
        return f"<table:table>{''.join(rows)}</table:table>"

    wide = '<table:table-cell table:number-columns-repeated="1000"/>'
    chart = (
        "<office:document><chart:chart><chart:title><text:p>Deaths</text:p></chart:title>"
        + table(_row(_cell(""), _cell("Share")), _row(_cell("Cancer"), _cell("24")))
        + "</chart:chart></office:document>"
    )
    sheet = (
        "<office:document><office:spreadsheet>"
        + table(_row(_cell("a"), _cell("b"), wide), _row(wide, attributes='table:number-rows-repeated="1048000"'))
        + "</office:spreadsheet></office:document>"
    )
    text, warnings = read_text(
        paragraph(frame(f"<draw:object>{chart}</draw:object>"))
        + paragraph(frame(f"<draw:object>{sheet}</draw:object>"))
    )
    assert text == ("Deaths\n\n| | Share |\n| --- | --- |\n| Cancer | 24 |\n\n| a | b |\n| --- | --- |")
    assert warnings == {"charts_as_tables": 1, "inserted_documents_read": 1}


def test_pictures_have_their_descriptions_and_large_ones_without_are_missed(read_text):
    image = '<draw:image xlink:href="Pictures/1.png"/>'
    text, warnings = read_text(
        paragraph(
            frame(f"{image}<svg:title>x</svg:title><svg:desc>A cell with its nucleus</svg:desc>", (0, 0, 9, 9))
            + frame(image, (0, 0, 9, 9))
            + frame(image, (0, 0, 1, 1))
        )
    )
    assert text == "[image: A cell with its nucleus]"
    assert warnings == {"pictures_not_read": 1}


def test_text_boxes_and_shapes_follow_the_paragraph_that_holds_them(read_text):
    text, _ = read_text(
        paragraph(
            "Before "
            + frame(f"<draw:text-box>{paragraph('In a box.')}{bullets('Item')}</draw:text-box>")
            + f"<draw:g><draw:custom-shape>{paragraph('In a shape.')}</draw:custom-shape></draw:g>"
            + "after."
        )
    )
    assert text.split("\n\n") == ["Before after.", "In a box.", "- Item", "In a shape."]


def test_program_text_keeps_its_indentation(read_odf):
    pages, _ = read_odf(
        paragraph("def f(a_b):", "Preformatted_20_Text")
        + paragraph('<text:s text:c="4"/>return <text:span>1</text:span>', "P1")
        + paragraph("Prose."),
        named=text_style("Preformatted_20_Text", "", "paragraph"),
        automatic=text_style("P1", "", "paragraph", 'style:parent-style-name="Preformatted_20_Text"'),
    )
    assert pages[0].text == "```\ndef f(a_b):\n    return 1\n```\n\nProse."
    assert [span.kind.value for span in pages[0].spans] == ["code"]


def test_hidden_and_deleted_text_is_left_out(read_text):
    text, warnings = read_text(
        "<text:tracked-changes><text:changed-region><text:deletion>"
        + paragraph("Deleted.")
        + "</text:deletion></text:changed-region></text:tracked-changes>"
        + paragraph(
            f'Seen. {_span("Hidden.", "T1")}<text:hidden-text text:is-hidden="true">Also hidden.</text:hidden-text>'
        )
        + f'<text:section text:display="none">{paragraph("A hidden part.")}</text:section>'
        + f"<text:section>{paragraph('A shown part.')}</text:section>",
        automatic=text_style("T1", 'text:display="none"'),
    )
    assert text == "Seen.\n\nA shown part."
    assert warnings == {"hidden_text_removed": 4}


def test_comments_follow_their_paragraph_with_a_warning(read_text):
    comment = f"<office:annotation>{paragraph('Learn')}{paragraph('this!')}</office:annotation>"
    text, warnings = read_text(
        paragraph(f"Seen.{comment} More.<office:annotation>{paragraph('')}</office:annotation>") + paragraph("Last.")
    )
    assert text == "Seen. More.\n\n[comment: Learn / this!]\n\nLast."
    assert warnings == {"annotations_read": 1}


@pytest.mark.parametrize(
    "line",
    [
        'style:text-line-through-style="solid" style:text-line-through-type="double"',
        'style:text-line-through-type="single"',
    ],
)
def test_struck_text_is_left_out_and_counted(read_text, line: str):
    text, warnings = read_text(
        paragraph(f"The heart has {_span('three', 'T1')}{_span('four', 'T2')} chambers.")
        + paragraph(f"Wrong. {_span('Right.', 'T2')}", "P1"),
        automatic=text_style("T1", line)
        + text_style("T2", 'style:text-line-through-style="none" style:text-line-through-type="none"')
        + text_style("P1", line, "paragraph"),
    )
    assert text == "The heart has four chambers.\n\nRight."
    assert warnings == {"struck_text_removed": 2}


def test_page_breaks_begin_pages(read_odf):
    automatic = (
        '<style:style style:name="P1" style:family="paragraph">'
        '<style:paragraph-properties fo:break-before="page"/></style:style>'
    )
    pages, _ = read_odf(
        paragraph("One.") + paragraph("Two.", "P1") + paragraph("", "P1") + paragraph("Three."), automatic=automatic
    )
    assert [page.text for page in pages] == ["One.", "Two.", "Three."]


def test_readings_of_characters_stand_in_brackets(read_text):
    text, _ = read_text(
        paragraph("<text:ruby><text:ruby-base>漢字</text:ruby-base><text:ruby-text>かんじ</text:ruby-text></text:ruby>")
    )
    assert text == "漢字(かんじ)"


def test_letters_of_symbol_fonts_are_what_they_show(read_text):
    text, warnings = read_text(
        paragraph(_span("a", "T1") + " = 5 " + _span("\uf06d", "T1") + "g"),
        automatic=text_style("T1", 'style:font-name="Symbol"'),
    )
    assert text == "α = 5 μg"
    assert warnings == {}


def test_a_file_with_a_password_is_encrypted(read_text):
    with pytest.raises(UnreadableFile, match="encrypted"):
        read_text(paragraph("x"), parts={"META-INF/manifest.xml": "<manifest:encryption-data xmlns:manifest='urn:x'/>"})


SECTION = ("<text:section>", "</text:section>")
LIST = ("<text:list><text:list-item>", "</text:list-item></text:list>")
TABLE = ("<table:table><table:table-row><table:table-cell>", "</table:table-cell></table:table-row></table:table>")
BOX = ("<text:p><draw:frame><draw:text-box>", "</draw:text-box></draw:frame></text:p>")


@pytest.mark.parametrize("unit", [SECTION, LIST, TABLE, BOX, ("<text:span>", "</text:span>")])
def test_elements_nested_without_end_are_damaged(read_text, unit):
    with pytest.raises(UnreadableFile, match="damaged"):
        read_text(paragraph("top") + unit[0] * 5_000 + paragraph("bottom") + unit[1] * 5_000)


@pytest.mark.parametrize(("unit", "depth"), [(SECTION, 100), (LIST, 60), (TABLE, 8), (BOX, 8)])
def test_elements_nested_deeply_are_read(read_text, unit, depth):
    text, _ = read_text(paragraph("top") + unit[0] * depth + paragraph("bottom") + unit[1] * depth)
    assert text.split()[0] == "top"
    assert "bottom" in text


@pytest.mark.parametrize("unit", [TABLE, BOX])
def test_boxes_and_cells_nested_beyond_what_anybody_does_are_damaged(read_text, unit):
    with pytest.raises(UnreadableFile, match="damaged"):
        read_text(unit[0] * 20 + paragraph("bottom") + unit[1] * 20)
