"""Parses web pages with lxml into trees. Nothing is fetched, and no entity of a document is expanded."""

import re
from typing import Final

from lxml import etree, html

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.page_text import remove_marks

MAX_ATTRIBUTES: Final = 500
"""Attributes of one element that are read. The parser takes time by the square of their number."""

_ATTRIBUTE = (
    r"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+)?+)?+"""  # a = "b"
)
# Everything is consumed that the parser takes for one piece, so that a search stays linear.
_PIECE = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(script|style|textarea|title)\b[^>]*+>.*?(?:</\1|\Z)"
    rf"|<[a-z][^\s/>]*+(?P<kept>(?:{_ATTRIBUTE}){{0,{MAX_ATTRIBUTES}}}+)(?P<more>(?:{_ATTRIBUTE})*+)",
    re.IGNORECASE | re.DOTALL,
)


def parse_page(source: str) -> html.HtmlElement | None:
    """Return the root of a web page; None if it has no element at all.

    Raises UnreadableFile("damaged") if elements are nested too deeply for the parser, which would drop the rest.
    """
    text = shorten_tags(remove_marks(source)).encode("utf-8", "replace")
    # The parser recovers from errors and has no network access. HTML has no custom entities.
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(text, parser=parser)
    except etree.ParserError:
        return None
    # The parser stops at a depth of 2,048 elements, and reports it only here.
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise UnreadableFile("damaged")
    return root


def shorten_tags(source: str) -> str:
    """Return the source without attributes over the limit of an element."""
    parts, last = [], 0
    for match in _PIECE.finditer(source):
        if match["more"]:
            parts.append(source[last : match.start("more")])
            last = match.end()
    return "".join(parts) + source[last:] if parts else source
