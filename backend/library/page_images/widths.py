"""The widths in which pages are rendered: few, so that few images of a page are kept. And what images are."""

from typing import Final

WIDTHS: Final = (400, 800, 1200, 1600, 2400)
DEFAULT_WIDTH: Final = 1200
MAX_WIDTH: Final = WIDTHS[-1]


def snap_width(width: int) -> int:
    """Return the smallest width that is at least the wanted one."""
    return next((each for each in WIDTHS if each >= width), MAX_WIDTH)


def image_type(image: bytes) -> str:
    """Return the media type: photographs are rendered as JPEG, everything else as PNG."""
    return "image/png" if image.startswith(b"\x89PNG") else "image/jpeg"
