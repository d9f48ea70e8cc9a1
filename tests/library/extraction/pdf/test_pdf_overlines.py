"""Bars over letters that are drawn, not written: their lines are uncertain."""

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

SENTENCE = "Osmosis is the diffusion of water across a membrane."
FORMULA = "Not both: A + B = C"
START = 72 + stringWidth("Not both: ", "Helvetica", 11)
END = 72 + stringWidth("Not both: A + B", "Helvetica", 11)


@pytest.fixture
def read_with_bars(tmp_path, read):
    """Read a formula with ``(left, right, height over its baseline)``; returns what is uncertain, and the warnings."""

    def _read(bars):
        canvas = Canvas(str(tmp_path / "bars.pdf"))
        canvas.setFont("Helvetica", 11)
        canvas.setLineWidth(0.4)
        for y, text in ((714, SENTENCE), (700, FORMULA), (686, SENTENCE)):
            canvas.drawString(72, y, text)
        for left, right, height in bars:
            canvas.line(left, 700 + height, right, 700 + height)
        canvas.save()
        (page,), report = read(tmp_path / "bars.pdf")
        uncertain = [page.text[span.start : span.end] for span in page.spans if span.kind == "uncertain"]
        return uncertain, [warning.code for warning in report.warnings]

    return _read


@pytest.mark.parametrize("bars", [[(START, END, 9)], [(START, START + 7, 9)], [(START, START + 7, 6.5)]])
def test_a_bar_over_letters_makes_the_line_uncertain(read_with_bars, bars):
    assert read_with_bars(bars) == ([FORMULA], ["formulas_uncertain"])


@pytest.mark.parametrize(
    "bars",
    [
        pytest.param([(START, END, -1.5)], id="underlined"),
        pytest.param([(START, END, 12)], id="the line above is underlined"),
        pytest.param([(START, END, 3)], id="struck"),
        pytest.param([(40, 150, 9)], id="wider than the line"),
        pytest.param([(40, 90, 9), (90, 110, 9), (110, 150, 9)], id="the border of a table's cells"),
    ],
)
def test_other_lines_are_no_bars(read_with_bars, bars):
    assert read_with_bars(bars) == ([], [])
