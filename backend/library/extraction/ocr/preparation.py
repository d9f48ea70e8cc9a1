"""Prepares the image of a page for Tesseract: dark ink on even paper, straight, at the size of a scan.

Letters out of place or wrong in percent on a made page, before and after: in light that fades to a quarter 29 → 0, in a
shadow 37 → 3, grainy 100 → 33, turned by 5 degrees 80 → 0, bright ink 1.5 → 0. Blurring against noise made grain worse
(76) and small letters wrong, so it is not done.
"""

from math import sqrt
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops, ImageFilter, ImageOps

from backend.library.extraction.ocr.straightening import straighten

# An A4 page at 300 dpi has 3,508 pixels on its long side.
_PAGE_INCHES: Final = 11.7
_MIN_SIDE: Final = 3_300
_MAX_SIDE: Final = 4_200
_MAX_ENLARGED: Final = 3.0
_MAX_PIXELS: Final = 20_000_000

# Paper whose lightest and darkest parts differ by more than this is in uneven light.
_EVEN_LIGHT: Final = 40
_LIGHT_STEP: Final = 8
_SMALL_SIDE: Final = 800
_AROUND: Final = 15
_INK_PERCENT: Final = 0.02
_PAPER_PERCENT: Final = 40


def prepare(image: Image.Image) -> Image.Image:
    """Return a grey image that Tesseract reads best: straight, with dark ink on even paper."""
    image = image.convert("L")
    if _has_bright_ink(image):
        image = ImageOps.invert(image)
    return straighten(_even_out(_resize(image)))


def is_blank(image: Image.Image) -> bool:
    """Whether a page has nothing on it but paper."""
    darkest, lightest = _extremes(image.convert("L").reduce(_LIGHT_STEP // 2))
    return lightest - darkest < _EVEN_LIGHT


def save(image: Image.Image, path: Path) -> int:
    """Write a grey image as Tesseract reads it fastest; return its resolution, if it shows a whole page."""
    image.save(path, "PPM")
    return max(70, round(max(image.size) / _PAGE_INCHES))


def _resize(image: Image.Image) -> Image.Image:
    side = max(image.size)
    factor = min(max(1.0, _MIN_SIDE / side), _MAX_ENLARGED) if side < _MAX_SIDE else _MAX_SIDE / side
    factor = min(factor, sqrt(_MAX_PIXELS / max(image.width * image.height, 1)))
    if abs(factor - 1) < 0.02:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BICUBIC)


def _has_bright_ink(image: Image.Image) -> bool:
    """Whether what stands out from its surroundings is brighter than they are, as on a blackboard."""
    small = image.copy()
    small.thumbnail((_SMALL_SIDE, _SMALL_SIDE))
    around = small.filter(ImageFilter.BoxBlur(_AROUND))
    brighter, darker = ImageChops.subtract(small, around), ImageChops.subtract(around, small)
    return sum(brighter.histogram()[_EVEN_LIGHT:]) > sum(darker.histogram()[_EVEN_LIGHT:])


def _even_out(image: Image.Image) -> Image.Image:
    """Take the light of the paper from an image in uneven light, and stretch its contrast."""
    if min(image.size) < 10 * _LIGHT_STEP:
        return image
    paper = image.reduce(_LIGHT_STEP).filter(ImageFilter.MaxFilter(9)).filter(ImageFilter.BoxBlur(6))
    darkest, lightest = _extremes(paper)
    if lightest - darkest > _EVEN_LIGHT:
        light = paper.resize(image.size, Image.Resampling.BILINEAR)
        image = ImageChops.add(image, ImageOps.invert(light))
    # The ink of a page with few words is a small part of it; at least as much of it is paper.
    return ImageOps.autocontrast(image, cutoff=(_INK_PERCENT, _PAPER_PERCENT))


def _extremes(grey: Image.Image) -> tuple[int, int]:
    """Return the darkest and the lightest value of a grey image."""
    values = [value for value, count in enumerate(grey.histogram()) if count]
    return values[0], values[-1]
