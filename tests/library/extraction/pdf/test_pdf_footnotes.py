"""Footnotes of PDFs, and raised numbers that are none."""

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

FILL = "Osmosis is the diffusion of water across a membrane."


@pytest.fixture
def read_page(tmp_path, read):
    """Read a page of ``(y, size, pieces)``; a piece is a text, or ``(text,)`` for raised text."""

    def _read(lines):
        canvas = Canvas(str(tmp_path / "notes.pdf"))
        for y, size, pieces in lines:
            x = 72.0
            for piece in pieces:
                text, share = (piece[0], 0.7) if isinstance(piece, tuple) else (piece, 1.0)
                canvas.setFont("Helvetica", size * share)
                canvas.drawString(x, y + (0.36 * size if share < 1 else 0), text)
                x += stringWidth(text, "Helvetica", size * share)
        canvas.save()
        (page,), report = read(tmp_path / "notes.pdf")
        assert report.warnings == ()
        return page.text

    return _read


def test_a_footnote_stands_after_the_paragraph_of_its_mark(read_page):
    text = read_page(
        [
            (700, 11, ["Proposed by Watson and Crick in 1953", ("1",), "."]),
            (686, 11, [FILL]),
            (640, 11, [FILL]),
            (100, 8, [("1",), "Nature 171, on the structure"]),
            (90, 8, ["of nucleic acids."]),
        ]
    )
    assert text == (
        "Proposed by Watson and Crick in 1953[^1].\n"
        f"{FILL}\n\n[^1]: Nature 171, on the structure of nucleic acids.\n\n{FILL}"
    )


def test_notes_whose_own_numbers_are_not_raised_are_found_at_the_end(read_page):
    text = read_page([(700, 11, ["Named by Johannsen", ("2",), "."]), (686, 11, [FILL]), (100, 8, ["2 Elemente."])])
    assert "Johannsen[^2]." in text
    assert text.endswith("[^2]: Elemente.")


def test_an_exponent_stays_one_beside_a_footnote_of_the_same_number(read_page):
    text = read_page(
        [
            (700, 11, ["A kilobyte has 2", ("10",), " bytes."]),
            (686, 11, ["The area is x", ("2",), " here."]),
            (672, 11, [FILL]),
            (100, 8, [("2",), "See the appendix."]),
        ]
    )
    assert "2^{10} bytes" in text
    assert "x^{2} here" in text
    assert "[^" not in text


def test_two_marks_of_one_number_are_told_by_what_is_before_them(read_page):
    text = read_page(
        [
            (700, 11, ["The area is x", ("1",), " and the theorem", ("1",), " holds."]),
            (686, 11, [FILL]),
            (100, 8, [("1",), "By Euler."]),
        ]
    )
    assert "x^{1} and the theorem[^1] holds." in text
