"""What is drawn or embedded in a run: pictures, text boxes, diagrams, charts, formulas of other programs."""

import re
from collections.abc import Iterator
from typing import Any

from backend.library.extraction.drawings.alt_text import description, is_decorative, picture_text, real_description
from backend.library.extraction.drawings.charts import chart_text
from backend.library.extraction.drawings.diagrams import diagram_text
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_text import MISSING_FORMULA, remove_marks
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.word.names import BOX, TEXT, R, chosen_branch, local_name
from backend.library.extraction.word.pictures import Picture, PictureReader, drawn_picture, old_picture

_FORMULA_PROGRAM = re.compile(r"equation|mathtype", re.IGNORECASE)
# An object names its program, or is a control of a form.
_DRAWINGS = frozenset({"inline", "anchor"})
_NAMED_OBJECTS = frozenset({"OLEObject", "control"})


class Objects:
    """Reads the drawings and objects of one part."""

    def __init__(
        self,
        package: OfficePackage,
        part: str,
        writer: PageWriter,
        page_area: float,
        read_picture: PictureReader | None = None,
    ) -> None:
        """Take the package, the part whose relations the objects name, and how pictures that fill a page are read."""
        self._package = package
        self._part = part
        self._writer = writer
        self._page_area = page_area
        self._read_picture = read_picture
        self._follows_text = False

    def read(self, element: Any, *, follows_text: bool = False) -> tuple[str, list[Any], list[str]]:
        """Return what stands in the line, the text boxes (``w:txbxContent``), and texts of their own after the line.

        ``follows_text``: there is text in the line before the element.
        """
        self._follows_text = follows_text
        inline: list[str] = []
        boxes: list[Any] = []
        blocks: list[str] = []
        names = {local_name(node) for node in element.iter()}
        is_named = not names.isdisjoint(_NAMED_OBJECTS)
        for node in shown_nodes(element):
            name = local_name(node)
            if is_hidden(node):
                self._warn_of_hidden(node)
            elif node.tag == BOX:
                boxes.append(node)
            elif name == "OLEObject" or (name == "object" and not is_named):
                inline.append(self._object(node.get("ProgID", "")))
            elif name in ("control", "contentPart"):
                self._writer.warn("objects_lost")
            elif name in _DRAWINGS:
                inline.append(self._drawing(node, blocks))
            elif name == "imagedata" and not is_named:
                inline.append(self._old_drawing(node.getparent(), blocks))
            elif name == "textpath":
                blocks.append(remove_marks(node.get("string", "")).strip())
            elif name == "relIds":
                blocks.append(self._related(node.get(f"{R}dm"), is_chart=False))
            elif name == "chart":
                blocks.append(self._related(node.get(f"{R}id"), is_chart=True))
        return " ".join(filter(None, inline)), boxes, [block for block in blocks if block]

    def _warn_of_hidden(self, node: Any) -> None:
        if any((text.text or "").strip() for text in node.iter(TEXT)):
            self._writer.warn("hidden_text_removed")

    def _object(self, program: str) -> str:
        """Return what stands for an object. One that does not name its program was most likely a formula."""
        if not program or _FORMULA_PROGRAM.search(program):
            self._writer.warn("formulas_lost")
            return MISSING_FORMULA
        self._writer.warn("objects_lost")
        return ""

    def _drawing(self, node: Any, blocks: list[str]) -> str:
        """Return the description of a drawing."""
        described = next((child for child in node if local_name(child) == "docPr"), None)
        text = description(described) if described is not None else ""
        if not text:
            inner = (description(child) for child in shown_nodes(node) if local_name(child) == "cNvPr")
            text = " ".join(filter(None, inner))
        picture = drawn_picture(node, self._package, self._part)
        if picture is not None and not (described is not None and is_decorative(described)):
            return self._look_at(picture, text, blocks) or picture_text(text)
        return picture_text(text)

    def _old_drawing(self, shape: Any, blocks: list[str]) -> str:
        text = real_description(shape.get("alt", ""))
        picture = old_picture(shape, self._package, self._part)
        if picture is not None:
            return self._look_at(picture, text, blocks) or picture_text(text)
        return picture_text(text)

    def _look_at(self, picture: Picture, described: str, blocks: list[str]) -> str:
        """Read a picture that fills a page; of one whose text nobody reads or describes, warn.

        Returns what stands in the line for a picture that was a formula.
        """
        if not described and picture.may_be_formula:
            # An old formula of which only the picture is left.
            self._writer.warn("formulas_lost")
            return MISSING_FORMULA
        text = ""
        if self._read_picture is not None and picture.part is not None and picture.fills_page(self._page_area):
            content = self._package.read_picture(picture.part)
            text = self._read_picture(content, picture.width, picture.height) if content is not None else ""
        if text:
            blocks.append(text)
        elif not described and (picture.may_have_text or (self._follows_text and picture.is_word)):
            self._writer.warn("pictures_not_read")
        return ""

    def _related(self, identifier: str | None, *, is_chart: bool) -> str:
        """Return the text of a chart or diagram, which is in another part."""
        relation = self._package.relations(self._part).get(identifier or "")
        if relation is None or relation.part is None:
            self._writer.warn("objects_lost")
            return ""
        root = self._package.parse(relation.part)
        return chart_text(root, self._writer.warn) if is_chart else diagram_text(root, self._writer.warn)


def is_hidden(node: Any) -> bool:
    """Whether an element is a drawing or an old shape that its author made invisible."""
    if local_name(node) in _DRAWINGS:
        return any(local_name(child) == "docPr" and child.get("hidden") in ("1", "true") for child in node)
    return "visibility:hidden" in node.get("style", "").replace(" ", "")


def shown_nodes(element: Any) -> Iterator[Any]:
    """Yield the elements of a drawing in order: of alternatives the first, nothing within a box or a hidden shape."""
    stack = [element]
    while stack:
        node = stack.pop()
        if not isinstance(node.tag, str):
            continue
        yield node
        if node.tag == BOX or is_hidden(node):
            continue
        stack.extend(reversed(chosen_branch(node) if local_name(node) == "AlternateContent" else list(node)))
