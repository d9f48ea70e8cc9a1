"""Joining words at line ends, and removing invisible characters."""

import pytest

from backend.library.extraction.text_cleaning import clean_line, clean_text
from tests.patience import check_linear


@pytest.mark.parametrize(
    ("raw", "final"),
    [
        ("Die Zellmem\ufffebran trennt", "Die Zellmembran trennt"),
        ("Die Zellmem\x02bran trennt", "Die Zellmembran trennt"),
        ("Die Zellmem-\nbran trennt", "Die Zellmembran trennt"),
        ("Die Zellmem-  \r\n  bran trennt", "Die Zellmembran trennt"),
        ("Die Zellmem\u00ad\nbran", "Die Zellmembran"),
        ("Der Ost\ufffeWest-Konflikt", "Der Ost-West-Konflikt"),
        ("Der Ost-\nWest-Konflikt", "Der Ost-West-Konflikt"),
        ("die Vor\ufffeund Nachteile", "die Vor- und Nachteile"),
        ("die Vor- und Nachteile", "die Vor- und Nachteile"),
        ("die Vor-\nund Nachteile", "die Vor- und Nachteile"),
        ("short-\nto long-term", "short- to long-term"),
        ("a day-to\ufffeday task", "a day-to-day task"),
        ("state-\nof-the-art", "state-of-the-art"),
        ("a self\ufffecontained unit", "a self-contained unit"),
        ("a built\ufffein function", "a built-in function"),
        ("an e\ufffemail", "an e-mail"),
        ("DNA\ufffehaltig", "DNA-haltig"),
        ("1990\ufffe2000", "1990-2000"),
        ("the option --error\ufffeexitcode", "the option --error-exitcode"),
        ("https://example.org/some\ufffepage", "https://example.org/some-page"),
        ("re-use of code; the re\ufffeuse pays", "re-use of code; the re-use pays"),
        ("a dash -\nand more", "a dash -\nand more"),
        ("ends here -\ufffe", "ends here --"),
        ("- one\n- two", "- one\n- two"),
        ("Zell\u00admembran", "Zellmembran"),
    ],
)
def test_line_end_hyphens(raw, final):
    assert clean_text(raw) == (final, 0)


@pytest.mark.parametrize(
    "character", ["\u200b", "\u202e", "\u2066", "\ufeff", "\U000e0041", "\x07", "\x00", "\ud800", "\u2060"]
)
def test_hidden_characters_are_removed_and_counted(character):
    assert clean_text(f"ab{character}cd{character}") == ("abcd", 2)


def test_visible_text_stays_as_it_is():
    text = "„Zitat“ – ﬁnal\u00a0x² → ½ … 中文 \U0001d54f ❤\ufe0f\tT"
    assert clean_text(text) == (text, 0)


def test_lines_and_composed_letters_are_normalised():
    assert clean_text("a\r\nb\rc\x0bd\u2028e \t\n\n\n\n\nu\u0308  \n") == ("a\nb\nc\nd\ne\n\nü", 0)


def test_a_heading_is_one_short_line():
    assert clean_line(" 1.\u00a0Intro\n\u200bduction " + "x" * 500) == ("1. Intro duction " + "x" * 500)[:200]


@pytest.mark.parametrize("unit", [" ", "-\n", "a-\n", "\ufffe", "\n", "a-", "\u00ad\n", " \n"])
def test_cleaning_takes_linear_time(unit):
    check_linear(lambda size: clean_text("x" + unit * size + "y"), 60_000)
