"""Footers and running heads that are text boxes: the same text at the same place on most slides."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from backend.library.extraction.slides.geometry import Box
from backend.library.extraction.slides.slide import Piece, Slide

_MIN_SLIDES: Final = 3
_MIN_PART: Final = 0.5
_MAX_CHARS: Final = 200
# Only the edges of a slide have running texts, else slides that build upon each other would lose theirs.
_EDGE: Final = 0.12
_STEPS: Final = 50
_DIGITS = re.compile(r"\d+")

Key = tuple[str, int, int]


def remove_running_texts(slides: Sequence[Slide], area: Box) -> None:
    """Remove the texts that at least half of three or more slides repeat at their upper or lower edge."""
    counts = Counter(key for slide in slides for key in {_key(piece, area) for piece in slide.pieces} if key)
    running = {key for key, count in counts.items() if count >= max(_MIN_SLIDES, _MIN_PART * len(slides))}
    for slide in slides if running else ():
        slide.pieces = [piece for piece in slide.pieces if _key(piece, area) not in running]


def _key(piece: Piece, area: Box) -> Key | None:
    """Return the text, numbers folded, and the place of what may be a running text."""
    place = piece.place
    if place is None or not area.area or len(piece.text) > _MAX_CHARS:
        return None
    top, height = (place.top - area.top) / area.bottom, (place.bottom - place.top) / area.bottom
    if height > _EDGE or (top + height > _EDGE and top < 1 - _EDGE) or piece.is_placeholder:
        return None
    return _DIGITS.sub("0", piece.text), round(place.left / area.right * _STEPS), round(top * _STEPS)
