"""What is drawn or embedded in a run: pictures, text boxes, diagrams, charts, formulas of other programs."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_text import MISSING_FORMULA, remove_marks
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.word.names import BOX, R, local_name

_EMU_PER_CM = 360_000
_MIN_SIDE_EMU = 2 * _EMU_PER_CM
_MIN_AREA_CM2 = 30
_FORMULA_PROGRAM = re.compile(r"equation|mathtype", re.IGNORECASE)
# Alternative texts that say nothing: a file's name, or the sentence that Word adds to its own descriptions.
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|webp|heic)", re.IGNORECASE)
_GENERATED = re.compile(
    r"\s*(?:Description automatically generated(?: with \w+ confidence)?|Automatisch generierte Beschreibung"
    r"|Description générée automatiquement|Descrizione generata automaticamente)\.?\s*",
    re.IGNORECASE,
)


class Picture(NamedTuple):
    """A picture at its place: the part that has it, and the size at which it is shown, in EMU (914,400 an inch)."""

    part: str
    width: int
    height: int


class Objects:
    """Reads the drawings and objects of one part."""

    def __init__(self, package: OfficePackage, part: str, writer: PageWriter) -> None:
        """Take the package, the part whose relations the objects name, and where warnings go."""
        self._package = package
        self._part = part
        self._writer = writer

    def read(self, element: Any) -> tuple[str, list[Any], list[str]]:
        """Return what stands in the line, the text boxes (``w:txbxContent``), and texts of their own after the line."""
        inline: list[str] = []
        boxes: list[Any] = []
        blocks: list[str] = []
        for node in shown_nodes(element):
            name = local_name(node)
            if node.tag == BOX:
                boxes.append(node)
            elif name == "OLEObject":
                inline.append(self._object(node.get("ProgID", "")))
            elif name == "object" and not any(local_name(child) == "OLEObject" for child in node.iter()):
                inline.append(self._object(""))
            elif name in ("inline", "anchor"):
                inline.append(self._alternative(node))
            elif name == "textpath":
                blocks.append(remove_marks(node.get("string", "")).strip())
            elif name == "relIds":
                blocks += self._diagram(node)
            elif name == "chart":
                self._writer.warn("objects_lost")
        return " ".join(filter(None, inline)), boxes, [block for block in blocks if block]

    def _object(self, program: str) -> str:
        """Return what stands for an object. One that does not name its program was most likely a formula."""
        if not program or _FORMULA_PROGRAM.search(program):
            self._writer.warn("formulas_lost")
            return MISSING_FORMULA
        self._writer.warn("objects_lost")
        return ""

    def _alternative(self, node: Any) -> str:
        """Return the alternative text of a drawing that is a picture."""
        described = next((child for child in node if local_name(child) == "docPr"), None)
        is_picture = any(local_name(child) == "pic" for child in node.iter())
        text = alternative_text(described) if described is not None else ""
        if is_picture and not text and _is_large(node):
            self._writer.warn("pictures_not_read")
        return f"[image: {text}]" if text else ""

    def _diagram(self, node: Any) -> list[str]:
        relation = self._package.relations(self._part).get(node.get(f"{R}dm", ""))
        if relation is None or relation.part is None:
            self._writer.warn("objects_lost")
            return []
        texts = []
        for point in self._package.parse(relation.part).iter():
            if local_name(point) == "pt":
                text = "".join(run.text or "" for run in point.iter() if local_name(run) == "t")
                if text.strip():
                    texts.append(f"- {' '.join(text.split())}")
        if texts:
            self._writer.warn("charts_as_tables")
        return ["\n".join(texts)]


def alternative_text(described: Any) -> str:
    """Return the alternative text of an element such as ``wp:docPr`` on one line, if it says something."""
    text = _GENERATED.sub("", remove_marks(described.get("descr") or described.get("title") or ""))
    text = " ".join(text.split())
    return "" if _FILE_NAME.fullmatch(text) else text


def shown_nodes(element: Any) -> Iterator[Any]:
    """Yield the elements of a drawing in order: of alternatives the first, and nothing within a text box."""
    stack = [element]
    while stack:
        node = stack.pop()
        if not isinstance(node.tag, str):
            continue
        yield node
        name = local_name(node)
        if node.tag == BOX:
            continue
        children = list(node)
        if name == "AlternateContent":
            choices = [child for child in children if local_name(child) == "Choice"]
            children = choices[:1] or children
        stack.extend(reversed(children))


def _is_large(node: Any) -> bool:
    """Whether a picture is shown so large that it may have text to read."""
    extent = next((child for child in node if local_name(child) == "extent"), None)
    if extent is None:
        return True
    try:
        width, height = int(extent.get("cx", "0")), int(extent.get("cy", "0"))
    except ValueError:
        return True
    area = width * height / _EMU_PER_CM**2
    return min(width, height) >= _MIN_SIDE_EMU and area >= _MIN_AREA_CM2
