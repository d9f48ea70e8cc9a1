"""What placeholders of a slide inherit from its layout and master: position, bullets, raised text."""

from typing import Any, Final

from backend.library.extraction.drawings.bodies import ListStyle
from backend.library.extraction.drawings.names import MC, A, P, alternatives
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.slides.geometry import transform_of

TITLES: Final = frozenset({"title", "ctrTitle"})
FURNITURE: Final = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
"""Placeholders for the date, footer, header, number and, on a page of notes, the slide's image."""

_MASTER_TYPE: Final = {"ctrTitle": "title", "title": "title", "dt": "dt", "ftr": "ftr", "sldNum": "sldNum"}
_SECTION_LAYOUTS: Final = frozenset({"title", "secHead"})
_STYLE_BY_TYPE: Final = {"title": "titleStyle", "body": "bodyStyle"}


def placeholder_of(shape: Any) -> Any | None:
    """Return the ``p:ph`` of a shape, or None."""
    for properties in shape.iterchildren("*"):
        found = properties.find(f"{P}nvPr/{P}ph")
        if found is not None:
            return found
    return None


def type_of(placeholder: Any) -> str:
    """Return the type of a placeholder; one without a type holds any object."""
    return str(placeholder.get("type", "obj"))


def is_main_title(shape: Any) -> bool:
    """Whether a shape is the title of the whole presentation."""
    placeholder = placeholder_of(shape)
    return placeholder is not None and type_of(placeholder) == "ctrTitle"


class Inheritance:
    """The layouts and masters of a file, each read once."""

    def __init__(self, package: OfficePackage, presentation: Any) -> None:
        self._package = package
        self._placeholders: dict[str, list[tuple[Any, Any]]] = {}
        self._roots: dict[str, Any] = {}
        self._styles: dict[tuple[int, ...], ListStyle] = {}
        self._default = presentation.find(P + "defaultTextStyle")

    def is_section_layout(self, layout: str | None) -> bool:
        """Whether a layout is for slides that open the presentation or a section."""
        root = self._root(layout)
        return root is not None and root.get("type") in _SECTION_LAYOUTS

    def layout_of(self, slide: str) -> str | None:
        """Return the part of a slide's layout."""
        return next(iter(self._package.related(slide, "slideLayout")), None)

    def transform(self, shape: Any, layout: str | None) -> Any | None:
        """Return the transform of a shape: its own, else that of the placeholder it fills."""
        own = transform_of(shape)
        if own is not None:
            return own
        found = (transform_of(model) for model in self._models(shape, layout))
        return next((transform for transform in found if transform is not None), None)

    def style(self, shape: Any, layout: str | None) -> ListStyle:
        """Return the list style of a shape, the nearest first: its own, the layout's, the master's, the default."""
        own = shape.find(f"{P}txBody/{A}lstStyle")
        styles = [model.find(f"{P}txBody/{A}lstStyle") for model in self._models(shape, layout)]
        master = self._root(self._master_of(layout))
        placeholder = placeholder_of(shape)
        if master is not None:
            kind = "other" if placeholder is None else _MASTER_TYPE.get(type_of(placeholder), "body")
            styles.append(master.find(f"{P}txStyles/{P}{_STYLE_BY_TYPE.get(kind, 'otherStyle')}"))
        if placeholder is None:
            styles.append(self._default)
        given = [style for style in styles if style is not None and len(style)]
        if own is not None and len(own):
            return ListStyle([own, *given])
        # The list styles that are kept keep their elements, so that no other element can have the same id.
        key = tuple(map(id, given))
        if key not in self._styles:
            self._styles[key] = ListStyle(given)
        return self._styles[key]

    def _models(self, shape: Any, layout: str | None) -> list[Any]:
        """Return the placeholders of the layout and of the master that a shape fills."""
        placeholder = placeholder_of(shape)
        if placeholder is None:
            return []
        found = []
        of_layout = _same_place(self._read_placeholders(layout), placeholder)
        if of_layout is not None:
            model, placeholder = of_layout
            found.append(model)
        wanted = _MASTER_TYPE.get(type_of(placeholder), "body")
        of_master = self._read_placeholders(self._master_of(layout))
        found += [model for model, other in of_master if type_of(other) == wanted][:1]
        return found

    def _read_placeholders(self, part: str | None) -> list[tuple[Any, Any]]:
        """Return the shapes of a layout or master that are placeholders, each with its ``p:ph``."""
        if part is None:
            return []
        if part not in self._placeholders:
            root = self._root(part)
            pairs = [(shape, placeholder_of(shape)) for shape in ([] if root is None else _shapes_of(root))]
            self._placeholders[part] = [(shape, placeholder) for shape, placeholder in pairs if placeholder is not None]
        return self._placeholders[part]

    def _master_of(self, layout: str | None) -> str | None:
        return None if layout is None else next(iter(self._package.related(layout, "slideMaster")), None)

    def _root(self, part: str | None) -> Any | None:
        """Return the root element of a layout or master. A damaged one has nothing to inherit."""
        if part is None:
            return None
        if part not in self._roots:
            try:
                self._roots[part] = self._package.parse(part)
            except UnreadableFile as error:
                if error.code != "damaged":
                    raise
                self._roots[part] = None
        return self._roots[part]


def _shapes_of(root: Any) -> list[Any]:
    tree = root.find(f"{P}cSld/{P}spTree")
    shapes: list[Any] = []
    for child in [] if tree is None else tree.iterchildren("*"):
        shapes += alternatives(child) if child.tag == MC + "AlternateContent" else [child]
    return shapes


def _same_place(candidates: list[tuple[Any, Any]], placeholder: Any) -> tuple[Any, Any] | None:
    """Return the placeholder with the same index, else with the same type."""
    index, kind = placeholder.get("idx"), _kind(placeholder)
    if index is not None:
        for pair in candidates:
            if pair[1].get("idx") == index:
                return pair
    return next((pair for pair in candidates if _kind(pair[1]) == kind), None)


def _kind(placeholder: Any) -> str:
    return _MASTER_TYPE.get(type_of(placeholder), type_of(placeholder))
