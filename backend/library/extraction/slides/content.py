"""The text of one shape: a text box, a picture, a table, a chart, a diagram or an embedded object."""

from collections.abc import Callable
from typing import Any, Final

from backend.library.extraction import page_text
from backend.library.extraction.drawings.alt_text import description, image_text, is_decorative, picture_text
from backend.library.extraction.drawings.bodies import ListStyle, body_text
from backend.library.extraction.drawings.charts import chart_text
from backend.library.extraction.drawings.diagrams import diagram_text
from backend.library.extraction.drawings.names import CX, DGM, A, C, P, R
from backend.library.extraction.drawings.paragraphs import Warn, is_furniture, is_invisible, texts_of
from backend.library.extraction.drawings.tables import table_text
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.slides.latex_pictures import latex_picture_text
from backend.library.extraction.slides.pictures import Picture, fill_of, picture_part
from backend.library.extraction.slides.shapes import properties_of

_EQUATIONS: Final = ("equation", "mathtype")
_MEDIA: Final = (f".//{A}videoFile", f".//{A}audioFile", f".//{A}wavAudioFile", f".//{A}quickTimeFile")


class SlideContent:
    """Reads the shapes of one slide, or of its notes."""

    def __init__(self, package: OfficePackage, part: str, warn: Warn) -> None:
        self._package = package
        self._part = part
        self._warn = warn

    def text(self, shape: Any, style: ListStyle) -> str:
        """Return the text of a shape in the notation of ``page_text``; a picture's description if it has no other."""
        if shape.tag == P + "graphicFrame":
            return self._frame_text(shape)
        if shape.tag == P + "contentPart":
            # Handwriting.
            self._warn("objects_lost")
            return ""
        if shape.tag not in (P + "pic", P + "sp", P + "cxnSp"):
            return texts_of(shape)
        body = shape.find(P + "txBody")
        text = "" if body is None else self._body_text(shape, body, style)
        return text or self._picture_text(shape)

    def _picture_text(self, shape: Any) -> str:
        """Return the formula that a picture shows if it carries its source, else the picture's description."""
        properties = properties_of(shape)
        if properties is None:
            return ""
        source = latex_picture_text(shape, properties.get("descr", ""), self._part, self._package)
        return source or picture_text(description(properties))

    def picture(self, shape: Any, share: float) -> Picture | None:
        """Return the picture that a shape shows, unless it is marked as an ornament."""
        fill = fill_of(shape)
        properties = properties_of(shape)
        if fill is None or (properties is not None and is_decorative(properties)):
            return None
        if any(shape.find(path) is not None for path in _MEDIA):
            self._warn("objects_lost")
        return Picture(picture_part(fill, self._part, self._package), share, bool(self._picture_text(shape)))

    def _description(self, shape: Any) -> str:
        properties = properties_of(shape)
        return "" if properties is None else description(properties)

    def _body_text(self, shape: Any, body: Any, style: ListStyle) -> str:
        paragraphs = list(body.iter(A + "p"))
        if is_furniture(paragraphs):
            return ""
        if fill_of(shape) is not None and _is_picture_of_formula(paragraphs):
            self._warn("formulas_lost")
            return page_text.MISSING_FORMULA
        return body_text(body, style, self._warn)

    def _frame_text(self, frame: Any) -> str:
        alt = image_text(self._description(frame))
        table = frame.find(f".//{A}tbl")
        if table is not None:
            return table_text(table, self._warn)
        for chart in frame.iter(C + "chart", CX + "chart"):
            return self._related(chart.get(R + "id"), chart_text) or alt
        for diagram in frame.iter(DGM + "relIds"):
            return self._related(diagram.get(R + "dm"), diagram_text) or alt
        for embedded in frame.iter(P + "oleObj"):
            if embedded.get("progId", "").lower().startswith(_EQUATIONS):
                self._warn("formulas_lost")
                return page_text.MISSING_FORMULA
            self._warn("objects_lost")
            return alt
        text = texts_of(frame)
        if not text and not _is_zoom(frame):
            self._warn("objects_lost")
        return text or alt

    def _related(self, name: str | None, read: Callable[[Any, Warn], str]) -> str:
        """Return what ``read`` makes of a related part. One that is missing or damaged is a lost object."""
        relation = self._package.relations(self._part).get(name or "")
        if relation is not None and relation.part is not None:
            try:
                return read(self._package.parse(relation.part), self._warn)
            except UnreadableFile as error:
                if error.code != "damaged":
                    raise
        self._warn("objects_lost")
        return ""


def _is_picture_of_formula(paragraphs: list[Any]) -> bool:
    """Whether a filled shape has only an invisible blank: so PowerPoint keeps formulas for programs without them."""
    runs = [run for paragraph in paragraphs for run in paragraph.iter(A + "r")]
    blank = not "".join(node.text or "" for run in runs for node in run.iter(A + "t")).strip()
    properties = [run.find(A + "rPr") for run in runs]
    return blank and bool(runs) and all(one is not None and is_invisible(one) for one in properties)


def _is_zoom(frame: Any) -> bool:
    """Whether a frame shows another slide in small, which is read in its own place."""
    return any("zoom" in node.tag.rpartition("}")[0] for node in frame.iter("*"))
