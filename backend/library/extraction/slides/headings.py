"""The title of a slide: its placeholder, else a short line at the top in the largest letters."""

from collections.abc import Sequence
from typing import Final

from backend.library.extraction.slides.geometry import Box
from backend.library.extraction.slides.slide import Piece

_MAX_CHARS: Final = 120
# A title stands in this upper part of the slide, in letters larger than all others by this factor.
_UPPER_PART: Final = 0.35
_LARGER: Final = 1.15


def find_title(pieces: Sequence[Piece], area: Box) -> Piece | None:
    """Return the title of a slide whose texts are in reading order, or None."""
    named = next((piece for piece in pieces if piece.is_title), None)
    if named is not None or len(pieces) < 2:
        return named
    first, others = pieces[0], [piece.letter_size for piece in pieces[1:]]
    is_line = len(first.text) <= _MAX_CHARS and "\n\n" not in first.text and not first.is_placeholder
    is_large = all(others) and first.letter_size >= _LARGER * max(others)
    is_above = first.place is not None and first.place.top <= area.top + _UPPER_PART * (area.bottom - area.top)
    return first if is_line and is_large and is_above else None
