"""Footnotes, endnotes and comments: their elements, and the labels that a reader sees."""

from typing import Any

from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.word.label_formats import formatted
from backend.library.extraction.word.names import ID, W, number_of, value_of

_KINDS = ("footnote", "endnote")
_USUAL_FORMAT = {"footnote": "decimal", "endnote": "lowerRoman"}
_MARKS_ONLY = frozenset({"separator", "continuationSeparator", "continuationNotice"})


class Notes:
    """The notes of a Word file by kind and id. Labels count on in the order in which notes are asked for."""

    def __init__(self, package: OfficePackage, main: str, settings: Any) -> None:
        """Take the package, the name of its main part and the root of its settings, or None."""
        self._package = package
        self._main = main
        self._elements: dict[str, dict[str, Any]] = {}
        self._formats = dict(_USUAL_FORMAT)
        self._numbers = dict.fromkeys(_KINDS, 0)
        self._labels: dict[tuple[str, str], str] = {}
        if settings is not None:
            for kind in _KINDS:
                properties = settings.find(f"{W}{kind}Pr")
                if properties is not None:
                    self._formats[kind] = value_of(properties, "numFmt") or self._formats[kind]
                    self._numbers[kind] = (number_of(properties, "numStart") or 1) - 1

    def find(self, kind: str, identifier: str) -> Any:
        """Return the element of a ``footnote``, ``endnote`` or ``comment``; None if the file does not have it."""
        if kind not in self._elements:
            found: dict[str, Any] = {}
            for part in self._package.related(self._main, f"{kind}s"):
                for note in self._package.parse(part).iterchildren(W + kind):
                    if note.get(f"{W}type", "normal") not in _MARKS_ONLY:
                        found[note.get(ID, "")] = note
            self._elements[kind] = found
        return self._elements[kind].get(identifier)

    def part(self, kind: str) -> str:
        """Return the name of the part that has the notes of a kind, whose relations they use."""
        return next(iter(self._package.related(self._main, f"{kind}s")), self._main)

    def label(self, kind: str, identifier: str, custom: str) -> str:
        """Return the label of a note; ``custom`` if its author chose one, which does not count."""
        key = (kind, identifier)
        if custom:
            return custom
        if key not in self._labels:
            self._numbers[kind] += 1
            self._labels[key] = formatted(self._numbers[kind], self._formats[kind])
        return self._labels[key]
