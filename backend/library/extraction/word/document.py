"""A Word file in order: paragraphs, headings, lists, code, tables, and what belongs to each."""

from collections.abc import Iterator
from typing import Any, Final

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block
from backend.library.extraction.word.blocks import Item, ItemKind, blocks_of_items, text_of_items
from backend.library.extraction.word.inserted import inserted_blocks
from backend.library.extraction.word.names import (
    ALT_CHUNK,
    DELETED,
    P_PR,
    RUN_PR,
    SECTION,
    TABLE,
    TEXT,
    P,
    W,
    chosen_branch,
    is_set,
    local_name,
    value_of,
)
from backend.library.extraction.word.notes import Notes
from backend.library.extraction.word.numbering import BULLET, MAX_LEVELS, Numbering
from backend.library.extraction.word.objects import Objects
from backend.library.extraction.word.pictures import PictureReader, page_area
from backend.library.extraction.word.runs import PAGE_BREAK, ParagraphReader, ParagraphText
from backend.library.extraction.word.styles import (
    ParagraphStyle,
    Styles,
    is_monospace,
    numbering_of,
    outline_level,
)
from backend.library.extraction.word.tables import cells_of, rows_of

_MAX_INSERTED: Final = 3
_MATH_PARAGRAPH = "oMathPara"
_SKIPPED = frozenset({"sdtPr", "sdtEndPr", "customXmlPr", "tcPr", "tblPr", "sectPr", "Fallback"})
_SAME_PAGE = frozenset({"continuous", "nextColumn"})


