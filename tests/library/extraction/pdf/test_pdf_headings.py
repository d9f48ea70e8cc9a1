"""Headings that are told by their type alone, and text that only looks like one."""

import pytest
from reportlab.pdfgen.canvas import Canvas

SENTENCE = "Osmosis is the diffusion of water across a membrane."


@pytest.fixture
def read_typed(tmp_path, read):
    """Read lines of ``(font, size, text)``, one below the other; returns the headings, without their signs."""

    def _read(lines):
        canvas = Canvas(str(tmp_path / "typed.pdf"))
        y = 800.0
        for font, size, text in lines:
            canvas.setFont(font, size)
            canvas.drawString(72, y, text)
            y -= 1.2 * size
        canvas.save()
        (page,), _ = read(tmp_path / "typed.pdf")
        return [line.lstrip("# ") for line in page.text.splitlines() if line.startswith("#")]

    return _read


def test_prose_beside_long_code_is_no_heading(read_typed):
    code = [("Courier", 8, f"value_{number} = read(number={number}, limit=100)") for number in range(40)]
    lines = [("Helvetica-Bold", 16, "Reading values"), ("Helvetica", 11, SENTENCE), *code, ("Helvetica", 11, SENTENCE)]
    lines += [("Helvetica", 11, SENTENCE)] * 2
    assert read_typed(lines) == ["Reading values"]


def test_bold_lines_within_a_sentence_are_no_heading(read_typed):
    plain = [("Helvetica", 11, SENTENCE)] * 12
    bold = [
        ("Helvetica-Bold", 11, "not repeat the caption of the figure and"),
        ("Helvetica-Bold", 11, "give what is not already in the"),
    ]
    lines = [*plain, ("Helvetica-Bold", 11, "Captions"), *plain, *bold, *plain]
    assert read_typed(lines) == ["Captions"]
