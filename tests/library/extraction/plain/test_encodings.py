"""Texts in all kinds of encodings."""

import pytest

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import DocumentFormat, detect_kind
from tests.library.extraction.plain.old_encodings import CASES, TEXTS


@pytest.fixture
def read_bytes(tmp_path, read):
    """Read bytes as a text file that an upload accepts; returns its text and the codes of its warnings."""

    def _read(content: bytes) -> tuple[str, list[str]]:
        path = tmp_path / "x.txt"
        path.write_bytes(content)
        assert detect_kind(path.name, path) is DocumentFormat.TXT
        pages, report = read(path)
        return "\n".join(page.text for page in pages), [warning.code for warning in report.warnings]

    return _read


@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_old_encodings_are_guessed_with_a_warning(read_bytes, language: str, encoding: str) -> None:
    raw = TEXTS[language][0].encode(encoding, "ignore")
    assert read_bytes(raw) == (raw.decode(encoding), ["encoding_guessed"])


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_no_guess(read_bytes, language: str, encoding: str) -> None:
    text = TEXTS[language][0] + "\nCell 1."
    assert read_bytes(text.encode(encoding)) == (text, [])


def test_a_few_bad_bytes_do_not_change_the_encoding(read_bytes) -> None:
    text = TEXTS["de"][0].encode()
    assert read_bytes(text + b" 5 \x80.") == (text.decode() + " 5 \ufffd.", ["bytes_replaced"])


def test_a_short_text_is_of_the_likeliest_language(read_bytes) -> None:
    short_french = "La cellule est l’unité fondamentale de tout être vivant"
    for text in (
        "Größe",
        short_french,
        "50 € für 3 Bücher",
        "It’s the “end” – now",
        "Temperature 20 °C, 5 µm, 3 × 4 ± 1",
    ):
        assert read_bytes(text.encode("cp1252"))[0] == text


@pytest.mark.parametrize("encoding", ["koi8_r", "iso8859_5", "cp1251"])
@pytest.mark.parametrize("words", [3, 6, 12])
def test_a_few_words_of_russian_are_told_by_their_capitals(read_bytes, encoding: str, words: int) -> None:
    text = " ".join(TEXTS["ru"][0].split()[:words])
    assert read_bytes(text.encode(encoding)) == (text, ["encoding_guessed"])


@pytest.mark.parametrize("content", [b"text with a NUL\x00", b"\x00\x01\x02\x03" * 100, b"ab\x00\x00cd\x00\x00"])
def test_zero_bytes_alone_do_not_make_a_text(tmp_path, content: bytes) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="mislabelled"):
        detect_kind("x.txt", path)
