"""Renders one page in a child process that cannot hurt its caller."""

import json
import math
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backend.core.database.transaction import refuse_open_transaction
from backend.core.process.logging import get_logger
from backend.library.extraction.formats import PHOTOGRAPHS, DocumentFormat
from backend.library.page_images.children import ChildLost, ChildTimedOut, run_in_child
from backend.library.page_images.errors import PageImageFailed, PageImageInterrupted

log = get_logger(__name__)

RENDERED_FORMATS: Final = frozenset({DocumentFormat.PDF, DocumentFormat.PHOTOS}) | PHOTOGRAPHS
"""Formats for which the child has a renderer."""

_WALL_S: Final = 20.0
_CPU_S: Final = 15
_MEMORY_BYTES: Final = 700_000_000
_MAX_BOXES_BYTES: Final = 2_000_000


# Start and end of a word in the page's text; left, top, right and bottom in fractions of the page.
WordBox = tuple[int, int, float, float, float, float]


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A file with a PNG or JPEG, if a width was given, and where the words of the page's text are.

    ``boxes`` are as in ``Page.word_boxes``; None if no text was given.
    """

    path: Path
    boxes: list[WordBox] | None


def render_page(
    path: Path,
    file_format: DocumentFormat,
    page: int,
    width: int | None,
    text: str | None,
    *,
    ends_at: float = math.inf,
) -> RenderedPage:
    """Render a page of the file at ``path`` into the folder that the file is in, which holds nothing else.

    With the page's ``text``, its words are placed on the page. Without a width, there is no image.

    Raises PageImageFailed for a page that is damaged or takes too much; PageImageInterrupted when ``ends_at``, a time
    of the monotonic clock, is reached, or somebody else, such as the system under memory pressure, ended the child.
    """
    refuse_open_transaction()
    folder = path.parent
    if text is not None:
        (folder / "text.txt").write_bytes(text.encode())
    job = {
        "folder": str(folder),
        "path": str(path),
        "format": file_format.value,
        "page": page,
        "width": width,
        "text": text is not None,
        "memory_bytes": _MEMORY_BYTES,
        "cpu_s": _CPU_S,
    }
    try:
        status = run_in_child(job, _WALL_S, ends_at)
    except ChildTimedOut:
        if time.monotonic() >= ends_at:
            raise PageImageInterrupted from None
        log.info("library.page_image.timed_out")
        raise PageImageFailed from None
    except ChildLost:
        status = -signal.SIGKILL
    if status in (-signal.SIGKILL, -signal.SIGTERM):
        log.warning("library.page_image.interrupted", signal=-status)
        raise PageImageInterrupted
    image = folder / "image"
    if status != 0 or (width is not None and not image.is_file()):
        log.info("library.page_image.failed", status=status)
        raise PageImageFailed
    boxes = _read_boxes(folder / "boxes.json", len(text)) if text is not None else None
    return RenderedPage(image, boxes)


def _read_boxes(path: Path, length: int) -> list[WordBox]:
    """Read what the child wrote. A child taken over by a hostile file can cause nothing but missing boxes."""
    try:
        if path.stat().st_size > _MAX_BOXES_BYTES:
            return []
        return [_box(fields, length) for fields in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def _box(fields: Any, length: int) -> WordBox:
    start, end, left, top, right, bottom = fields
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= length:
        raise ValueError("not a word of the text")
    if not 0 <= left < right <= 1 or not 0 <= top < bottom <= 1:
        raise ValueError("not on the page")
    return start, end, float(left), float(top), float(right), float(bottom)
