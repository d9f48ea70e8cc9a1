"""From what a document has one after the other to blocks: items of a list and lines of code belong together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from backend.library.extraction import page_text
from backend.library.extraction.pagination import PAGE_CHARS, Block

_MAX_LIST_CHARS = PAGE_CHARS // 2


class ItemKind(Enum):
    """What an item is; a heading is a text with a level."""

    TEXT = auto()
    LIST = auto()
    CODE = auto()
    TABLE = auto()
    NOTE = auto()


@dataclass(frozen=True, slots=True)
class Item:
    """A paragraph, an item of a list, a line of code, a note, or a table (``rows``)."""

    text: str
    level: int = 0
    kind: ItemKind = ItemKind.TEXT
    new_page: bool = False
    rows: tuple[tuple[str, ...], ...] = ()


def blocks_of_items(items: Iterable[Item]) -> Iterator[Block]:
    """Yield blocks: the items of a list in one, and so the lines of code, which end with the first other text."""
    lines: list[str] = []
    kind = ItemKind.TEXT
    new_page = False
    size = 0
    for item in items:
        goes_on = item.kind is kind and not item.new_page and size < _MAX_LIST_CHARS
        if lines and not goes_on:
            yield _block(lines, kind, new_page)
            lines, size = [], 0
        if item.kind in (ItemKind.LIST, ItemKind.CODE):
            if not lines:
                kind, new_page = item.kind, item.new_page
            lines.append(item.text)
            size += len(item.text) + 1
        elif item.kind is ItemKind.TABLE:
            yield Block(page_text.table(item.rows), new_page=item.new_page)
        else:
            yield Block(item.text, item.level, item.new_page)
    if lines:
        yield _block(lines, kind, new_page)


def text_of_items(items: Iterable[Item]) -> str:
    """Return items as lines, for a cell or a note. A table in a cell has no columns: ``;`` is between its cells."""
    lines: list[str] = []
    for item in items:
        if item.kind is ItemKind.TABLE:
            lines += [" ; ".join(" ".join(cell.split()) for cell in row) for row in item.rows]
        elif item.text.strip():
            lines.append(item.text.strip())
    return "\n".join(lines)


def _block(lines: list[str], kind: ItemKind, new_page: bool) -> Block:
    text = "\n".join(lines)
    if kind is ItemKind.CODE:
        text = page_text.code(text.strip("\n")) if text.strip() else ""
    return Block(text, new_page=new_page)
