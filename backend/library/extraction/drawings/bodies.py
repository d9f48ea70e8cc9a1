"""The text of a box or cell in a drawing: its paragraphs with their list labels."""

from collections.abc import Sequence
from typing import Any

from backend.library.extraction import page_text
from backend.library.extraction.drawings.lists import MAX_LEVEL, NO_BULLET, Bullet, Numbering, bullet_of
from backend.library.extraction.drawings.names import A, whole_number
from backend.library.extraction.drawings.paragraphs import Warn, paragraph_text, percentage

_INDENT = "  "


class ListStyle:
    """The properties of paragraphs by level, taken from list styles; the nearest that says something counts."""

    def __init__(self, styles: Sequence[Any]) -> None:
        """Take ``a:lstStyle`` elements and the like, the nearest first."""
        self._styles = styles
        self._bullets: dict[int, Bullet] = {}
        self._baselines: dict[int, int] = {}

    def bullet(self, level: int) -> Bullet:
        """Return the bullet of a level, counted from 0."""
        if level not in self._bullets:
            found = (bullet_of(properties) for properties in self._properties(level))
            self._bullets[level] = next((bullet for bullet in found if bullet is not None), NO_BULLET)
        return self._bullets[level]

    def baseline(self, level: int) -> int:
        """Return how far text of a level is raised, as in ``rPr``."""
        if level not in self._baselines:
            runs = (properties.find(A + "defRPr") for properties in self._properties(level))
            values = (run.get("baseline") for run in runs if run is not None)
            self._baselines[level] = percentage(next((value for value in values if value is not None), None))
        return self._baselines[level]

    def _properties(self, level: int) -> list[Any]:
        found = (style.find(f"{A}lvl{level + 1}pPr") for style in self._styles)
        return [properties for properties in found if properties is not None]


NO_STYLE = ListStyle(())


def body_text(body: Any, style: ListStyle, warn: Warn) -> str:
    """Return the paragraphs of a ``txBody``: items of a list on a line each, others with a blank line between."""
    parts: list[str] = []
    numbering = Numbering()
    after_item = False
    for paragraph in body.iterchildren(A + "p"):
        properties = paragraph.find(A + "pPr")
        level = _level(properties)
        text = paragraph_text(paragraph, warn, style.baseline(level))
        own = None if properties is None else bullet_of(properties)
        bullet = own or style.bullet(level)
        if not text.strip():
            # An empty paragraph has no number, but one without a number interrupts the row.
            if not bullet.scheme:
                numbering.label(NO_BULLET, level)
            continue
        label = numbering.label(bullet, level)
        if parts:
            parts.append("\n" if label and after_item else "\n\n")
        parts.append(item_text(label, text, level) if label else text.strip("\n"))
        after_item = bool(label)
    return "".join(parts)


def item_text(label: str, text: str, level: int) -> str:
    """Return an item of a list, indented by its level; further lines of it stand below its text."""
    indent = _INDENT * level
    return f"{indent}{label} " + text.strip().replace("\n", f"\n{indent}{_INDENT}")


def rich_text(element: Any, warn: Warn) -> str:
    """Return the paragraphs below an element on a line each."""
    lines = (paragraph_text(paragraph, warn) for paragraph in element.iter(A + "p"))
    return "\n".join(line.strip("\n") for line in lines if line.strip())


def _level(properties: Any) -> int:
    return 0 if properties is None else min(whole_number(properties.get("lvl"), 0), MAX_LEVEL)


def cells_text(rows: Sequence[Sequence[str]], *, has_header: bool) -> str:
    """Return a table, or an empty string for one without any text."""
    return page_text.table(rows, has_header=has_header) if any(any(map(str.strip, row)) for row in rows) else ""
