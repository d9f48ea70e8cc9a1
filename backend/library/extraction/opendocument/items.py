"""The paragraphs, lists, tables and notes of a text in their order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from backend.library.extraction.drawings.names import whole_number
from backend.library.extraction.drawings.paragraphs import Warn
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.opendocument.names import DRAW, OFFICE, PRESENTATION, TABLE, TEXT
from backend.library.extraction.opendocument.numbering import Counter, Numbering
from backend.library.extraction.opendocument.objects import Objects
from backend.library.extraction.opendocument.paragraphs import Paragraphs
from backend.library.extraction.opendocument.styles import Styles
from backend.library.extraction.opendocument.tables import grid_of
from backend.library.extraction.word.blocks import Item, ItemKind, text_of_items

# Boxes in cells in notes and so on: nobody nests them deeper than this.
_MAX_DEPTH: Final = 12
_INDENT: Final = "  "
_SKIPPED: Final = frozenset(
    {
        OFFICE + "forms",
        OFFICE + "annotation",
        PRESENTATION + "notes",
        TEXT + "sequence-decls",
        TEXT + "variable-decls",
        TEXT + "user-field-decls",
        TEXT + "alphabetical-index-auto-mark-file",
        TEXT + "index-title-template",
        TEXT + "number",
    }
)
_SOURCES: Final = "-source"


@dataclass(slots=True)
class _Place:
    """Where in a list a paragraph is. ``item`` is the ``text:list-item`` whose label was not shown yet."""

    style: str | None
    level: int
    counter: Counter
    item: Any | None = None


class Items:
    """Reads the texts of one document."""

    def __init__(self, package: OfficePackage, styles: Styles, warn: Warn, *, warns_of_pictures: bool = True) -> None:
        """Take what the texts refer to. ``warns_of_pictures`` is as for ``Objects``."""
        self._styles = styles
        self._warn = warn
        self.objects = Objects(package, warn, warns_of_pictures=warns_of_pictures)
        self._paragraphs = Paragraphs(styles, self.objects, warn)
        self._numbering = Numbering(styles)

    def read(self, container: Any, depth: int = 0) -> Iterator[Item]:
        """Yield what an element holds. Raises UnreadableFile("damaged") if boxes and cells are nested without end."""
        if depth > _MAX_DEPTH:
            raise UnreadableFile("damaged")
        stack: list[tuple[Any, _Place | None]] = [(child, None) for child in container.iterchildren("*", reversed=True)]
        while stack:
            node, place = stack.pop()
            if node.tag in (TEXT + "p", TEXT + "h"):
                yield from self._paragraph(node, place, depth)
            elif node.tag == TABLE + "table":
                yield self._table(node, depth)
            elif node.tag.startswith(DRAW) and node.tag != DRAW + "text-box":
                yield from self.read_drawing(node, depth)
            elif not self._is_skipped(node):
                inner = self._inner(node, place)
                stack.extend((child, inner) for child in node.iterchildren("*", reversed=True))

    def read_drawing(self, drawing: Any, depth: int = 0) -> Iterator[Item]:
        """Yield what a drawing shows and holds."""
        shown, boxes = self.objects.read(drawing)
        if shown:
            yield Item(shown)
        for box in boxes:
            yield from self._box(box, depth)

    def _inner(self, node: Any, place: _Place | None) -> _Place | None:
        """Return the place in a list of what an element holds."""
        if node.tag == TEXT + "list":
            style = node.get(TEXT + "style-name") or (place.style if place is not None else None)
            if place is not None:
                return _Place(style, place.level + 1, place.counter)
            return _Place(style, 1, self._numbering.counter(node, style))
        if place is not None and node.tag == TEXT + "list-item":
            style = node.get(TEXT + "style-override") or place.style
            return _Place(style, place.level, place.counter, node)
        return place

    def _paragraph(self, paragraph: Any, place: _Place | None, depth: int) -> Iterator[Item]:
        name = paragraph.get(TEXT + "style-name")
        if place is None and self._styles.is_code(name):
            yield Item(self._paragraphs.code_line(paragraph), kind=ItemKind.CODE)
            return
        level = self._level(paragraph, name)
        found = self._paragraphs.read(paragraph)
        label = self._label(paragraph, place, level)
        text = found.text
        if label and text and not (level and label == "-"):
            text = f"{label} {text}"
        new_page = self._styles.begins_page(name)
        if text and place is not None and not level:
            indent = _INDENT * (place.level - 1)
            if not label:
                indent += _INDENT
            text = indent + text.replace("\n", f"\n{indent}{_INDENT}")
            yield Item(text, kind=ItemKind.LIST, new_page=new_page)
        elif text or new_page:
            yield Item(text, level, new_page=new_page)
        for sign, body in found.notes:
            note = " / ".join(text_of_items(self.read(body, depth + 1)).splitlines())
            yield Item(f"[^{sign}]: {note}", kind=ItemKind.NOTE)
        for comment in found.comments:
            yield from self.read_comment(comment, depth)
        for box in found.boxes:
            yield from self._box(box, depth)

    def read_comment(self, comment: Any, depth: int = 0) -> Iterator[Item]:
        """Yield the text of a comment without its author and its time."""
        text = " / ".join(text_of_items(self.read(comment, depth + 1)).splitlines())
        if text:
            self._warn("annotations_read")
            yield Item(f"[comment: {text}]", kind=ItemKind.NOTE)

    def _level(self, paragraph: Any, name: str | None) -> int:
        if paragraph.tag == TEXT + "h":
            return whole_number(paragraph.get(TEXT + "outline-level"), 1)
        return self._styles.heading_level(name)

    def _label(self, paragraph: Any, place: _Place | None, level: int) -> str:
        if place is None:
            return self._numbering.heading_label(paragraph, level) if paragraph.tag == TEXT + "h" else ""
        if place.item is None:
            return ""
        item, place.item = place.item, None
        style = place.style or self._styles.list_of_paragraph(paragraph.get(TEXT + "style-name"))
        return self._numbering.item_label(item, style, place.level, place.counter)

    def _box(self, box: Any, depth: int) -> Iterator[Item]:
        if box.tag == TABLE + "table":
            yield self._table(box, depth)
        else:
            yield from self.read(box, depth + 1)

    def _table(self, table: Any, depth: int) -> Item:
        rows, is_cut = grid_of(table, lambda cell: text_of_items(self.read(cell, depth + 1)))
        if is_cut:
            self._warn("objects_lost")
        if not any(any(row) for row in rows):
            return Item("")
        new_page = self._styles.begins_page(table.get(TABLE + "style-name"))
        return Item("", kind=ItemKind.TABLE, rows=tuple(map(tuple, rows)), new_page=new_page)

    def _is_skipped(self, node: Any) -> bool:
        """Whether an element is not shown. Text that was deleted or hidden is counted."""
        if node.tag == TEXT + "tracked-changes":
            is_lost = any("".join(deleted.itertext()).strip() for deleted in node.iter(TEXT + "deletion"))
        elif node.tag == TEXT + "section" and node.get(TEXT + "display") == "none":
            is_lost = bool("".join(node.itertext()).strip())
        else:
            return node.tag in _SKIPPED or node.tag.endswith(_SOURCES)
        if is_lost:
            self._warn("hidden_text_removed")
        return True
