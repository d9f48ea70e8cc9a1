"""Files that are refused at upload, before any parser sees them."""

import zipfile
from pathlib import Path

import pytest

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import DocumentFormat, detect_kind
from backend.library.extraction.messages import ERRORS
from tests.library.extraction.opendocument.odf_files import write_odf
from tests.library.extraction.slides.deck import Deck


def _refusal(filename: str, path: Path) -> str:
    with pytest.raises(UnreadableFile) as refused:
        detect_kind(filename, path)
    return refused.value.code


def _written(folder: Path, content: bytes) -> Path:
    path = folder / "upload"
    path.write_bytes(content)
    return path


def test_each_kind_is_recognised(tmp_path, make_pdf, make_raw_docx):
    word, slides = make_raw_docx([]), Deck(tmp_path / "b").save()
    text, presentation = (write_odf(tmp_path / f"c.{kind}", "") for kind in ("odt", "odp"))
    assert detect_kind("Notes.PDF", make_pdf([["text"]])) is DocumentFormat.PDF
    assert detect_kind("x.docx", word) is DocumentFormat.DOCX
    assert detect_kind("x.pptx", slides) is DocumentFormat.PPTX
    assert detect_kind("x.odt", text) is DocumentFormat.ODT
    assert detect_kind("x.odp", presentation) is DocumentFormat.ODP
    assert detect_kind("x.txt", _written(tmp_path, "Grüße".encode("cp1252"))) is DocumentFormat.TXT
    assert detect_kind("x.txt", _written(tmp_path, "Grüße".encode("utf-16"))) is DocumentFormat.TXT
    assert detect_kind("x.markdown", _written(tmp_path, b"# Title")) is DocumentFormat.MD
    assert detect_kind("x.htm", _written(tmp_path, b"<p>Hello")) is DocumentFormat.HTML


@pytest.mark.parametrize("filename", ["x.exe", "x", "x.xls", "x.pdf.zip", ".pdf", "x.docm"])
def test_other_extensions_are_unsupported(tmp_path, filename):
    assert _refusal(filename, _written(tmp_path, b"%PDF-1.4")) == "unsupported"


@pytest.mark.parametrize("extension", ["pdf", "docx", "pptx", "txt", "md", "html", "odt", "odp"])
def test_zero_bytes_are_empty(tmp_path, extension):
    assert _refusal(f"x.{extension}", _written(tmp_path, b"")) == "empty"


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("x.pdf", b"hello world"),
        ("x.docx", b"%PDF-1.4 startxref"),
        ("x.txt", b"%PDF-1.4 startxref"),
        ("x.txt", b"PK\x03\x04rest"),
        ("x.txt", b"text with a NUL \x00 byte"),
        ("x.txt", b"\x01\x02\x03\x04 mostly control characters \x05\x06"),
        ("x.txt", b"  <!DOCTYPE html><p>hello"),
        ("x.md", b"<html><body>hello"),
        ("x.html", b"no tag at all, 3 < 4"),
        ("x.jpg", b"%PDF-1.4 startxref"),
        ("x.heic", b"\0\0\0\x18ftypmp42"),
    ],
)
def test_content_must_agree_with_the_extension(tmp_path, filename, content):
    assert _refusal(filename, _written(tmp_path, content)) == "mislabelled"


@pytest.mark.parametrize("filename", ["x.doc", "x.DOT", "x.ppt", "x.pps", "x.docx", "x.odt", "x.pdf", "x.txt", "x.jpg"])
def test_office_files_until_2003_say_how_to_save_them(tmp_path, filename):
    assert _refusal(filename, _written(tmp_path, bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2048))) == "legacy_office"


@pytest.mark.parametrize("filename", ["x.rtf", "x.doc", "x.docx", "x.txt", "x.pdf"])
def test_rich_text_says_how_to_save_it(tmp_path, filename):
    assert _refusal(filename, _written(tmp_path, rb"{\rtf1\ansi The cell divides.}")) == "legacy_office"


@pytest.mark.parametrize("filename", ["x.jpg", "x.png", "x.webp", "x.HEIC", "x.jpeg"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0rest", DocumentFormat.JPEG),
        (b"\x89PNG\r\n\x1a\nrest", DocumentFormat.PNG),
        (b"RIFF\x0a\0\0\0WEBPVP8 ", DocumentFormat.WEBP),
        (b"\0\0\0\x18ftypheic\0\0\0\0", DocumentFormat.HEIC),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", DocumentFormat.HEIC),
    ],
)
def test_which_picture_it_is_only_the_content_says(tmp_path, filename, content, kind):
    assert detect_kind(filename, _written(tmp_path, content)) is kind


