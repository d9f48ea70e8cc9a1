"""Writes PowerPoint files as XML, with exactly what a test wants in them."""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

NAMESPACES = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
)
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.presentationml"
WIDTH, HEIGHT = 9_144_000, 6_858_000
CM = 360_000

_BULLETS = "".join(
    f'<a:lvl{level}pPr><a:buFont typeface="Arial"/><a:buChar char="&#8226;"/></a:lvl{level}pPr>'
    for level in range(1, 6)
)
_MASTER = (
    f"<p:sldMaster {NAMESPACES}><p:cSld><p:spTree>"
    '<p:sp><p:nvSpPr><p:cNvPr id="2" name="Title"/><p:cNvSpPr/><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr>'
    '<p:spPr><a:xfrm><a:off x="457200" y="274638"/><a:ext cx="8229600" cy="1143000"/></a:xfrm></p:spPr>'
    "<p:txBody><a:bodyPr/><a:lstStyle/><a:p/></p:txBody></p:sp>"
    '<p:sp><p:nvSpPr><p:cNvPr id="3" name="Body"/><p:cNvSpPr/><p:nvPr><p:ph type="body" idx="1"/></p:nvPr></p:nvSpPr>'
    '<p:spPr><a:xfrm><a:off x="457200" y="1600200"/><a:ext cx="8229600" cy="4525963"/></a:xfrm></p:spPr>'
    "<p:txBody><a:bodyPr/><a:lstStyle/><a:p/></p:txBody></p:sp>"
    "</p:spTree></p:cSld><p:txStyles><p:titleStyle/>"
    f"<p:bodyStyle>{_BULLETS}</p:bodyStyle><p:otherStyle/></p:txStyles></p:sldMaster>"
)
# Two halves side by side: the left one has the index 1, the right one 2.
_LAYOUT = (
    f'<p:sldLayout {NAMESPACES} type="twoObj"><p:cSld><p:spTree>'
    '<p:sp><p:nvSpPr><p:cNvPr id="2" name="Title"/><p:cNvSpPr/><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr>'
    "<p:spPr/></p:sp>"
    '<p:sp><p:nvSpPr><p:cNvPr id="3" name="Left"/><p:cNvSpPr/><p:nvPr><p:ph idx="1"/></p:nvPr></p:nvSpPr>'
    '<p:spPr><a:xfrm><a:off x="457200" y="1600200"/><a:ext cx="4038600" cy="4525963"/></a:xfrm></p:spPr></p:sp>'
    '<p:sp><p:nvSpPr><p:cNvPr id="4" name="Right"/><p:cNvSpPr/><p:nvPr><p:ph idx="2"/></p:nvPr></p:nvSpPr>'
    '<p:spPr><a:xfrm><a:off x="4648200" y="1600200"/><a:ext cx="4038600" cy="4525963"/></a:xfrm></p:spPr></p:sp>'
    "</p:spTree></p:cSld></p:sldLayout>"
)
Place = tuple[float, float, float, float]


def transform(place: Place | None, tag: str = "a:xfrm", inner: Place | None = None) -> str:
    """Return a transform; ``place`` is left, top, width and height in centimetres, ``inner`` those in a group."""
    if place is None:
        return ""
    left, top, width, height = (round(value * CM) for value in place)
    child = ""
    if inner is not None:
        x, y, cx, cy = (round(value * CM) for value in inner)
        child = f'<a:chOff x="{x}" y="{y}"/><a:chExt cx="{cx}" cy="{cy}"/>'
    return f'<{tag}><a:off x="{left}" y="{top}"/><a:ext cx="{width}" cy="{height}"/>{child}</{tag}>'


def run(text: str, properties: str = "", inner: str = "") -> str:
    """Return a run; ``properties`` are attributes, ``inner`` children of its ``rPr``."""
    return f"<a:r><a:rPr {properties}>{inner}</a:rPr><a:t>{text}</a:t></a:r>"


def paragraph(*runs: str, properties: str = "", level: int = 0) -> str:
    """Return a paragraph of runs; text without markup becomes a run."""
    content = "".join(one if one.startswith("<") else run(one) for one in runs)
    return f'<a:p><a:pPr lvl="{level}">{properties}</a:pPr>{content}</a:p>'


def body(*paragraphs: str, tag: str = "p:txBody") -> str:
    """Return a text body; what is not a paragraph yet becomes one."""
    content = "".join(one if one.startswith("<a:p>") else paragraph(one) for one in paragraphs)
    return f"<{tag}><a:bodyPr/><a:lstStyle/>{content}</{tag}>"


def shape(
    *paragraphs: str,
    at: Place | None = None,
    placeholder: str = "",
    attributes: str = "",
    fill: str = "",
    tag: str = "sp",
) -> str:
    """Return a shape; ``placeholder`` are attributes of its ``p:ph``, ``attributes`` those of its ``p:cNvPr``."""
    mark = f"<p:ph {placeholder}/>" if placeholder else ""
    text = body(*paragraphs) if paragraphs else ""
    return (
        f'<p:{tag}><p:nvSpPr><p:cNvPr id="9" name="Shape" {attributes}/><p:cNvSpPr/><p:nvPr>{mark}</p:nvPr></p:nvSpPr>'
        f"<p:spPr>{transform(at)}{fill}</p:spPr>{text}</p:{tag}>"
    )