class WordDocument:
    """Walks a Word file. The parser refuses XML that is nested more than 256 deep, which bounds tables in tables."""

    def __init__(
        self,
        package: OfficePackage,
        writer: PageWriter,
        read_picture: PictureReader | None = None,
        inserted: int = 0,
    ) -> None:
        """Take an open file; ``inserted`` says within how many others it is. Raises UnreadableFile."""
        self._package = package
        self._writer = writer
        self._read_picture = read_picture
        self._inserted = inserted
        self._main = package.main_part("word")
        self._body = package.parse(self._main).find(f"{W}body")
        if self._body is None:
            raise UnreadableFile("damaged")
        self._styles = Styles(self._part("styles"))
        self._numbering = Numbering(self._part("numbering"))
        self._notes = Notes(package, self._main, self._part("settings"))
        self._page_area = page_area(self._body)
        self._reader = self._reader_of(self._main)
        self._is_monospace = is_monospace(self._styles.paragraph(None).run.font)
        self._section_breaks = iter(_section_breaks(self._body))
        self._new_page = False
        self._carried = ""
        self._in_code = False

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of the document. Raises UnreadableFile."""
        return blocks_of_items(self._items_in(self._body))

    def _part(self, kind: str) -> Any:
        parts = self._package.related(self._main, kind)
        return self._package.parse(parts[0]) if parts else None

    def _reader_of(self, part: str) -> ParagraphReader:
        objects = Objects(self._package, part, self._writer, self._page_area, self._read_picture)
        return ParagraphReader(self._styles, self._notes, objects, self._writer)

    def _items_in(self, container: Any) -> Iterator[Item]:
        stack = [iter(container)]
        while stack:
            for node in stack[-1]:
                tag = node.tag
                if tag == P:
                    yield from self._paragraph(node)
                elif tag == TABLE:
                    yield from self._table(node)
                elif tag == ALT_CHUNK:
                    yield from self._inserted_items(node)
                elif tag in DELETED:
                    self._warn_of_hidden(node)
                elif (name := local_name(node)) == _MATH_PARAGRAPH:
                    yield Item(self._reader.read([node], self._styles.paragraph(None).run).text)
                elif name == "subDoc":
                    self._writer.warn("objects_lost")
                elif name == "AlternateContent":
                    stack.append(iter(chosen_branch(node)))
                    break
                elif name and name not in _SKIPPED:
                    stack.append(iter(node))
                    break
            else:
                stack.pop()

    def _paragraph(self, paragraph: Any) -> Iterator[Item]:
        properties = paragraph.find(P_PR)
        style = self._styles.paragraph(value_of(properties, "pStyle") if properties is not None else None)
        read = self._reader.read(paragraph, style.run)
        text = self._carried + read.text
        self._carried = ""
        if properties is not None and _joins_next(properties):
            # A dropped capital is moved down for its looks alone: it is no lowered text.
            is_capital = properties.find(f"{W}framePr") is not None
            self._carried = "".join(node.text or "" for node in paragraph.iter(TEXT)).lstrip() if is_capital else text
            text = ""
        else:
            yield from self._text_items(text, read, properties, style)
        for block in read.blocks:
            yield Item(block)
        yield from self._after(read)
        if properties is not None and properties.find(SECTION) is not None:
            self._new_page = next(self._section_breaks, False)

    def _text_items(self, text: str, read: ParagraphText, properties: Any, style: ParagraphStyle) -> Iterator[Item]:
        level, label, depth, breaks = style.level, None, 0, style.breaks_page
        if properties is not None:
            own_level, own_break = outline_level(properties), is_set(properties, "pageBreakBefore")
            level = level if own_level is None else own_level
            breaks = breaks if own_break is None else own_break
            if text.strip() or not _has_hidden_mark(properties):
                label, depth = self._label(properties, style)
        self._new_page = self._new_page or breaks
        is_code = (style.is_code or (read.is_monospace and not self._is_monospace)) and not read.has_notation
        for number, piece in enumerate(text.split(PAGE_BREAK)):
            self._new_page = self._new_page or number > 0
            if is_code and not level and not label:
                self._in_code = True
                yield Item(piece, kind=ItemKind.CODE, new_page=self._take_new_page())
                continue
            shown = piece.strip()
            if not shown:
                if self._in_code:
                    yield Item("", kind=ItemKind.CODE)
                elif label and label != BULLET and self._reader.in_line:
                    # A column of numbers.
                    yield Item(label, kind=ItemKind.LIST)
                continue
            self._in_code = False
            if label:
                shown, label = f"{label} {shown}", None
                kind = ItemKind.TEXT if level else ItemKind.LIST
                shown = shown if level else "  " * depth + shown
                yield Item(shown, level, kind, self._take_new_page())
            else:
                yield Item(shown, level, new_page=self._take_new_page())

    def _take_new_page(self) -> bool:
        new_page, self._new_page = self._new_page, False
        return new_page

    def _label(self, properties: Any, style: ParagraphStyle) -> tuple[str | None, int]:
        number, depth = numbering_of(properties)
        if number is None:
            number, style_depth = style.numbering
            depth = style_depth if depth is None else depth
            if depth is None and number is not None:
                depth = self._numbering.level_of_style(number, value_of(properties, "pStyle"))
        if number is None or number == "0":
            return None, 0
        depth = min(max(depth or 0, 0), MAX_LEVELS - 1)
        label = self._numbering.next_label(number, depth)
        # A heading with a bullet is a heading.
        return (None if label == BULLET and style.level else label), depth

    def _after(self, read: ParagraphText) -> Iterator[Item]:
        """Yield what comes after a paragraph: text boxes, notes, comments."""
        for box in read.boxes:
            yield from self._apart(box, self._main)
        for label, kind, note in read.notes:
            text = text_of_items(self._apart(note, self._notes.part(kind)))
            yield Item(f"[^{label}]: {text}", kind=ItemKind.NOTE)
        for comment in read.comments:
            self._writer.warn("annotations_read")
            text = text_of_items(self._apart(comment, self._notes.part("comment")))
            yield Item(f"[comment: {text}]", kind=ItemKind.NOTE)

    def _apart(self, container: Any, part: str) -> list[Item]:
        """Read a story of its own: its fields and page breaks are not those of the text around it."""
        kept = self._reader, self._carried, self._new_page
        self._reader, self._carried = self._reader_of(part), ""
        try:
            return list(self._items_in(container))
        finally:
            self._reader, self._carried, self._new_page = kept

    def _table(self, table: Any) -> Iterator[Item]:
        cells = cells_of(table)
        if len(cells) == 1:
            # A frame around a passage, which may have headings and lists.
            yield from self._items_in(cells[0])
            return
        after: list[Item] = []
        new_page = self._take_new_page()
        rows = rows_of(table, lambda cell: self._cell(cell, after), self._writer)
        if any(cell.strip() for row in rows for cell in row):
            yield Item("", kind=ItemKind.TABLE, new_page=new_page, rows=tuple(map(tuple, rows)))
        yield from after

    def _cell(self, cell: Any, after: list[Item]) -> str:
        kept, self._reader.in_line = self._reader.in_line, True
        try:
            items = list(self._items_in(cell))
        finally:
            self._reader.in_line = kept
        after += [item for item in items if item.kind is ItemKind.NOTE]
        self._new_page = False
        return text_of_items([item for item in items if item.kind is not ItemKind.NOTE])

    def _inserted_items(self, chunk: Any) -> Iterator[Item]:
        for block in inserted_blocks(chunk, self._package, self._main, self._writer, self._inserted_document):
            yield Item(block.text, block.level, new_page=block.new_page or self._take_new_page())

    def _inserted_document(self, package: OfficePackage) -> Iterator[Block]:
        if self._inserted >= _MAX_INSERTED:
            self._writer.warn("objects_lost")
            return iter(())
        return WordDocument(package, self._writer, self._read_picture, self._inserted + 1).blocks()

    def _warn_of_hidden(self, element: Any) -> None:
        if any((text.text or "").strip() for text in element.iter(TEXT, f"{W}delText")):
            self._writer.warn("hidden_text_removed")


def _joins_next(properties: Any) -> bool:
    """Whether a paragraph goes on in the next: a dropped capital, or its end was deleted with changes tracked."""
    frame = properties.find(f"{W}framePr")
    if frame is not None and frame.get(f"{W}dropCap") in ("drop", "margin"):
        return True
    mark = properties.find(RUN_PR)
    return mark is not None and any(mark.find(tag) is not None for tag in DELETED)


def _has_hidden_mark(properties: Any) -> bool:
    mark = properties.find(RUN_PR)
    return mark is not None and bool(is_set(mark, "vanish"))


def _section_breaks(body: Any) -> list[bool]:
    """Return for each end of a section whether the next one begins a page, which that one says itself."""
    sections = [section for section in body.iter(SECTION) if section.getparent().tag in (P_PR, body.tag)]
    return [value_of(section, "type") not in _SAME_PAGE for section in sections[1:]]
