"""Pictures that are not what they say, or unpack to more than can be read: each ends in an error with a code."""

import struct
import zlib
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import pytest
from PIL import Image

from backend.library.extraction.errors import UnreadableFile
from tests.library.extraction.ocr.scans import LINES, encode, is_read, page_picture

LINE_HEIC = (Path(__file__).parent / "line.heic").read_bytes()
GREY, COLOUR_WITH_ALPHA = 0, 6


def _deflate(piece: bytes, count: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(map(packer.compress, repeat(piece, count))) + packer.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def _png(side: int, colour: int, pixels: bytes, before: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 8, colour, 0, 0, 0)
    body = _chunk(b"IHDR", header) + before + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _png_of_many_pixels() -> bytes:
    return _png(7_000, COLOUR_WITH_ALPHA, _deflate(bytes(1 + 4 * 7_000), 7_000))


def _png_with_too_much_data() -> bytes:
    return _png(100, GREY, _deflate(bytes(1 << 20), 500))


def _png_with_a_bomb_as_text() -> bytes:
    return _png(100, GREY, _deflate(bytes(101), 100), _chunk(b"zTXt", b"a\0\0" + _deflate(bytes(1 << 20), 500)))


def _webp_of_many_pixels() -> bytes:
    return encode(Image.new("RGBA", (7_000, 7_000)), "WEBP", lossless=True, method=0)


def _jpeg_of_size(side: int) -> bytes:
    whole = encode(page_picture(), "JPEG")
    size = whole.index(b"\xff\xc0") + 5
    return whole[:size] + struct.pack(">HH", side, side) + whole[size + 4 :]


def _heic_of_size(side: int) -> bytes:
    size = LINE_HEIC.index(b"ispe") + 8
    return LINE_HEIC[:size] + struct.pack(">II", side, side) + LINE_HEIC[size + 8 :]


def _heic_of_rubbish() -> bytes:
    data = LINE_HEIC.index(b"mdat") + 4
    return LINE_HEIC[:data] + bytes(range(7, 256)) * (len(LINE_HEIC) // 256)


@pytest.mark.parametrize(
    ("extension", "make", "code"),
    [
        ("png", _png_of_many_pixels, "photo_not_readable"),
        ("png", _png_with_too_much_data, "photo_not_readable"),
        ("png", _png_with_a_bomb_as_text, "damaged"),
        # The decoder needs several times the memory of the pixels.
        ("webp", _webp_of_many_pixels, "image_too_large"),
        ("jpeg", lambda: _jpeg_of_size(65_000), "image_too_large"),
        ("heic", lambda: _heic_of_size(60_000), "image_too_large"),
        ("heic", lambda: _heic_of_size(7_000), "damaged"),
        ("heic", _heic_of_rubbish, "damaged"),
    ],
)
def test_a_bomb_ends_with_a_code(tmp_path, read, tesseract, extension: str, make: Callable[[], bytes], code: str):
    path = tmp_path / f"photo.{extension}"
    path.write_bytes(make())
    assert path.stat().st_size < 1_000_000
    with pytest.raises(UnreadableFile) as refused:
        read(path)
    assert refused.value.code == code


def test_a_picture_in_the_colours_of_printers_is_read(tmp_path, read, tesseract):
    path = tmp_path / "photo.jpeg"
    path.write_bytes(encode(page_picture([LINES[0]]).convert("RGB").convert("CMYK"), "JPEG"))
    [page], _ = read(path)
    assert is_read(page.text, LINES[0])
