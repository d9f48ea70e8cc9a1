"""Quotation marks and dots of umlauts that old German LaTeX files draw beside the text."""

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth

from tests.library.extraction.pdf.raw_pdf import write_pdf

SIZE = 11


def _width(text):
    return stringWidth(text, "Helvetica", SIZE)


def _draw(*parts):
    """Draw texts at their place on the line and their height above it, in this order."""
    drawn = []
    for text, left, rise in parts:
        codes = "".join(f"\\{code:03o}" for code in text.encode("cp1252"))
        drawn.append(f"1 0 0 1 {72 + left:.2f} {700 + rise:.2f} Tm ({codes}) Tj")
    return f"BT /F {SIZE} Tf {' '.join(drawn)} ET"


def _read(tmp_path, read, *parts):
    pages, report = read(write_pdf(tmp_path / "old.pdf", [_draw(*parts, ("The next line.", 0, -14))]))
    assert report.warnings == ()
    return pages[0].text.split("\n")[0]


@pytest.mark.parametrize(("mark", "low", "close"), [("”", "„", "“"), ("’", "‚", "‘")])
def test_a_low_quotation_mark_opens_a_quotation(tmp_path, read, mark, low, close):
    at = _width("Das Paket ")
    word = at + _width(mark) + 1
    parts = [("Das Paket", 0, 0), (mark, at, -0.59 * SIZE), (f"german{close} ist alt.", word, 0)]
    assert _read(tmp_path, read, *parts) == f"Das Paket {low}german{close} ist alt."


def test_a_low_quotation_mark_drawn_after_its_word_stands_before_it(tmp_path, read):
    at = _width("Das Paket ")
    word = at + _width("”") + 1
    parts = [("Das Paket", 0, 0), ("german“ ist alt.", word, 0), ("”", at, -0.59 * SIZE)]
    assert _read(tmp_path, read, *parts) == "Das Paket „german“ ist alt."


def test_a_mark_on_the_line_closes_a_quotation(tmp_path, read):
    at = _width("He said “yes")
    parts = [("He said “yes", 0, 0), ("”", at, 0), ("and left.", at + _width("” "), 0)]
    assert _read(tmp_path, read, *parts) == "He said “yes” and left."


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
def test_lowered_dots_go_to_their_letter_in_any_order(tmp_path, read, order):
    after = _width("Die Befehle f")
    dots = after + (_width("u") - _width("¨")) / 2
    parts = [("Die Befehle f", 0, 0), ("ur Umlaute", after, 0), ("¨", dots, -0.04 * SIZE)]
    assert _read(tmp_path, read, *(parts[at] for at in order)) == "Die Befehle für Umlaute"


def test_dots_of_two_words_leave_no_blank_in_the_second(tmp_path, read):
    first, second = _width("f"), _width("fur die Mißverst")
    parts = [
        ("f", 0, 0),
        ("ur die Mißverst", first, 0),
        ("¨", first + (_width("u") - _width("¨")) / 2, -0.04 * SIZE),
        ("¨", second + (_width("a") - _width("¨")) / 2, -0.04 * SIZE),
        ("andnisse", second, 0),
    ]
    assert _read(tmp_path, read, *parts) == "für die Mißverständnisse"


@pytest.mark.parametrize("word", ["TeX", "LaTeX"])
def test_the_names_of_tex_and_latex_are_words(tmp_path, read, word):
    at = _width("Learn ")
    letters = [("L", 0), ("A", 0.2 * SIZE), ("T", 0), ("E", -0.215 * SIZE), ("X well.", 0)][
        0 if word == "LaTeX" else 2 :
    ]
    parts = [("Learn ", 0, 0)]
    for letter, rise in letters:
        parts.append((letter, at, rise))
        at += 0.85 * _width(letter)
    assert _read(tmp_path, read, *parts) == f"Learn {word} well."


def test_a_lowered_letter_is_an_index_elsewhere(tmp_path, read):
    at = _width("The time T")
    pages, _ = read(
        write_pdf(tmp_path / "index.pdf", [_draw(("The time T", 0, 0), ("E", at, -2), ("is long.", at + 10, 0))])
    )
    assert "TeX" not in pages[0].text
