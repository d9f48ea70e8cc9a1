"""Which page of a converted document is shown for each of our pages.

Slides are the same pages. Documents without pages of their own are cut into pages by us (``extraction.pagination``):
for such a page, the printed page with the most of its words is shown.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

_WORD: Final = re.compile(r"\w+")
_SEQUENCE: Final = 3
# Fewer sequences in common may be chance, such as a running title.
_MIN_SHARE: Final = 0.1


def map_pages(texts: Sequence[str], printed: Sequence[str], *, are_slides: bool) -> list[int | None]:
    """Return the number of the printed page, counted from 1, for each of our pages; None if none has its words."""
    if are_slides:
        same = len(texts) == len(printed)
        return [number if same else None for number in range(1, len(texts) + 1)]
    pages_by_sequence: dict[tuple[str, ...], set[int]] = {}
    for number, text in enumerate(printed, 1):
        for sequence in _sequences(text):
            pages_by_sequence.setdefault(sequence, set()).add(number)
    return [_find_page(list(_sequences(text)), pages_by_sequence) for text in texts]


def _find_page(sequences: list[tuple[str, ...]], pages_by_sequence: dict[tuple[str, ...], set[int]]) -> int | None:
    counts = Counter(page for sequence in sequences for page in pages_by_sequence.get(sequence, ()))
    if not counts:
        return None
    most = max(counts.values())
    if most < _MIN_SHARE * len(sequences):
        return None
    return min(page for page, count in counts.items() if count == most)


def _sequences(text: str) -> Iterator[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    size = min(_SEQUENCE, len(words))
    for start in range(len(words) - size + 1 if size else 0):
        yield tuple(words[start : start + size])