def title(*paragraphs: str) -> str:
    """Return the title of a slide."""
    return shape(*paragraphs, placeholder='type="title"')


def picture(relation: str, at: Place, attributes: str = "") -> str:
    """Return a picture."""
    return (
        f'<p:pic><p:nvPicPr><p:cNvPr id="9" name="Picture 8" {attributes}/><p:cNvPicPr/><p:nvPr/></p:nvPicPr>'
        f'<p:blipFill><a:blip r:embed="{relation}"/></p:blipFill><p:spPr>{transform(at)}</p:spPr></p:pic>'
    )


def group(*shapes: str, at: Place, inner: Place | None = None, attributes: str = "") -> str:
    """Return a group."""
    return (
        f'<p:grpSp><p:nvGrpSpPr><p:cNvPr id="9" name="Group" {attributes}/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr>'
        f"<p:grpSpPr>{transform(at, inner=inner or at)}</p:grpSpPr>{''.join(shapes)}</p:grpSp>"
    )


def frame(content: str, at: Place = (2, 6, 20, 8), attributes: str = "") -> str:
    """Return a frame for a table, a chart, a diagram or an object."""
    return (
        f'<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="9" name="Frame" {attributes}/><p:cNvGraphicFramePr/>'
        f"<p:nvPr/></p:nvGraphicFramePr>{transform(at, 'p:xfrm')}"
        f"<a:graphic><a:graphicData>{content}</a:graphicData></a:graphic></p:graphicFrame>"
    )


def table(*rows: list[str], properties: str = 'firstRow="1"') -> str:
    """Return a table; a cell is text, or ``(attributes, text)``."""
    lines = []
    for row in rows:
        cells = [cell if isinstance(cell, tuple) else ("", cell) for cell in row]
        lines.append("".join(f"<a:tc {attributes}>{body(text, tag='a:txBody')}</a:tc>" for attributes, text in cells))
    content = "".join(f'<a:tr h="1">{line}</a:tr>' for line in lines)
    return f"<a:tbl><a:tblPr {properties}/><a:tblGrid/>{content}</a:tbl>"


@dataclass
class Deck:
    """A presentation in the making."""

    path: Path
    size: str = f'<p:sldSz cx="{WIDTH}" cy="{HEIGHT}"/>'
    attributes: str = ""
    parts: dict[str, bytes | str] = field(default_factory=dict)
    _slides: list[str] = field(default_factory=list)

    def slide(
        self,
        *shapes: str,
        relations: dict[str, tuple[str, str]] | None = None,
        notes: str | None = None,
        attributes: str = "",
        background: str = "",
    ) -> None:
        """Add a slide. ``relations``: by id, the last word of the type and the target; ``notes``: shapes."""
        number = len(self._slides) + 1
        links = {"rIdL": ("slideLayout", "../slideLayouts/slideLayout1.xml"), **(relations or {})}
        if notes is not None:
            links["rIdN"] = ("notesSlide", f"../notesSlides/notesSlide{number}.xml")
            self.parts[f"ppt/notesSlides/notesSlide{number}.xml"] = (
                f"<p:notes {NAMESPACES}><p:cSld><p:spTree>{notes}</p:spTree></p:cSld></p:notes>"
            )
        self.parts[f"ppt/slides/slide{number}.xml"] = (
            f"<p:sld {NAMESPACES} {attributes}><p:cSld>{background}<p:spTree><p:nvGrpSpPr/><p:grpSpPr/>"
            f"{''.join(shapes)}</p:spTree></p:cSld></p:sld>"
        )
        self.parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = _relations(links)
        self._slides.append(f"slides/slide{number}.xml")

    def save(self, order: list[int] | None = None) -> Path:
        """Write the file; ``order`` names the slides as the presentation shows them."""
        numbers = order or list(range(1, len(self._slides) + 1))
        shown = "".join(f'<p:sldId id="{255 + number}" r:id="rId{number}"/>' for number in numbers)
        parts = {
            "[Content_Types].xml": (
                f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
                f'<Override PartName="/ppt/presentation.xml" ContentType="{_TYPES}.presentation.main+xml"/></Types>'
            ),
            "_rels/.rels": _relations({"rId1": ("officeDocument", "ppt/presentation.xml")}),
            "ppt/presentation.xml": (
                f"<p:presentation {NAMESPACES} {self.attributes}><p:sldIdLst>{shown}</p:sldIdLst>{self.size}"
                "</p:presentation>"
            ),
            "ppt/_rels/presentation.xml.rels": _relations(
                {f"rId{number}": ("slide", name) for number, name in enumerate(self._slides, 1)}
            ),
            "ppt/slideMasters/slideMaster1.xml": _MASTER,
            "ppt/slideLayouts/slideLayout1.xml": _LAYOUT,
            "ppt/slideLayouts/_rels/slideLayout1.xml.rels": _relations(
                {"rId1": ("slideMaster", "../slideMasters/slideMaster1.xml")}
            ),
            **self.parts,
        }
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        return self.path


def _relations(links: dict[str, tuple[str, str]]) -> str:
    found = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for name, (kind, target) in links.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{found}</Relationships>'
