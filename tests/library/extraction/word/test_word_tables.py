"""Tables: each cell stays at its place."""

from tests.library.extraction.word_files import cell, paragraph, row, run, table

SPAN_2 = '<w:gridSpan w:val="2"/>'
DOWN, GOES_ON = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"


def lines(text: str) -> list[str]:
    """Return the rows of a table without the line below the first."""
    first, _, *rest = text.splitlines()
    return [first, *rest]


def test_empty_cells_stay(read_word):
    body = table(row("Drug", "Adults", "Children"), row("Ibuprofen", "", "10 mg/kg"), row("Aspirin", "500 mg", ""))
    text, _ = read_word(body)
    assert text.splitlines() == [
        "| Drug | Adults | Children |",
        "| --- | --- | --- |",
        "| Ibuprofen | | 10 mg/kg |",
        "| Aspirin | 500 mg | |",
    ]


def test_merged_cells_are_repeated(read_word):
    body = table(
        row("Drug", cell("Dose", properties=SPAN_2)),
        row(cell("Aspirin", properties=DOWN), "morning", "500"),
        row(cell(properties=GOES_ON), "evening", "250"),
        row("Ibuprofen", cell("none", properties=SPAN_2)),
    )
    assert lines(read_word(body)[0]) == [
        "| Drug | Dose | Dose |",
        "| Aspirin | morning | 500 |",
        "| Aspirin | evening | 250 |",
        "| Ibuprofen | none | none |",
    ]


def test_cells_merged_both_ways_and_in_the_old_way(read_word):
    both = f"{SPAN_2}{DOWN}", f"{SPAN_2}{GOES_ON}"
    body = table(
        row("a", cell("block", properties=both[0]), "d"),
        row("e", cell(properties=both[1]), "h"),
        row(cell("old", properties='<w:hMerge w:val="restart"/>'), cell(properties="<w:hMerge/>"), "x", "y"),
    )
    assert lines(read_word(body)[0]) == [
        "| a | block | block | d |",
        "| e | block | block | h |",
        "| old | old | x | y |",
    ]


def test_rows_that_begin_or_end_within_the_grid(read_word):
    body = table(
        row("a", "b", "c"),
        row("B", "C", properties='<w:gridBefore w:val="1"/>'),
        row("A", properties='<w:gridAfter w:val="2"/>'),
    )
    assert lines(read_word(body)[0]) == ["| a | b | c |", "| | B | C |", "| A | | |"]


def test_content_controls_around_cells_and_rows(read_word):
    def control(inside: str) -> str:
        return f"<w:sdt><w:sdtPr/><w:sdtContent>{inside}</w:sdtContent></w:sdt>"

    body = table(
        row("Vitamin", "Lack", "Source"),
        row("C", control(control(cell("Scurvy"))), "Citrus"),
        control(row("D", cell(control(paragraph("Rickets"))), "Fish")),
        f'<w:customXml w:element="x">{row("K", "Bleeding", "Kale")}</w:customXml>',
    )
    assert lines(read_word(body)[0])[1:] == [
        "| C | Scurvy | Citrus |",
        "| D | Rickets | Fish |",
        "| K | Bleeding | Kale |",
    ]


def test_paragraphs_of_a_cell_and_tables_in_cells(read_word):
    inner = table(row("x", ""), row("y", "2"))
    body = table(row("Term", "Meaning"), row(cell("pH", "acidity"), cell(paragraph("values:"), inner)))
    assert lines(read_word(body)[0])[1] == "| pH / acidity | values: / x ; / y ; 2 |"


def test_a_frame_of_one_cell_holds_a_passage(read_word):
    framed = table(row(cell(paragraph("Cells", style="H2"), paragraph("A cell lives."))))
    assert read_word(framed + paragraph("After."))[0] == "## Cells\n\nA cell lives.\n\nAfter."


def test_deleted_and_hidden_rows_are_left_out(read_word):
    deleted, hidden = row("old", "row", properties='<w:del w:id="1"/>'), row("not", "shown", properties="<w:hidden/>")
    body = table(row("a", "b"), deleted, row("c", "d"), hidden)
    assert read_word(body)[1] == ["hidden_text_removed"]
    assert lines(read_word(body)[0]) == ["| a | b |", "| c | d |"]


def test_formulas_and_raised_text_of_cells(read_word, read, tmp_path):
    formula = "<m:oMathPara><m:oMath><m:r><m:t>E=m</m:t></m:r></m:oMath></m:oMathPara>"
    body = table(
        row("a", "b"),
        row(cell(paragraph(formula)), cell(paragraph("m", run("2", '<w:vertAlign w:val="superscript"/>')))),
    )
    assert lines(read_word(body)[0])[1] == "| $E=m$ | m^{2} |"
    assert [span.kind for span in read(tmp_path / "x.docx")[0][0].spans] == ["table", "formula"]


def test_tables_nested_to_the_depth_that_the_parser_allows(read_word):
    depth = 80
    deep = f"{'<w:tbl><w:tr><w:tc>' * depth}{paragraph('bottom')}{'</w:tc></w:tr></w:tbl>' * depth}"
    assert read_word(deep) == ("bottom", [])
    two = f"<w:tc>{paragraph('x')}</w:tc>"
    deep = f"{('<w:tbl><w:tr>' + two + '<w:tc>') * depth}{paragraph('bottom')}{'</w:tc></w:tr></w:tbl>' * depth}"
    assert "bottom" in read_word(deep)[0]