def test_a_refused_file_hears_of_every_format():
    formats = {one.value for one in DocumentFormat if one is not DocumentFormat.PHOTOS} - {"md"} | {"markdown"}
    for text in ERRORS["unsupported"].values():
        assert [name for name in formats if name not in text.lower()] == []


def test_slides_called_a_word_file_are_mislabelled(tmp_path):
    path = Deck(tmp_path / "slides").save()
    assert _refusal("x.docx", path) == "mislabelled"
    assert _refusal("x.odp", path) == "mislabelled"
    assert _refusal("x.pptx", write_odf(tmp_path / "x.odp", "")) == "mislabelled"


def test_an_encrypted_office_file_is_told_from_an_old_one(tmp_path):
    # A compound file with 512-byte sectors whose directory starts in sector 1 (MS-CFB 2.2).
    header = bytearray(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504))
    header[30:32], header[48:52] = (9).to_bytes(2, "little"), (1).to_bytes(4, "little")
    directory = "EncryptedPackage".encode("utf-16-le").ljust(512, b"\0")
    for filename in ("x.docx", "x.pptx", "x.doc", "x.pdf"):
        assert _refusal(filename, _written(tmp_path, bytes(header) + bytes(512) + directory)) == "encrypted"
    assert _refusal("x.docx", _written(tmp_path, bytes(header) + bytes(1024))) == "legacy_office"


def test_a_pdf_that_was_cut_off_is_damaged(tmp_path, make_pdf):
    whole = make_pdf([[f"page {number}"] for number in range(50)]).read_bytes()
    assert _refusal("x.pdf", _written(tmp_path, whole[: len(whole) // 2])) == "damaged"


def test_an_archive_that_was_cut_off_is_damaged(tmp_path, make_raw_docx):
    whole = make_raw_docx([]).read_bytes()
    assert _refusal("x.docx", _written(tmp_path, whole[:-100])) == "damaged"


def test_white_space_only_has_no_text(tmp_path):
    assert _refusal("x.txt", _written(tmp_path, b" \n\t\n")) == "no_text"


def test_broken_utf16_is_damaged(tmp_path):
    assert _refusal("x.txt", _written(tmp_path, "ab".encode("utf-16") + b"\x00")) == "damaged"


def test_a_bomb_by_ratio_is_too_large(make_raw_docx):
    assert _refusal("x.docx", make_raw_docx([b"A" * 20_000_000])) == "too_large"


def test_a_bomb_by_total_is_too_large(make_raw_docx):
    noise = bytes(range(256)) * 2
    parts = (bytes(byte ^ (salt & 255) for byte in noise) + salt.to_bytes(4, "big") for salt in range(110_000))
    extra = {"word/noise.xml": b"".join(parts)}
    assert len(extra["word/noise.xml"]) > 50_000_000
    assert _refusal("x.docx", make_raw_docx([], extra=extra)) == "too_large"


def test_a_bomb_by_entries_is_too_large(make_raw_docx):
    extra = {f"word/media/{number}.png": b"x" for number in range(20_001)}
    assert _refusal("x.docx", make_raw_docx([], extra=extra)) == "too_large"


def test_what_no_reader_opens_is_no_reason_to_refuse(make_raw_docx):
    screenshot = {"word/media/image1.bmp": b"BM" + bytes(60_000_000)}
    assert detect_kind("x.docx", make_raw_docx([], extra=screenshot)) is DocumentFormat.DOCX
    archives = {"word/embeddings/Sheet1.xlsx": b"PK", "word/media/inner.zip": b"PK", "word/chunk.docx": b"PK"}
    assert detect_kind("x.docx", make_raw_docx([], extra=archives)) is DocumentFormat.DOCX


@pytest.mark.parametrize("name", ["../evil", "word/../../evil", "/etc/evil", "..\\evil"])
def test_a_name_that_leaves_the_archive_is_damaged(make_raw_docx, name):
    assert _refusal("x.docx", make_raw_docx([], extra={name: b"x"})) == "damaged"


def test_an_entry_with_a_password_is_encrypted(make_raw_docx):
    path = make_raw_docx([], extra={"word/secret.xml": b"x"})
    content = bytearray(path.read_bytes())
    # The flags of an entry are 8 bytes into its record in the central directory (APPNOTE 4.3.12).
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert zipfile.is_zipfile(path)
    assert _refusal("x.docx", path) == "encrypted"
