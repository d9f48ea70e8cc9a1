"""What is read of one slide, whatever program made it."""

from dataclasses import dataclass, field

from backend.library.extraction.slides.geometry import Box
from backend.library.extraction.slides.pictures import Picture


@dataclass(slots=True)
class Piece:
    """The text of a shape, in the notation of ``page_text``, and the shape's place on the slide.

    ``is_placeholder``: the layout has a place for it, which ``is_title`` says is the title's. ``letter_size`` is the
    size of the largest letters, 0 if nobody knows.
    """

    text: str
    place: Box | None = None
    is_placeholder: bool = False
    is_title: bool = False
    letter_size: float = 0


@dataclass(slots=True)
class Slide:
    """A slide in reading order. ``level`` is that of its title, ``notes`` have its comments too.

    ``warnings`` are codes with their counts.
    """

    pieces: list[Piece] = field(default_factory=list)
    notes: str = ""
    title: Piece | None = None
    level: int = 2
    pictures: list[Picture] = field(default_factory=list)
    warnings: list[tuple[str, int]] = field(default_factory=list)
    is_missing: bool = False

    def warn(self, code: str, count: int = 1) -> None:
        """Add a warning."""
        self.warnings.append((code, count))
