"""What two readings of a document are compared by: words, formulas, cells of tables."""

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
from backend.library.types import PageText, SpanKind

_WORD = re.compile(r"[^\W_]+")
_SEPARATOR_CELL = re.compile(r"-+")
_PANDOC_S = 120


@dataclass(slots=True)
class Outline:
    """The words of a document with how often each occurs, and how many formulas and table cells with text it has."""

    words: Counter[str] = field(default_factory=Counter)
    formulas: int = 0
    cells: int = 0
    warnings: tuple[str, ...] = ()

    def add_words(self, text: str) -> None:
        self.words.update(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def read_ours(path: Path) -> Outline:
    """Read a document as the product does. Raises UnreadableFile."""
    pages: list[PageText] = []
    report = read_document(path, detect_kind(path.name, path), ReadLimits(), pages.append)
    outline = Outline(warnings=tuple(warning.code for warning in report.warnings))
    for page in pages:
        formulas = [span for span in page.spans if span.kind is SpanKind.FORMULA]
        outline.formulas += len(formulas)
        text = page.text
        for span in reversed(formulas):
            text = text[: span.start] + " " + text[span.end :]
        outline.add_words(text)
        for span in page.spans:
            if span.kind is SpanKind.TABLE:
                outline.cells += _count_cells(page.text[span.start : span.end])
    return outline


def read_with_pandoc(pandoc: Path, path: Path) -> Outline:
    """Read a document with pandoc. Raises CalledProcessError for a document that it cannot read."""
    done = subprocess.run([str(pandoc), "-t", "json", str(path)], capture_output=True, check=True, timeout=_PANDOC_S)
    outline = Outline()
    is_slides = path.suffix == ".pptx"
    words: list[str] = []
    stack: list[Any] = [json.loads(done.stdout)["blocks"]]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(reversed(node))
        elif isinstance(node, dict):
            kind, content = node.get("t"), node.get("c")
            if kind == "Math":
                outline.formulas += 1
                words.append(" ")
            elif kind in ("Str", "Code", "CodeBlock"):
                shown = content if isinstance(content, str) else content[1]
                words.append("" if is_slides and shown.startswith("[Graphic: ") else shown)
            elif kind in ("Space", "SoftBreak", "LineBreak"):
                words.append(" ")
            elif kind in ("Link", "Image", "Span", "Div", "Header"):
                # The first is an identifier with classes, the last of a link its target.
                shown = content[2] if kind == "Header" else content[1]
                words.append("" if kind in ("Link", "Span") else " ")
                if not (is_slides and _is_invented(kind, content)):
                    stack.append(shown)
            elif kind == "Table":
                outline.cells += _count_pandoc_cells(content)
                stack.append(content[1:])
            elif kind not in ("RawBlock", "RawInline"):
                words.append("" if kind in ("Emph", "Strong", "Superscript", "Subscript") else " ")
                stack.append(content)
    outline.add_words("".join(words))
    return outline


def _count_cells(table: str) -> int:
    cells = (cell.strip() for line in table.splitlines() for cell in line.strip("|").split("|"))
    return sum(bool(cell) and not _SEPARATOR_CELL.fullmatch(cell) for cell in cells)


def _count_pandoc_cells(table: list[Any]) -> int:
    _attributes, _caption, _columns, head, bodies, foot = table
    rows = head[1] + foot[1] + [row for body in bodies for part in (body[2], body[3]) for row in part]
    return sum(_has_text(cell[4]) for row in rows for cell in row[1])


def _has_text(node: Any) -> bool:
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack.extend(part)
        elif isinstance(part, dict):
            if part.get("t") in ("Str", "Code", "Math", "CodeBlock") and part["c"]:
                return True
            stack.append(part.get("c"))
    return False


def _is_invented(kind: str, content: list[Any]) -> bool:
    """Whether pandoc made this up for a presentation: a heading "Slide 3", or the file name of a picture."""
    return kind == "Image" or (kind == "Header" and content[1][0].startswith("slide-"))
