"""What is drawn or embedded in a document: formulas, pictures, text boxes, charts, sheets."""

from typing import Any, Final

from backend.library.extraction.drawings.alt_text import image_text, real_description
from backend.library.extraction.drawings.paragraphs import Warn
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formulas.mathml import mathml_to_latex
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.opendocument.names import CHART, DRAW, MATH, OFFICE, SVG, TABLE, TEXT, XLINK
from backend.library.extraction.opendocument.tables import sheet_rows
from backend.library.extraction.page_text import MISSING_FORMULA, formula, remove_marks, table, uncertain
from backend.library.extraction.slides.geometry import measure

_MAX_CELLS: Final = 2_000
# A smaller picture is an ornament or a logo.
_MIN_SIDE_EMU: Final = 2 * 360_000
_MIN_AREA_EMU: Final = 30 * 360_000**2
_SHAPES_WITH_TEXT: Final = f".//{TEXT}p", f".//{TEXT}h"


class Objects:
    """Reads the objects of one document."""

    def __init__(self, package: OfficePackage, warn: Warn, *, warns_of_pictures: bool) -> None:
        """Take ``warns_of_pictures`` unless the caller looks at pictures itself, as it does for slides."""
        self._package = package
        self._warn = warn
        self._warns_of_pictures = warns_of_pictures

    def read(self, drawing: Any) -> tuple[str, list[Any]]:
        """Return what stands in the line for a drawing, and the elements of it that hold paragraphs or a table."""
        shown: list[str] = []
        boxes: list[Any] = []
        stack = [drawing]
        while stack:
            node = stack.pop()
            if node.tag == DRAW + "frame":
                # A frame has the same content several times; the first is the best.
                text, box = self._frame(node)
                shown.append(text)
                boxes += box
            elif node.tag in (DRAW + "g", DRAW + "a"):
                stack.extend(node.iterchildren("*", reversed=True))
            elif any(node.find(path) is not None for path in _SHAPES_WITH_TEXT):
                boxes.append(node)
            elif node.tag.startswith(DRAW):
                shown.append(image_text(description_of(node)))
        return "".join(shown), boxes

    def _frame(self, frame: Any) -> tuple[str, list[Any]]:
        alt = image_text(description_of(frame))
        for content in frame.iterchildren("*"):
            if content.tag in (DRAW + "text-box", TABLE + "table"):
                return "", [content]
            if content.tag == DRAW + "object":
                return self._object(content) or alt, []
            if content.tag in (DRAW + "object-ole", DRAW + "plugin", DRAW + "applet", DRAW + "floating-frame"):
                self._warn("objects_lost")
                return alt, []
            if content.tag == DRAW + "image":
                if self._warns_of_pictures and not alt and _is_large(frame):
                    self._warn("pictures_not_read")
                return alt, []
        return alt, []

    def picture_part(self, image: Any) -> str | None:
        """Return the part of a ``draw:image`` or ``draw:fill-image``, or None if it is not in the file."""
        return self._package.find("", image.get(XLINK + "href", ""))

    def _object(self, element: Any) -> str:
        """Return the text of an embedded object: a formula in the line, others on lines of their own."""
        root = next(element.iterchildren(MATH + "math", OFFICE + "document"), None)
        if root is None:
            root = self._part(element.get(XLINK + "href", ""))
        if root is None:
            self._warn("objects_lost")
            return ""
        if root.tag == MATH + "math":
            return self._formula(root)
        chart = next(root.iter(CHART + "chart"), None)
        sheet = next(root.iter(OFFICE + "spreadsheet"), None)
        if chart is not None:
            self._warn("charts_as_tables")
            titles = [
                remove_marks(" ".join("".join(title.itertext()).split()))
                for title in chart.iter(CHART + "title", CHART + "subtitle")
            ]
            return self._figures(chart, titles)
        if sheet is not None:
            self._warn("inserted_documents_read")
            return self._figures(sheet, [])
        self._warn("objects_lost")
        return ""

    def _figures(self, holder: Any, titles: list[str]) -> str:
        rows: list[list[str]] = []
        for found in holder.iter(TABLE + "table"):
            rows = sheet_rows(found, _MAX_CELLS)
            break
        if not rows:
            self._warn("objects_lost")
        parts = [*titles, table(rows)]
        return "\n\n".join(part for part in parts if part)

    def _formula(self, math: Any) -> str:
        latex = mathml_to_latex(math)
        if latex.strip():
            return formula(latex)
        source = "".join(text for note in math.iter(MATH + "annotation") for text in note.itertext()).strip()
        if source:
            self._warn("formulas_uncertain")
            return uncertain(remove_marks(" ".join(source.split())))
        if "".join(math.itertext()).strip():
            self._warn("formulas_lost")
            return MISSING_FORMULA
        return ""

    def _part(self, href: str) -> Any | None:
        """Return the root element of an embedded object; None if it is missing or damaged."""
        part = self._package.find("", f"{href}/content.xml")
        try:
            return None if part is None else self._package.parse(part)
        except UnreadableFile as error:
            if error.code != "damaged":
                raise
            return None


def _is_large(frame: Any) -> bool:
    """Whether a picture has room for text; one that does not say its size has."""
    sides = [measure(frame.get(SVG + side)) for side in ("width", "height")]
    width, height = (_MIN_AREA_EMU if side is None else side for side in sides)
    return min(width, height) >= _MIN_SIDE_EMU and width * height >= _MIN_AREA_EMU


def description_of(drawing: Any) -> str:
    """Return what somebody wrote about a picture or a shape."""
    for name in ("desc", "title"):
        found = drawing.find(SVG + name)
        if found is not None:
            return real_description("".join(found.itertext()))
    return ""
