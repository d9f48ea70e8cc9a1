"""Reads a Word file with python-docx: visible text in document order, with tables and footnotes."""

from collections.abc import Iterator
from typing import Any, Final
from zipfile import BadZipFile

from docx import Document
from docx.document import Document as WordDocument
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import parse_xml
from docx.oxml.ns import nsmap, qn

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block, pages_of_blocks

_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_FOOTNOTES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
_TEXT_BY_TAG: Final = {
    qn("w:tab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "\u2011",
}
# Text that was deleted or moved with changes tracked is still in the file.
_DELETED = frozenset({qn("w:del"), qn("w:moveFrom")})
# A fallback repeats a text box for old programs; the properties of a run contain tab stops, not tabs.
_SKIPPED = frozenset({_FALLBACK, qn("w:pPr"), qn("w:rPr"), qn("w:instrText"), qn("w:sectPr"), qn("w:tblPr")})
_OFF = frozenset({"0", "false", "off"})


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text of the Word file at ``path`` in pages. Raises UnreadableFile(damaged, unsupported)."""
    try:
        document = Document(path)
    except (PackageNotFoundError, BadZipFile, KeyError):
        raise UnreadableFile("damaged") from None
    except ValueError:
        # A template, or a file with macros, renamed to .docx.
        raise UnreadableFile("unsupported") from None
    for heading, text in pages_of_blocks(_WordText(document, writer).blocks()):
        writer.write(text, heading)


class _WordText:
    """Walks the XML itself: python-docx's paragraphs leave out text boxes, controls and insertions."""

    def __init__(self, document: WordDocument, writer: PageWriter) -> None:
        self._document = document
        self._writer = writer
        self._heading_level: dict[str, int] = {}
        self._hidden_styles: set[str] = set()
        for style in document.styles.element.iterchildren(qn("w:style")):
            self._learn_style(style)

    def blocks(self) -> Iterator[Block]:
        """Yield paragraphs, headings and tables in order, then the footnotes."""
        yield from self._blocks_in(self._document.element.body)
        for relation in self._document.part.rels.values():
            if relation.reltype == _FOOTNOTES and not relation.is_external:
                for note in parse_xml(relation.target_part.blob).iterchildren(qn("w:footnote")):
                    yield from self._blocks_in(note)

    def _blocks_in(self, container: Any) -> Iterator[Block]:
        for child in container.iterchildren():
            if child.tag == qn("w:p"):
                yield Block(self._text_of(child), self._level_of(child))
            elif child.tag == qn("w:tbl"):
                yield Block("\n".join(self._rows_of(child)))
            elif child.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml")):
                yield from self._blocks_in(child)

    def _rows_of(self, table: Any) -> Iterator[str]:
        for row in table.iterchildren(qn("w:tr")):
            cells = (" ".join(self._text_of(cell).split()) for cell in row.iterchildren(qn("w:tc")))
            yield " | ".join(cell for cell in cells if cell)

    def _text_of(self, element: Any) -> str:
        """Return the visible text below ``element``; without recursion, because nesting may be deep."""
        parts: list[str] = []
        stack = [element]
        while stack:
            node = stack.pop()
            if node is None:
                parts.append("\n")
            elif node.tag in _DELETED or (node.tag == qn("w:r") and self._is_hidden(node)):
                if any(text.text for text in node.iter(qn("w:t"), qn("w:delText"))):
                    self._writer.warn("hidden_text_removed")
            elif node.tag in (qn("w:t"), _MATH + "t"):
                parts.append(node.text or "")
            elif node.tag in _TEXT_BY_TAG:
                parts.append(_TEXT_BY_TAG[node.tag])
            elif node.tag not in _SKIPPED:
                if node.tag == qn("w:p") and node is not element:
                    # Paragraphs of a cell or a text box: one line each.
                    stack.append(None)
                stack.extend(node.iterchildren(reversed=True))
        return "".join(parts)

    def _level_of(self, paragraph: Any) -> int:
        properties = paragraph.find(qn("w:pPr"))
        if properties is None:
            return 0
        style = properties.find(qn("w:pStyle"))
        level = self._heading_level.get(style.get(qn("w:val"), ""), 0) if style is not None else 0
        return _outline_level(properties) or level

    def _is_hidden(self, run: Any) -> bool:
        properties = run.find(qn("w:rPr"))
        if properties is None:
            return False
        own = properties.find(qn("w:vanish"))
        if own is not None:
            return own.get(qn("w:val"), "true") not in _OFF
        style = properties.find(qn("w:rStyle"))
        return style is not None and style.get(qn("w:val")) in self._hidden_styles

    def _learn_style(self, style: Any) -> None:
        identifier, name = style.get(qn("w:styleId"), ""), style.find(qn("w:name"))
        label = (name.get(qn("w:val"), "") if name is not None else "").lower()
        properties = style.find(qn("w:pPr"))
        level = _outline_level(properties) if properties is not None else 0
        # Word stores the name in English in every language, but not the id.
        if label.startswith("heading ") and label[8:].isdigit():
            level = int(label[8:])
        elif label == "title":
            level = 1
        if level:
            self._heading_level[identifier] = level
        if any(mark.get(qn("w:val"), "true") not in _OFF for mark in style.iterfind("w:rPr/w:vanish", nsmap)):
            self._hidden_styles.add(identifier)


def _outline_level(properties: Any) -> int:
    """Return 1–6 for a paragraph that its properties put in the outline, else 0."""
    outline = properties.find(qn("w:outlineLvl"))
    value = outline.get(qn("w:val"), "") if outline is not None else ""
    return int(value) + 1 if value.isdigit() and int(value) < 6 else 0
