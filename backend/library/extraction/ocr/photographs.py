"""Opens photographs and other pictures: bounded before they are decoded, and turned as their EXIF data say."""

from io import BytesIO
from typing import IO, Final

import pi_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.ocr.picture_limits import MAX_PIXELS, MAX_SIDE

MORE_PICTURES: Final = "more_pictures"
"""Names, in a picture's ``info``, whether its file has more pictures after the first, as an animation has."""

# JPEG is decoded at a fraction of its size if it is larger than this; no text gets lost.
_JPEG_SIDE: Final = 4_200
_MAX_JPEG_PIXELS: Final = 4 * MAX_PIXELS
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "HEIF", "GIF", "BMP", "TIFF")

pi_heif.register_heif_opener(thumbnails=False)


def open_picture(file: IO[bytes] | bytes) -> Image.Image:
    """Decode a picture upright, in grey on white. Raises UnreadableFile(image_too_large, damaged)."""
    return _open(file, "L", _JPEG_SIDE)


def open_coloured_picture(file: IO[bytes] | bytes, side: int) -> Image.Image:
    """Decode a picture upright, in colour on white, at least ``side`` pixels wide and high if it is that large.

    Raises UnreadableFile(image_too_large, damaged).
    """
    return _open(file, "RGB", side)


def _open(file: IO[bytes] | bytes, mode: str, jpeg_side: int) -> Image.Image:
    try:
        image = Image.open(BytesIO(file) if isinstance(file, bytes) else file, formats=_FORMATS)
        pixels = image.width * image.height
        if pixels > (_MAX_JPEG_PIXELS if image.format == "JPEG" else MAX_PIXELS) or max(image.size) > MAX_SIDE:
            raise UnreadableFile("image_too_large")
        image.draft(mode, (jpeg_side, jpeg_side))
        return ImageOps.exif_transpose(_convert(image, mode))
    except (Image.DecompressionBombError, MemoryError):
        raise UnreadableFile("image_too_large") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        raise UnreadableFile("damaged") from None


def _convert(image: Image.Image, mode: str) -> Image.Image:
    """Return the picture in grey or in colour; what is transparent shows white paper."""
    exif = image.getexif()
    # A photograph with a second picture for its depth or its light (MPO) shows the same page.
    is_animated = image.format != "MPO" and bool(getattr(image, "is_animated", False))
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        paper = Image.new("RGBA", coloured.size, "white")
        paper.alpha_composite(coloured)
        converted = paper.convert(mode)
    elif image.mode.startswith("I"):
        converted = image.convert("I").point(lambda value: value / 256).convert("L").convert(mode)
    else:
        converted = image.convert(mode)
    # The way up, which converting may lose.
    converted.info["exif"] = exif.tobytes()
    converted.info[MORE_PICTURES] = is_animated
    return converted
