"""Reads a Jupyter notebook (nbformat 3 and 4): its notes, its code and what the code printed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from backend.library.extraction import page_text
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formulas.mathml import clean_tex
from backend.library.extraction.formulas.tex_text import unwrap_tex
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block, write_blocks
from backend.library.extraction.plain.encoding import decode_text
from backend.library.extraction.plain.markdown_pages import blocks_of_markdown
from backend.library.extraction.web.pages import blocks_of_html

_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
_OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)")
# Version 3 names the kinds of an output without a slash.
_SHORT_KINDS: Final = {"text": "text/plain", "latex": "text/latex", "html": "text/html", "png": "image/png"}
_SHORT_KINDS_OF_IMAGES = frozenset({"jpeg", "svg"})
Cell = dict[str, Any]


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text of the notebook at ``path``."""
    try:
        notebook = json.loads(decode_text(Path(path).read_bytes(), writer))
    except (ValueError, RecursionError):
        raise UnreadableFile("damaged") from None
    write_blocks(_blocks(notebook, writer), writer)


def _blocks(notebook: object, writer: PageWriter) -> Iterator[Block]:
    if not isinstance(notebook, dict):
        raise UnreadableFile("damaged")
    language = _language(notebook)
    for cell in _cells(notebook):
        kind, source = cell.get("cell_type"), _text(cell.get("source", cell.get("input")))
        if kind == "markdown":
            yield from blocks_of_markdown(source, writer)
        elif kind == "heading":
            level = cell.get("level")
            yield Block(page_text.remove_marks(source), level if level in (1, 2, 3, 4, 5, 6) else 1)
        elif kind == "code":
            if source.strip():
                yield Block(page_text.code(source, _text(cell.get("language")) or language))
            for output in _dicts(cell.get("outputs")):
                yield from _output(output, writer)
        else:
            yield Block(page_text.remove_marks(source))


def _cells(notebook: Cell) -> Iterator[Cell]:
    """Yield the cells. Raises UnreadableFile("damaged") if the list is missing."""
    sheets = _dicts(notebook.get("worksheets"))
    if not sheets and not isinstance(notebook.get("cells"), list):
        raise UnreadableFile("damaged")
    for sheet in [notebook, *sheets]:
        yield from _dicts(sheet.get("cells"))


def _output(output: Cell, writer: PageWriter) -> Iterator[Block]:
    kind = output.get("output_type")
    if kind == "stream":
        yield from _printed(_text(output.get("text")))
    elif kind in ("error", "pyerr"):
        yield from _printed(f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}")
    else:
        data = output.get("data")
        yield from _shown(data if isinstance(data, dict) else output, writer)


def _shown(data: Cell, writer: PageWriter) -> Iterator[Block]:
    """Yield the richest form of a result that is text; a picture is only counted."""
    forms = {_SHORT_KINDS.get(name, name): _text(value) for name, value in data.items()}
    if any(name.startswith("image/") or name in _SHORT_KINDS_OF_IMAGES for name in forms):
        # The text beside a picture only names the object that drew it.
        writer.warn("pictures_not_read")
    elif latex := clean_tex(unwrap_tex(forms.get("text/latex", ""))):
        yield from _formula(latex, forms["text/latex"], writer)
    elif forms.get("text/markdown", "").strip():
        yield from blocks_of_markdown(forms["text/markdown"], writer)
    elif blocks := list(blocks_of_html(forms["text/html"], writer)) if forms.get("text/html") else []:
        yield from blocks
    elif any(name.startswith("application/vnd.") for name in forms):
        writer.warn("objects_lost")
    else:
        yield from _printed(forms.get("text/plain", ""))


def _formula(latex: str, source: str, writer: PageWriter) -> Iterator[Block]:
    if "$" in latex:
        # Words with formulas between them.
        yield from blocks_of_markdown(source, writer)
    else:
        yield Block(page_text.formula(latex, display=True))


def _printed(text: str) -> Iterator[Block]:
    shown = _OVERWRITTEN.sub("", _TERMINAL_CODES.sub("", text)).strip("\n")
    if shown.strip():
        yield Block(page_text.code(shown))


def _language(notebook: Cell) -> str:
    metadata = notebook.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    for place, key in (("language_info", "name"), ("kernelspec", "language")):
        value = named.get(place)
        name = value.get(key) if isinstance(value, dict) else None
        if isinstance(name, str) and re.fullmatch(r"[A-Za-z][\w+#-]{0,20}", name):
            return name.lower()
    return ""


def _text(value: object) -> str:
    """Return a text that may be stored as a list of its lines."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""


def _dicts(value: object) -> list[Cell]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
