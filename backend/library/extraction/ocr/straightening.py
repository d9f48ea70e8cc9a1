"""Makes the lines of a page horizontal: a page that lies askew, or was photographed from the side.

Tesseract puts the halves of lines in a wrong order if lines rise or fall by more than their distance.
"""

from itertools import pairwise
from math import radians, tan
from statistics import fmean, median
from typing import Final

from PIL import Image, ImageOps

_SMALL_SIDE: Final = 900
_MAX_DEGREES: Final = 8.0
_STEP: Final = 0.5
_FINE_STEP: Final = 0.1
_BANDS: Final = 4
# How far lines of a page photographed from the side differ from its mean, in degrees.
_BAND_DEGREES: Final = 4.0
# How much sharper the lines must be at their angle than at others: less is chance.
_MIN_GAIN: Final = 1.2
_MIN_DEGREES: Final = 0.15


def straighten(image: Image.Image) -> Image.Image:
    """Return a grey image with horizontal lines of text; a page whose lines run up or down is turned first."""
    small = image.copy()
    small.thumbnail((_SMALL_SIDE, _SMALL_SIDE))
    small = ImageOps.invert(small)
    angles = _range(-_MAX_DEGREES, _MAX_DEGREES, _STEP)
    lying = small.rotate(90, expand=True)
    if max(_sharpness(lying, angle) for angle in angles) > max(_sharpness(small, angle) for angle in angles):
        image, small = image.rotate(90, expand=True), lying
    whole = _find_angle(small, angles)
    if whole is None:
        return image
    top, bottom = _fit(_measure_bands(small, whole), whole)
    return image if max(abs(top), abs(bottom)) < _MIN_DEGREES else _shear(image, top, bottom)


def _measure_bands(small: Image.Image, whole: float) -> list[tuple[float, float]]:
    """Return the heights of bands of a page, from 0 to 1, each with the angle of its lines, where it has some."""
    angles = _range(whole - _BAND_DEGREES, whole + _BAND_DEGREES, _STEP)
    found = []
    for band in range(_BANDS):
        edges = (0, small.height * band // _BANDS, small.width, small.height * (band + 1) // _BANDS)
        angle = _find_angle(small.crop(edges), angles)
        if angle is not None:
            found.append(((band + 0.5) / _BANDS, angle))
    return found


def _fit(bands: list[tuple[float, float]], whole: float) -> tuple[float, float]:
    """Return the angles at the upper and the lower edge of the page that fit those of its bands best."""
    if len(bands) < 2:
        return whole, whole
    middle, mean = fmean(height for height, _ in bands), fmean(angle for _, angle in bands)
    spread = sum((height - middle) ** 2 for height, _ in bands)
    rise = sum((height - middle) * (angle - mean) for height, angle in bands) / spread
    return mean - rise * middle, mean + rise * (1 - middle)


def _shear(image: Image.Image, top: float, bottom: float) -> Image.Image:
    """Move the pixels up or down so that lines at these angles, from the upper to the lower edge, are horizontal."""
    half = image.width / 2
    rise, fall = half * tan(radians(top)), half * tan(radians(bottom))
    room = int(max(abs(rise), abs(fall))) + 1
    padded = ImageOps.expand(image, (0, room), fill=255)
    width, height = padded.size
    corners = (0, -rise, 0, height - fall, width, height + fall, width, rise)
    return padded.transform(padded.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=255)


def _find_angle(image: Image.Image, angles: list[float]) -> float | None:
    """Return the angle, among these and then in fine steps, at which lines are sharpest; None if there are no lines."""
    sharpness = {angle: _sharpness(image, angle) for angle in angles}
    best = max(angles, key=lambda angle: sharpness[angle])
    if sharpness[best] < _MIN_GAIN * median(sharpness.values()):
        return None
    return max(_range(best - _STEP, best + _STEP, _FINE_STEP), key=lambda angle: _sharpness(image, angle))


def _sharpness(image: Image.Image, angle: float) -> float:
    """Return how clearly the rows of pixels alternate in an image whose lines at ``angle`` are made horizontal."""
    slope = tan(radians(angle))
    # The nearest pixels will do, and take a quarter of the time.
    matrix = (1, 0, 0, slope, 1, -slope * image.width / 2)
    sheared = image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST, fillcolor=0)
    rows = sheared.resize((1, image.height), Image.Resampling.BOX).tobytes()
    return float(sum((one - other) ** 2 for one, other in pairwise(rows)))


def _range(first: float, last: float, step: float) -> list[float]:
    return [first + step * number for number in range(round((last - first) / step) + 1)]
