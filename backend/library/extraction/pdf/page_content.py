"""What is read of one page before the pages are compared with each other."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Reason = Literal["no_text", "garbage", "unmapped"]


@dataclass(frozen=True, slots=True)
class PageContent:
    """A page's text as stored in the file, the number of its characters without blanks, and why it cannot be used."""

    text: str
    letters: int
    reason: Reason | None


@dataclass(slots=True)
class PlacedLine:
    """A line in the notation of ``page_text``.

    ``height`` is the place of its baseline on the page as shown, 0 at the bottom and 1 at the top; None for text that
    is turned to the page's reader.
    """

    text: str
    size: float
    height: float | None
    is_formula: bool = False
    is_typed: bool = False


@dataclass(slots=True)
class ReadPage:
    """A page's lines, the sizes of its characters, and its warnings (code, count)."""

    content: PageContent
    lines: list[PlacedLine]
    sizes: Counter[float]
    is_landscape: bool
    needs_ocr: bool = False
    heading: str | None = None
    label: str | None = None
    warnings: list[tuple[str, int]] = field(default_factory=list)
