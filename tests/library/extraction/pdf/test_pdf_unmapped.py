"""Characters to which a file gives no meaning: PDFium takes their codes for letters and digits."""

import pytest

from tests.library.extraction.pdf.raw_pdf import write_pdf

PARAGRAPH = "The cell membrane is a thin layer of lipids and proteins. " * 4


def _font(name, *nameless, capital=""):
    """A font whose signs at these codes have a name that says nothing. It may have a capital at code 1."""
    differences = " ".join([*(f"{code}/sign{code}" for code in nameless), f"1/{capital}" if capital else ""])
    return (
        f"<</Type/Font/Subtype/Type1/BaseFont/ABCDEF+{name}/FirstChar 0/LastChar 255/Widths[{'600 ' * 256}]"
        f"/Encoding<</Differences[{differences}]>>>>"
    )


@pytest.mark.parametrize(
    ("font", "code", "sign"),
    [
        ("CMSY10", "0", "′"),
        ("CMSY10", "2", "∈"),
        ("LMMathSymbols10-Regular", "1", "∞"),
        ("MSAM10", "6", "⩽"),
        ("MSAM10", ".", "≲"),
        ("MSBM10", "(", "⊊"),
    ],
)
def test_symbols_of_tex_have_their_meaning(tmp_path, read, font, code, sign):
    escaped = f"\\{ord(code):03o}" * 2
    content = (
        f"BT /F 11 Tf 72 700 Td ({PARAGRAPH}) Tj 0 -20 Td (Here x ) Tj /X 11 Tf ({escaped}) Tj /F 11 Tf ( y) Tj ET"
    )
    pages, report = read(write_pdf(tmp_path / "symbols.pdf", [content], fonts={"X": _font(font, ord(code))}))
    assert f"Here x {sign}{sign} y" in pages[0].text
    assert report.warnings == ()


