"""Directives of MyST and Jupyter Book, and the fences of colons of Pandoc and others, as plain Markdown."""

import re
from collections.abc import Iterator
from typing import Final

from backend.library.extraction.errors import UnreadableFile

_DIRECTIVE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,}|:{3,})[ \t]*\{(?P<name>[a-z][\w:-]*)\}[ \t]*(?P<words>[^`]*)$")
_DIVISION = re.compile(r"^ {0,3}(?P<fence>:{3,})[ \t]*(?P<words>\{[^{}]*\}|[A-Za-z][\w-]*(?:[ \t].*)?)?[ \t]*:*$")
_CODE_FENCE = re.compile(r"^(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_OPTION = re.compile(r"^[ \t]*:[\w-]+:")
_LABEL = re.compile(r"^\([\w.:-]+\)=[ \t]*$")
_CODE: Final = frozenset({"code", "code-block", "code-cell", "sourcecode", "literalinclude", "mermaid"})
_PICTURES: Final = frozenset({"figure", "image"})
_TITLED_NAMES = """
attention caution danger error hint important note seealso tip warning definition theorem lemma corollary proof
example exercise solution proposition remark
"""
_TITLED: Final = frozenset(_TITLED_NAMES.split())
_MAX_OPEN: Final = 100
_MAX_OPTIONS: Final = 50


def open_directives(text: str) -> str:
    """Return Markdown whose directives are what they show: text with its title, formulas and code.

    Raises UnreadableFile("damaged") if they are nested too deeply.
    """
    if "{" not in text and ":::" not in text:
        return text
    return "\n".join(_Lines(text.split("\n")).shown())


class _Lines:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0
        self._open: list[str] = []

    def shown(self) -> Iterator[str]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            directive = _DIRECTIVE.match(line)
            if self._closes(line):
                self._open.pop()
                yield ""
            elif directive is not None:
                yield from self._directive(directive)
            elif code := _CODE_FENCE.match(line):
                yield line
                yield from self._verbatim(code["fence"])
            elif division := _DIVISION.match(line):
                # Its name and attributes are not shown, a title is.
                words = division["words"] or ""
                yield from ("", "" if words.startswith("{") else words.partition(" ")[2].strip(), "")
            elif not _LABEL.match(line) and line.strip() != "+++":
                yield line

    def _closes(self, line: str) -> bool:
        bare = line.strip()
        return bool(self._open) and bare.startswith(self._open[-1]) and not bare.strip(self._open[-1][0])

    def _directive(self, match: re.Match[str]) -> Iterator[str]:
        name, words = match["name"].rpartition(":")[2], match["words"].strip()
        self._skip_options()
        if name == "math":
            yield from ("", "$$", *([words] if words else []))
            yield from list(self._verbatim(match["fence"]))[:-1]
            yield from ("$$", "")
        elif name in _CODE:
            fence = match["fence"].replace(":", "`")
            yield f"{fence}{name if name == 'mermaid' else words.partition(' ')[0]}"
            yield from list(self._verbatim(match["fence"]))[:-1]
            yield fence
        else:
            if len(self._open) >= _MAX_OPEN:
                raise UnreadableFile("damaged")
            self._open.append(match["fence"])
            title = words or (name.capitalize() if name in _TITLED else "")
            yield from ("", f"![]({words})" if name in _PICTURES else title, "")

    def _skip_options(self) -> None:
        if self._at < len(self._lines) and self._lines[self._at].strip() == "---":
            end = next(
                (
                    at
                    for at in range(self._at + 1, min(self._at + _MAX_OPTIONS, len(self._lines)))
                    if self._lines[at].strip() == "---"
                ),
                None,
            )
            self._at = self._at if end is None else end + 1
        while self._at < len(self._lines) and _OPTION.match(self._lines[self._at]):
            self._at += 1

    def _verbatim(self, fence: str) -> Iterator[str]:
        """Yield the lines up to the end of a fence, and that end; an end is made up if there is none."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            yield line
            bare = line.strip(" \t>")
            if bare.startswith(fence) and not bare.strip(fence[0]):
                return
        yield ""
