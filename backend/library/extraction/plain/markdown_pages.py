"""Reads a Markdown file with markdown-it: its text without the markup, split by headings."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block, pages_of_blocks
from backend.library.extraction.plain.text_pages import decode
from backend.library.extraction.web.pages import blocks_of_html

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:[^\n]*\n){0,100}?(?:---|\.\.\.)[ \t]*\n")


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text of the Markdown file at ``path``."""
    source = _FRONT_MATTER.sub("", decode(Path(path).read_bytes()).replace("\r\n", "\n"))
    for heading, text in pages_of_blocks(_blocks(source, writer)):
        writer.write(text, heading)


def _blocks(source: str, writer: PageWriter) -> Iterator[Block]:
    level, cells, items = 0, list[str](), list[str]()
    in_row, depth = False, 0
    for token in MarkdownIt("commonmark").enable("table").parse(source):
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "tr_open":
            in_row = True
        elif token.type == "tr_close":
            in_row = False
            items.append(" | ".join(cells))
            cells.clear()
        elif token.type in ("bullet_list_open", "ordered_list_open", "table_open"):
            depth += 1
        elif token.type in ("bullet_list_close", "ordered_list_close", "table_close"):
            depth -= 1
            if depth == 0:
                # A list or a table is one block: its lines belong together.
                yield Block("\n".join(items))
                items.clear()
        elif token.type == "html_block":
            yield from blocks_of_html(token.content, writer)
        elif token.type in ("inline", "fence", "code_block"):
            text = _inline_text(token.children or []) if token.type == "inline" else token.content.rstrip("\n")
            if in_row:
                cells.append(text)
            elif depth:
                items.append(text)
            else:
                yield Block(text, level)
            level = 0


def _inline_text(tokens: list[Token]) -> str:
    """Return the visible text: without HTML tags, and with the description of each image."""
    parts = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif token.type == "image":
            parts.append(_inline_text(token.children or []))
    return "".join(parts)
