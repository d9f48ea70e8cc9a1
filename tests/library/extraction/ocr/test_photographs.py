"""Photographs and other pictures that are documents. ``line.heic`` is made of a picture with ``HEIC_LINE``."""

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageOps

from backend.library.extraction.errors import UnreadableFile
from backend.library.types import PageSource
from tests.library.extraction.ocr.scans import LINES, encode, is_read, noise_picture, page_picture

TEXT = " ".join(LINES)
HEIC_LINE = "The cell membrane is thin."
PNG_START = b"\x89PNG\r\n\x1a\n"


def _text(page) -> str:
    return " ".join(page.text.split())


def _photograph() -> Image.Image:
    """Return a page in colour, in light that fades towards its lower end, and slightly askew."""
    turned = page_picture().rotate(2, Image.Resampling.BICUBIC, fillcolor=255)
    light = Image.linear_gradient("L").resize(turned.size).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    lit = ImageChops.multiply(turned, light.point(lambda value: 70 + value * 160 // 255))
    return lit.convert("RGB")


def _transparent() -> Image.Image:
    ink = Image.new("RGBA", page_picture().size, "black")
    ink.putalpha(ImageOps.invert(page_picture()))
    return ink


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def _png_of_size(width: int, height: int) -> bytes:
    """Return a PNG that says it has this size, and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    return PNG_START + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file; of several contents, an archive as an upload makes it."""

    def _write(extension: str, *contents: bytes) -> Path:
        path = tmp_path / f"photo.{extension}"
        if extension != "photos":
            path.write_bytes(contents[0])
            return path
        with zipfile.ZipFile(path, "w") as archive:
            for number, content in enumerate(contents, 1):
                archive.writestr(f"{number:03}.png", content)
        return path

    return _write


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_a_photograph_is_a_page(write, read, tesseract, kind):
    pages, report = read(write(kind, encode(_photograph(), kind.upper())))
    assert [(page.number, page.source, _text(page)) for page in pages] == [(1, PageSource.OCR, TEXT)]
    assert [warning.code for warning in report.warnings] == ["ocr_pages"]


def test_a_heic_photograph_is_read(write, read, tesseract):
    pages, _ = read(write("heic", (Path(__file__).parent / "line.heic").read_bytes()))
    assert is_read(pages[0].text, HEIC_LINE)


def test_exif_data_turn_a_photograph(write, read, tesseract):
    lying = _photograph().transpose(Image.Transpose.ROTATE_90)
    pages, _ = read(write("jpeg", encode(lying, "JPEG", exif=_exif(6))))
    assert _text(pages[0]) == TEXT


@pytest.mark.parametrize(
    "make",
    [
        _transparent,
        lambda: ImageOps.invert(page_picture()),
        lambda: page_picture().convert("P"),
        lambda: page_picture().convert("I").point(lambda value: value * 257).convert("I;16"),
        lambda: page_picture(LINES, (560, 200), 15),
    ],
    ids=["transparent", "white on black", "palette", "16 bits", "small"],
)
def test_pictures_of_every_kind_are_read(write, read, tesseract, make):
    pages, _ = read(write("png", encode(make())))
    assert is_read(pages[0].text, TEXT)


def test_several_photographs_are_the_pages_of_one_document(write, read, tesseract):
    first, second = (encode(page_picture([line])) for line in LINES[:2])
    pages, report = read(write("photos", first, first[:900], second, _png_of_size(60_000, 60_000)))
    assert [(page.number, page.skipped) for page in pages] == [
        (1, None),
        (2, "not_readable"),
        (3, None),
        (4, "not_readable"),
    ]
    assert [_text(page) for page in pages] == [LINES[0], "", LINES[1], ""]
    assert {warning.code: warning.pages for warning in report.warnings} == {
        "ocr_pages": (1, 3),
        "pages_not_readable": (2, 4),
    }


@pytest.mark.parametrize("make", [noise_picture, lambda: Image.new("L", (300, 200), 240)], ids=["noise", "empty"])
def test_a_photograph_without_text_says_so(write, read, tesseract, make):
    with pytest.raises(UnreadableFile, match="photo_not_readable"):
        read(write("png", encode(make())))


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (10_000, 5_001), (70_000, 10)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(write, read, tesseract, width, height):
    with pytest.raises(UnreadableFile, match="image_too_large"):
        read(write("png", _png_of_size(width, height)))


def test_the_largest_pictures_fit_into_the_memory(write, read, tesseract):
    large = page_picture(size=(7_000, 7_000), letter_size=150).convert("RGBA")
    pages, _ = read(write("png", encode(large, compress_level=1)))
    assert _text(pages[0]) == TEXT


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "heic"])
def test_a_photograph_that_was_cut_off_is_damaged(write, read, tesseract, kind):
    heic = (Path(__file__).parent / "line.heic").read_bytes()
    whole = heic if kind == "heic" else encode(page_picture(), kind.upper())
    with pytest.raises(UnreadableFile, match="damaged"):
        read(write(kind, whole[: len(whole) // 2]))


def test_an_archive_of_something_else_is_damaged(write, read, tesseract):
    with pytest.raises(UnreadableFile, match="photo_not_readable"):
        read(write("photos", b"GIF89a", b"no picture"))
    path = write("photos", b"x")
    path.write_bytes(io.BytesIO(b"no archive").getvalue())
    with pytest.raises(UnreadableFile, match="damaged"):
        read(path)


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_pictures_after_the_first_of_an_animation_are_warned_of(write, read, tesseract, kind):
    first, second = (page_picture([line]).convert("RGB") for line in LINES[:2])
    pages, report = read(write(kind, encode(first, kind.upper(), save_all=True, append_images=[second])))
    assert [_text(page) for page in pages] == [LINES[0]]
    assert {warning.code: warning.pages for warning in report.warnings} == {
        "ocr_pages": (1,),
        "pictures_not_read": (1,),
    }
