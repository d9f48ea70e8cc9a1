"""Formulas of PDFs: what one line can say is written, and the rest is uncertain and warned of."""

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

SENTENCE = "Osmosis is the diffusion of water across a membrane."


@pytest.fixture
def read_placed(tmp_path, read):
    """Read ``(x, y, size, text)``; returns the text, what of it is uncertain, and the codes of the warnings."""

    def _read(pieces):
        canvas = Canvas(str(tmp_path / "formulas.pdf"))
        for x, y, size, text in pieces:
            canvas.setFont("Helvetica", size)
            canvas.drawString(x, y, text)
        canvas.save()
        (page,), report = read(tmp_path / "formulas.pdf")
        uncertain = [page.text[span.start : span.end] for span in page.spans if span.kind == "uncertain"]
        return page.text, uncertain, [warning.code for warning in report.warnings]

    return _read


def test_exponents_of_exponents_are_nested(read_placed):
    x = 72 + stringWidth("There are 2", "Helvetica", 11)
    after = x + stringWidth("2", "Helvetica", 7.7)
    text, uncertain, codes = read_placed(
        [(72, 700, 11, "There are 2"), (x, 704, 7.7, "2"), (after, 706.8, 5.5, "n"), (after + 4, 700, 11, "sets.")]
    )
    assert (text, uncertain, codes) == ("There are 2^{2^{n}}sets.", [], [])


def test_an_exponent_of_an_index_is_nested(read_placed):
    x = 72 + stringWidth("The value of x", "Helvetica", 11)
    after = x + stringWidth("a", "Helvetica", 7.7)
    text, uncertain, codes = read_placed(
        [(72, 700, 11, "The value of x"), (x, 698, 7.7, "a"), (after, 700.5, 5.5, "b"), (after + 6, 700, 11, "is 1.")]
    )
    assert text.startswith("The value of x_{a^{b}}")
    assert (uncertain, codes) == ([], [])


def test_mass_and_charge_before_an_element_are_no_fraction(read_placed):
    x = 72 + stringWidth("The nucleus ", "Helvetica", 11)
    after = x + stringWidth("235", "Helvetica", 7)
    text, uncertain, codes = read_placed(
        [(72, 700, 11, "The nucleus "), (x, 704, 7, "235"), (x, 697.4, 7, "92"), (after, 700, 11, "U decays.")]
    )
    assert text == "The nucleus ^{235}_{92}U decays."
    assert (uncertain, codes) == ([], [])


def test_all_parts_of_a_displayed_fraction_are_uncertain(read_placed):
    _, uncertain, codes = read_placed(
        [
            (72, 740, 11, SENTENCE),
            (150, 700, 11, "x ="),
            (172, 707.4, 11, "a + b"),
            (180, 692.4, 11, "2c"),
            (72, 660, 11, SENTENCE),
        ]
    )
    assert sorted(uncertain) == ["2c", "a + b", "x ="]
    assert codes == ["formulas_uncertain"]


def test_cells_of_different_heights_are_no_formula(read_placed):
    _, uncertain, codes = read_placed(
        [
            (72, 700, 11, "Aspirin"),
            (150, 706, 11, "thins the blood and"),
            (150, 693, 11, "lowers fever"),
            (300, 700, 11, "100 mg"),
        ]
    )
    assert (uncertain, codes) == ([], [])


@pytest.mark.parametrize("size", [8, 9])
def test_an_exponent_of_an_exponent_in_the_same_size_is_uncertain(read_placed, size):
    x = 72 + stringWidth("f = e", "Helvetica", 12)
    after = x + stringWidth("-x", "Helvetica", 9)
    end = after + stringWidth("2", "Helvetica", size)
    text, uncertain, codes = read_placed(
        [
            (72, 700, 12, "f = e"),
            (x, 705, 9, "-x"),
            (after, 708, size, "2"),
            (end, 705, 9, "/2"),
            (72, 660, 11, SENTENCE),
        ]
    )
    assert text.startswith("f = e^{-x2/2}")
    assert (uncertain, codes) == (["f = e^{-x2/2}"], ["formulas_uncertain"])


def test_a_fraction_in_an_exponent_makes_the_whole_line_uncertain(read_placed):
    text, uncertain, codes = read_placed(
        [
            (72, 700, 10, "There is e"),
            (72 + stringWidth("There is e", "Helvetica", 10), 704, 7, "+"),
            (123, 708, 5, "(x+m)"),
            (136.2, 710, 5, "2"),
            (127, 701, 5, "2s"),
            (132.5, 702.5, 5, "2"),
            (142, 700, 10, "and nothing else to be said."),
            (72, 660, 10, SENTENCE),
        ]
    )
    first, _ = text.split(SENTENCE)
    assert "".join(uncertain).replace(" ", "") == "".join(first.split())
    assert codes == ["formulas_uncertain"]


def test_small_text_below_small_text_is_no_index(read_placed):
    x = 72 + stringWidth("[", "Helvetica", 10)
    text, uncertain, _ = read_placed(
        [
            (72, 700, 10, "["),
            (x, 700, 7, "list previous history lines, omitting"),
            (x, 691, 7, "history numbers if needed"),
            (72, 660, 7, SENTENCE),
        ]
    )
    assert "omitting\nhistory numbers if needed" in text
    assert uncertain == []


def test_small_text_at_the_left_of_large_text_is_no_index(read_placed):
    text, uncertain, _ = read_placed([(266, 665, 12, "Hydro Events"), (92, 660.6, 6, "Author: A. Weber")])
    assert text.split("\n")[0].endswith("Hydro Events")
    assert uncertain == []
