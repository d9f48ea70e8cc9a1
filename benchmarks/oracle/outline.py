"""What two readings of a document are compared by: words, formulas, tables with their cells."""

import json
import re
import subprocess
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.library.extraction.formats import detect_kind
from backend.library.extraction.reader import ReadLimits, read_document
from backend.library.types import PageText, Span, SpanKind
from benchmarks.oracle.corpus import reading_options
from benchmarks.oracle.formulas import plain_formula

_WORD = re.compile(r"[^\W_]+")
_SEPARATOR_CELL = re.compile(r":?-+:?")
_PANDOC_S = 120
_TEXT = ("Str", "Code", "CodeBlock")
_UNSPACED = ("Emph", "Strong", "Underline", "Strikeout", "Superscript", "Subscript", "SmallCaps", "Quoted", "Cite")


@dataclass(slots=True)
class Outline:
    """The words, formulas and cells of a document, with how often each occurs, and its number of tables with text.

    A cell is its letters and digits in a row, without its formulas.
    """

    words: Counter[str] = field(default_factory=Counter)
    formulas: Counter[str] = field(default_factory=Counter)
    cells: Counter[str] = field(default_factory=Counter)
    tables: int = 0
    warnings: tuple[str, ...] = ()

    def add_words(self, text: str) -> None:
        self.words.update(_words(text))

    def add_cell(self, text: str) -> None:
        if shown := "".join(_words(text)):
            self.cells[shown] += 1


def read_ours(path: Path) -> Outline:
    """Read a document as the product does. Raises UnreadableFile."""
    pages: list[PageText] = []
    report = read_document(path, detect_kind(path.name, path), ReadLimits(), pages.append)
    outline = Outline(warnings=tuple(warning.code for warning in report.warnings))
    for page in pages:
        formulas = [span for span in page.spans if span.kind is SpanKind.FORMULA]
        outline.formulas.update(plain_formula(page.text[span.start : span.end]) for span in formulas)
        text = _without(page.text, formulas)
        outline.add_words(text)
        for span in page.spans:
            if span.kind is SpanKind.TABLE:
                outline.tables += 1
                for cell in _cells(text[span.start : span.end]):
                    outline.add_cell(cell)
    return outline


def read_with_pandoc(pandoc: Path, path: Path) -> Outline:
    """Read a document with pandoc. Raises CalledProcessError for a document that it cannot read."""
    command = [str(pandoc), *reading_options(path), "-t", "json", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=_PANDOC_S)
    outline = Outline()
    words = _Walk(outline, is_slides=path.suffix == ".pptx").text(json.loads(done.stdout)["blocks"])
    outline.add_words(words)
    return outline


class _Walk:
    """Collects the formulas and tables of pandoc's document on the way through its text."""

    def __init__(self, outline: Outline, *, is_slides: bool) -> None:
        self._outline = outline
        self._is_slides = is_slides

    def text(self, nodes: Any) -> str:
        """Return the text of a part of the document, with blanks between its blocks."""
        words: list[str] = []
        stack: list[Any] = [nodes]
        while stack:
            node = stack.pop()
            if isinstance(node, list):
                stack.extend(reversed(node))
            elif isinstance(node, str):
                words.append(node)
            elif isinstance(node, dict):
                stack.extend(reversed(self._parts(node["t"], node.get("c"))))
        return "".join(words)

    def _parts(self, kind: str, content: Any) -> list[Any]:
        """Return what is read of a node: strings, and nodes that are still to be walked through."""
        if kind == "Math":
            self._outline.formulas[plain_formula(content[1])] += 1
            return [" "]
        if kind in _TEXT:
            shown = content if isinstance(content, str) else content[1]
            return [] if self._is_slides and shown.startswith("[Graphic: ") else [shown, " " * (kind == "CodeBlock")]
        if kind in ("Header", "Image", "Link", "Span", "Div"):
            # The first is an identifier with classes, the last of a link its target.
            shown = content[2] if kind == "Header" else content[1]
            blank = "" if kind in ("Link", "Span") else " "
            return [blank, [] if self._is_slides and _is_invented(kind, content) else shown, blank]
        if kind == "Table":
            return [" ", self._table(content), " "]
        if kind in _UNSPACED:
            return [[part for part in content if isinstance(part, list)] if kind in ("Quoted", "Cite") else content]
        if kind in ("RawBlock", "RawInline"):
            return []
        return [" ", _nodes(content), " "]

    def _table(self, content: list[Any]) -> list[Any]:
        _attributes, caption, _columns, head, bodies, foot = content
        rows = head[1] + [row for body in bodies for part in (body[2], body[3]) for row in part] + foot[1]
        cells = [cell[4] for row in rows for cell in row[1]]
        texts = [self.text(cell) for cell in cells]
        self._outline.tables += any(text.strip() for text in texts)
        for text, cell in zip(texts, cells, strict=True):
            if not _has_table(cell):
                self._outline.add_cell(text)
        return [caption[1], " ", [[text, " "] for text in texts]]


def _nodes(content: Any) -> Any:
    """Return the nodes in the content of a block; plain strings there are its attributes."""
    if isinstance(content, list):
        return [_nodes(part) for part in content if isinstance(part, (list, dict))]
    return content if isinstance(content, dict) and "t" in content else []


def _has_table(node: Any) -> bool:
    return '"t": "Table"' in json.dumps(node)


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _without(text: str, spans: list[Span]) -> str:
    for span in spans:
        text = text[: span.start] + " " * (span.end - span.start) + text[span.end :]
    return text


def _cells(table: str) -> list[str]:
    cells = [cell.strip() for line in table.splitlines() for cell in line.strip().strip("|").split("|")]
    return [cell for cell in cells if not _SEPARATOR_CELL.fullmatch(cell)]


def _is_invented(kind: str, content: list[Any]) -> bool:
    """Whether pandoc made this up for a presentation: a heading "Slide 3", or the file name of a picture."""
    return kind == "Image" or (kind == "Header" and content[1][0].startswith("slide-"))