def test_symbols_at_other_codes_than_those_of_tex_are_unknown(tmp_path, read, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    content = f"BT /F 11 Tf 72 700 Td ({PARAGRAPH}) Tj 0 -20 Td (Here x ) Tj /X 11 Tf (S}}) Tj /F 11 Tf ( y) Tj ET"
    fonts = {"X": _font("CMSY10", ord("S"), ord("}"))}
    pages, report = read(write_pdf(tmp_path / "symbols.pdf", [content], fonts=fonts))
    assert "Here x \ufffd\ufffd y" in pages[0].text
    assert [(warning.code, warning.count) for warning in report.warnings] == [("characters_unknown", 2)]


def test_a_ligature_without_a_meaning_is_not_taken_for_a_letter(tmp_path, read, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    # The same name twice: the ligatures are in a font of their own.
    fonts = {"X": _font("Serif", 0), "Y": _font("Serif", ord("V"))}
    content = (
        f"BT /X 11 Tf 72 700 Td ({PARAGRAPH}) Tj 0 -20 Td (Vieles be) Tj /Y 11 Tf (V) Tj /X 11 Tf (ndet sich) Tj ET"
    )
    pages, report = read(write_pdf(tmp_path / "ligature.pdf", [content], fonts=fonts))
    assert "Vieles be\ufffdndet sich" in pages[0].text
    assert [(warning.code, warning.count) for warning in report.warnings] == [("characters_unknown", 1)]


@pytest.mark.parametrize("text", ["beVndet sich", "beVndet sich qu", "sich bendet V"])
def test_a_ligature_at_the_code_of_a_capital_is_told_from_the_capital(tmp_path, read, monkeypatch, text):
    monkeypatch.setenv("PATH", str(tmp_path))
    fonts = {"X": _font("Serif", ord("V"), capital="V")}
    # Before the ligature, all letters were seen with a meaning, the capital too.
    content = (
        "BT /X 11 Tf 72 700 Td (sich bendet \\001ieles) Tj 0 -20 Td "
        f"({text}) Tj 0 -20 Td (sich bendet \\001ieles) Tj ET"
    )
    pages, report = read(write_pdf(tmp_path / "ligature.pdf", [content], fonts=fonts))
    # Signs of one width look like code.
    lines = pages[0].text.removeprefix("```\n").removesuffix("\n```").split("\n")
    assert lines == ["sich bendet Vieles", text.replace("V", "\ufffd"), "sich bendet Vieles"]
    assert [(warning.code, warning.count) for warning in report.warnings] == [("characters_unknown", 1)]


def test_a_capital_without_a_name_after_one_with_it_shows_that_symbols_have_other_codes(tmp_path, read, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    signs = " ".join(f"/X 11 Tf ({code}) Tj /F 11 Tf ( y ) Tj" for code in ("\\001\\001", "SS", "}}"))
    content = f"BT /F 11 Tf 72 700 Td ({PARAGRAPH}) Tj 0 -20 Td (Here ) Tj {signs} ET"
    fonts = {"X": _font("CMSY10", ord("S"), ord("}"), capital="S")}
    pages, _ = read(write_pdf(tmp_path / "symbols.pdf", [content], fonts=fonts))
    assert "Here SS y \ufffd\ufffd y \ufffd\ufffd y" in pages[0].text


def test_a_symbol_of_tex_has_its_meaning_each_time(tmp_path, read):
    signs = "/X 11 Tf (00) Tj /F 11 Tf ( y ) Tj " * 2
    content = f"BT /F 11 Tf 72 700 Td ({PARAGRAPH}) Tj 0 -20 Td (Here x ) Tj {signs} ET"
    pages, _ = read(write_pdf(tmp_path / "symbols.pdf", [content], fonts={"X": _font("CMSY10", ord("0"))}))
    assert "Here x ′′ y ′′ y" in pages[0].text


def test_a_font_without_any_meaning_is_read_at_its_codes(tmp_path, read):
    fonts = {"X": _font("Serif", *range(33, 127))}
    content = f"BT /X 11 Tf 72 700 Td ({PARAGRAPH}) Tj ET"
    pages, report = read(write_pdf(tmp_path / "codes.pdf", [content], fonts=fonts))
    assert pages[0].text == PARAGRAPH.strip()
    assert report.warnings == ()


BLOT = "<</Length 45>>stream\n600 0 0 0 500 600 d1 0 0 500 500 re f          \nendstream"


def _bitmap_font():
    """A font of pictures, as TeX makes them: without a name, and with names of signs that say nothing."""
    codes = range(256)
    return (
        "<</Type/Font/Subtype/Type3/FontBBox[0 0 600 600]/FontMatrix[0.001 0 0 0.001 0 0]/FirstChar 0/LastChar 255"
        f"/Widths[{'600 ' * 256}]/CharProcs<<{''.join(f'/a{code} 4 0 R' for code in codes)}>>"
        f"/Encoding<</Type/Encoding/Differences[0{''.join(f'/a{code}' for code in codes)}]>>>>"
    )


@pytest.mark.parametrize(
    ("producer", "codes", "text"),
    [
        ("pdfTeX-1.40.24", "Gr\\366\\377e und Sto\\033", "Größe und Stoff"),
        ("pdfTeX-1.40.24", "das Ma\\031 Sto\\013", "das Maß Stoff"),
        ("pdfTeX-1.40.24", "\\252ukasz", "łukasz"),
        ("Another maker", "Ma\\377e", "Maÿe"),
    ],
)
def test_bitmap_fonts_of_tex_have_its_encodings(tmp_path, read, producer, codes, text):
    content = f"BT /X 11 Tf 72 700 Td ({PARAGRAPH}) Tj 0 -20 Td ({codes}) Tj ET"
    fonts = {"X": _bitmap_font()}
    path = write_pdf(tmp_path / "bitmap.pdf", [content], fonts=fonts, objects=[BLOT], producer=producer)
    pages, report = read(path)
    assert pages[0].text.split("\n")[-1] == text
    assert report.warnings == ()


def test_signs_of_a_companion_font_are_no_letters(tmp_path, read):
    fonts = {"X": _bitmap_font(), "Y": _bitmap_font()}
    content = (
        f"BT /X 11 Tf 72 700 Td ({PARAGRAPH}) Tj 0 -20 Td (38 ) Tj /Y 11 Tf (\\260) Tj /X 11 Tf (C, 5 ) Tj "
        "/Y 11 Tf (\\277) Tj ET"
    )
    path = write_pdf(tmp_path / "signs.pdf", [content], fonts=fonts, objects=[BLOT], producer="pdfTeX-1.40.24")
    pages, report = read(path)
    assert pages[0].text.split("\n")[-1] == "38 °C, 5 €"
    assert report.warnings == ()
