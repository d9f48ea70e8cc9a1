"""Tesseract's table of words becomes text."""

import pytest

from backend.library.extraction.ocr.recognised import parse_words
from backend.library.extraction.page_text import finish_text

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"


def _table(*words: tuple[int, int, int, float, str]) -> str:
    """Make a table of words, each with block, paragraph, line, confidence and text."""
    rows = [
        f"5\t1\t{b}\t{p}\t{li}\t{n}\t0\t0\t9\t9\t{conf}\t{text}" for n, (b, p, li, conf, text) in enumerate(words, 1)
    ]
    return "\n".join([HEAD, "1\t1\t0\t0\t0\t0\t0\t0\t900\t900\t-1\t", *rows])


def test_lines_and_paragraphs_are_kept():
    found = parse_words(
        _table((1, 1, 1, 95, "Cells"), (1, 1, 1, 95, "divide."), (1, 1, 2, 95, "So"), (2, 1, 1, 95, "End."))
    )
    assert found.text == "Cells divide.\nSo\n\nEnd."
    assert (found.confidence, found.letters) == (95, 16)


def test_a_paragraph_does_not_begin_within_a_sentence():
    found = parse_words(_table((1, 1, 1, 95, "The"), (1, 2, 1, 95, "cell"), (1, 3, 1, 95, "Plants")))
    assert found.text == "The\ncell\n\nPlants"


def test_words_that_may_be_wrong_are_marked():
    found = parse_words(
        _table((1, 1, 1, 96, "Fever"), (1, 1, 1, 40, "38"), (1, 1, 1, 55, "°C"), (1, 1, 1, 96, "begins"))
    )
    finished = finish_text(found.text)
    assert finished.text == "Fever 38 °C begins"
    assert [(span.kind, finished.text[span.start : span.end]) for span in finished.spans] == [("uncertain", "38 °C")]


@pytest.mark.parametrize(
    "word", ["10°", "10'°", "10*", "Ca**", "m”", 'x"', "substance'", ">", ">38", "m2", "cm3.", "s-1", "CyH,,0", "H,O"]
)
def test_signs_that_may_have_been_raised_are_uncertain(word):
    finished = finish_text(parse_words(_table((1, 1, 1, 95, "Exactly"), (1, 1, 1, 95, word))).text)
    assert [finished.text[span.start : span.end] for span in finished.spans] == [word]


@pytest.mark.parametrize(
    "word", ["38°C", "°C", "cells”", "don't", "l’eau", "students'", "H2O", "m", "2.5", "*", "“ten"]
)
def test_signs_of_ordinary_text_are_certain(word):
    finished = finish_text(parse_words(_table((1, 1, 1, 95, "Exactly"), (1, 1, 1, 95, word))).text)
    assert finished.spans == ()


@pytest.mark.parametrize("times", ["x", "×", "·", "*"])
def test_a_power_of_ten_is_uncertain(times):
    finished = finish_text(parse_words(_table(*((1, 1, 1, 95, word) for word in ("6", times, "1023", "atoms")))).text)
    assert [finished.text[span.start : span.end] for span in finished.spans] == ["1023"]


def test_long_words_count_more():
    assert parse_words(_table((1, 1, 1, 100, "abcdefghi"), (1, 1, 1, 0, "x"))).confidence == 90


def test_blocks_of_noise_are_marked_and_counted_and_blanks_left_out():
    found = parse_words(_table((1, 1, 1, 96, "Cells"), (2, 1, 1, 31, "~w|"), (2, 1, 2, 20, "i,"), (3, 1, 1, 95, " ")))
    assert (finish_text(found.text).text, found.confidence, found.unread) == ("Cells […]", 96, 1)


def test_a_page_of_noise_is_not_readable():
    assert not parse_words(_table((1, 1, 1, 55, "wi"), (1, 1, 1, 58, "Tu"))).is_readable
    assert not parse_words(_table((1, 1, 1, 70, "va"), (1, 1, 1, 66, "LA"), (1, 1, 1, 70, "4"))).is_readable
    assert not parse_words("").is_readable
    assert not parse_words(_table((1, 1, 1, 86, "4"))).is_readable
    assert not parse_words(_table((1, 1, 1, 69, "SAT"), (1, 1, 1, 69, "+"))).is_readable
    assert parse_words(_table((1, 1, 1, 65, "Cells"), (1, 1, 1, 65, "dividing"))).is_readable
    assert parse_words(_table((1, 1, 1, 85, "12"), (1, 1, 1, 85, "14"))).is_readable


def test_broken_rows_are_passed_over():
    assert parse_words("5\t1\t1\n\nx\n" + _table((1, 1, 1, 95, "Cells"))).text == "Cells"
