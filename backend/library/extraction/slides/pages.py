"""Reads a PowerPoint file with python-pptx: one page per slide, with tables, groups and notes."""

from collections.abc import Iterator
from typing import Any
from zipfile import BadZipFile

from pptx import Presentation
from pptx.exc import PackageNotFoundError
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.page_writer import PageWriter

_DIAGRAM_DATA = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/diagramData"


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write each slide of the file at ``path``. Raises UnreadableFile(damaged, unsupported, too_large)."""
    try:
        presentation = Presentation(path)
        slides = list(presentation.slides)
    except (PackageNotFoundError, BadZipFile, KeyError):
        raise UnreadableFile("damaged") from None
    except ValueError:
        raise UnreadableFile("unsupported") from None
    writer.expect(len(slides))
    for slide in slides:
        _write_slide(slide, writer)


def _write_slide(slide: Any, writer: PageWriter) -> None:
    title = slide.shapes.title
    heading = title.text_frame.text if title is not None else None
    # The title first, wherever it is in the stack of shapes; the rest in the order of the stack.
    shapes = sorted(_visible_shapes(slide.shapes, writer), key=lambda shape: title is None or shape is not title)
    parts = [heading or ""]
    parts += [_text_of(shape) for shape in shapes if title is None or shape.shape_id != title.shape_id]
    parts += _diagram_texts(slide)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        parts.append(_lines(slide.notes_slide.notes_text_frame.text))
    text = "\n\n".join(part.strip("\n") for part in parts if part.strip())
    has_picture = any(shape._element.tag == qn("p:pic") for shape in shapes)
    writer.write(text, heading, skipped="not_readable" if has_picture and not text.strip() else None)


def _visible_shapes(shapes: Any, writer: PageWriter) -> Iterator[Any]:
    """Yield the visible shapes, those of a group in the group's place; without recursion."""
    stack = list(shapes)[::-1]
    while stack:
        shape = stack.pop()
        if shape._element._nvXxPr.cNvPr.get("hidden") in ("1", "true"):
            if _text_of(shape).strip():
                writer.warn("hidden_text_removed")
        elif shape._element.tag == qn("p:grpSp"):
            stack.extend(list(shape.shapes)[::-1])
        else:
            yield shape


def _text_of(shape: Any) -> str:
    if getattr(shape, "has_table", False) and shape.has_table:
        rows = ([" ".join(cell.text.split()) for cell in row.cells] for row in shape.table.rows)
        return "\n".join(" | ".join(cell for cell in row if cell) for row in rows)
    return _lines(shape.text_frame.text) if shape.has_text_frame else ""


def _lines(text: str) -> str:
    # PowerPoint's line break inside a paragraph is a vertical tab.
    return text.replace("\v", "\n")


def _diagram_texts(slide: Any) -> list[str]:
    """Return the texts of SmartArt, which are stored in separate parts."""
    texts = []
    for relation in slide.part.rels.values():
        if relation.reltype == _DIAGRAM_DATA and not relation.is_external:
            points = parse_xml(relation.target_part.blob).iter(qn("a:p"))
            texts.append("\n".join("".join(node.text or "" for node in point.iter(qn("a:t"))) for point in points))
    return texts
