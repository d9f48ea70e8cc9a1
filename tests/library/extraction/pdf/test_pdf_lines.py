"""Raised and lowered text, accents, formulas, columns, and text printed twice."""

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from tests.library.extraction.pdf.raw_pdf import write_pdf

SENTENCE = "Osmosis is the diffusion of water across a membrane."


def _draw(canvas, pieces, x=72.0, y=700.0, size=11.0):
    """Draw ``(text, share of the size, rise)`` one after the other."""
    for text, share, rise in pieces:
        canvas.setFont("Helvetica", size * share)
        canvas.drawString(x, y + rise, text)
        x += stringWidth(text, "Helvetica", size * share)


@pytest.fixture
def read_canvas(tmp_path, read):
    """Read what a function draws."""

    def _read(draw):
        canvas = Canvas(str(tmp_path / "drawn.pdf"))
        draw(canvas)
        canvas.save()
        return read(tmp_path / "drawn.pdf")

    return _read


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([("A kilobyte is 2", 1, 0), ("10", 0.7, 4), (" bytes.", 1, 0)], "A kilobyte is 2^{10} bytes."),
        ([("Water is H", 1, 0), ("2", 0.7, -2), ("O.", 1, 0)], "Water is H_{2}O."),
        ([("235", 0.7, 4), ("U decays slowly.", 1, 0)], "^{235}U decays slowly."),
        ([("Proposed in 1953", 1, 0), ("1", 0.7, 4), (". Then", 1, 0)], "Proposed in 1953^{1}. Then"),
        ([("A large ", 1, 0), ("and a small word", 0.7, 0)], "A large and a small word"),
    ],
)
def test_raised_and_lowered_text_is_marked(read_canvas, pieces, text):
    pages, report = read_canvas(lambda canvas: _draw(canvas, pieces))
    assert (pages[0].text, report.warnings) == (text, ())


def test_sizes_in_the_text_matrix_count(tmp_path, read):
    content = (
        "BT /F 1 Tf 11 0 0 11 72 700 Tm (Area in m) Tj 7 0 0 7 119.5 704 Tm (2) Tj 11 0 0 11 126 700 Tm (is) Tj ET"
    )
    pages, _ = read(write_pdf(tmp_path / "matrix.pdf", [content]))
    assert "m^{2}" in pages[0].text


def test_spacing_accents_go_to_their_letters(tmp_path, read):
    # As TeX sets an accent: moved back over the letter that follows it.
    content = r"BT /F 11 Tf 72 700 Td [(Die Gr)-111(\250)444(osse der W)-111(\250)444(arme)] TJ ET"
    pages, report = read(write_pdf(tmp_path / "accents.pdf", [content]))
    assert (pages[0].text, report.warnings) == ("Die Grösse der Wärme", ())


def test_a_fraction_is_uncertain(read_canvas):
    def draw(canvas):
        _draw(canvas, [("The energy is ", 1, 0)])
        x = 72 + stringWidth("The energy is ", "Helvetica", 11)
        _draw(canvas, [("1", 0.7, 5)], x)
        _draw(canvas, [("2", 0.7, -4)], x)
        _draw(canvas, [("mv", 1, 0)], x + 6)
        _draw(canvas, [(SENTENCE, 1, 0)], y=660)

    pages, report = read_canvas(draw)
    [span] = pages[0].spans
    assert span.kind == "uncertain"
    assert SENTENCE not in pages[0].text[span.start : span.end]
    assert [warning.code for warning in report.warnings] == ["formulas_uncertain"]


def test_columns_drawn_line_by_line_are_read_one_after_the_other(make_pdf, read):
    left = ["A contract is an agreement that", "the law enforces. It needs an offer", "and an acceptance by the other."]
    right = ["A statute is a law passed by", "parliament. A precedent is a ruling", "that binds the later courts."]
    lines = [
        (x, 700 - 14 * row, text)
        for row, pair in enumerate(zip(left, right, strict=True))
        for x, text in zip((72, 300), pair, strict=True)
    ]
    pages, report = read(make_pdf([lines]))
    assert pages[0].text.split("\n") == [*left, *right]
    assert [warning.code for warning in report.warnings] == ["columns_reordered"]


def test_cells_of_a_table_stay_in_their_rows(make_pdf, read):
    rows = [("Ion", "Sign"), ("Iron", "plus"), ("Zinc", "plus"), ("Iodine", "minus")]
    lines = [(x, 700 - 14 * y, cell) for y, row in enumerate(rows) for x, cell in zip((72, 300), row, strict=True)]
    pages, report = read(make_pdf([lines]))
    assert pages[0].text.split() == [cell for row in rows for cell in row]
    assert report.warnings == ()


def test_a_second_text_layer_is_left_out(make_pdf, read):
    # PDFium itself leaves out what repeats one of the few texts before it.
    texts = [f"{SENTENCE} {row}" for row in range(12)]
    layers = [(72 + shift, 700 - 20 * row - shift, text) for shift in (0, 1.5) for row, text in enumerate(texts)]
    pages, report = read(make_pdf([layers]))
    assert pages[0].text.split("\n") == texts
    assert report.warnings == ()


def test_invisible_text_of_a_scan_is_read(tmp_path, read):
    scan = "q 595 0 0 842 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \xff EI Q"
    pages, _ = read(write_pdf(tmp_path / "layer.pdf", [f"{scan} BT 3 Tr /F 11 Tf 72 700 Td ({SENTENCE}) Tj ET"]))
    assert pages[0].text == SENTENCE


def test_a_layer_that_is_off_is_left_out_and_counted(tmp_path, read):
    content = (
        f"BT /F 11 Tf 72 700 Td ({SENTENCE}) Tj ET /OC /Off BDC BT /F 11 Tf 72 600 Td (The answer is B.) Tj ET EMC"
    )
    for state, is_read in (("OFF[4 0 R]", False), ("ON[4 0 R]", True)):
        catalog = f"/OCProperties<</OCGs[4 0 R]/D<</{state}>>>>"
        layer = "<</Type/OCG/Name(Answers)>>"
        pages, report = read(write_pdf(tmp_path / "layers.pdf", [content], catalog=catalog, objects=[layer]))
        assert ("answer" in pages[0].text) is is_read
        assert [warning.code for warning in report.warnings] == ([] if is_read else ["hidden_text_removed"])


def test_a_hyphen_at_the_end_of_a_line_of_code_is_part_of_it(read_canvas):
    def draw(canvas):
        canvas.setFont("Courier", 11)
        for at, line in enumerate(["apt-get install emacs-", "nox and no other", "package of the kind"]):
            canvas.drawString(72, 700 - 13 * at, line)

    pages, report = read_canvas(draw)
    assert pages[0].text == "```\napt-get install emacs-\nnox and no other\npackage of the kind\n```"
    assert report.warnings == ()
