"""Code in web pages: its language, and the line numbers beside it."""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name

_LANGUAGE = re.compile(
    r"(?:language|lang|highlight-source|highlight|brush|code|src)[-:]\s*([a-z][\w+#-]*)", re.IGNORECASE
)
_NO_LANGUAGES: Final = frozenset({"default", "none", "plaintext", "text", "plain", "txt", "nohighlight", "block"})
_MARKED_AS_SOURCE: Final = frozenset({"sourceCode", "sourcecode", "prettyprint", "hljs"})
_LINE_NUMBERS: Final = frozenset(
    {"linenos", "lineno", "linenodiv", "gutter", "hljs-ln-numbers", "rouge-gutter", "blob-num", "line-number"}
    | {"linenumber", "lnt", "ln", "line-numbers-rows"}
)
_NUMBER_HOLDERS: Final = frozenset({"td", "span", "a", "div", "th"})


def code_language(pre: etree._Element) -> str:
    """Return the language that classes of a code block, of what is in it or around it name; empty if none does."""
    for element in _about(pre):
        kind = element.get("class", "")
        named = [match[1].lower() for match in _LANGUAGE.finditer(kind)]
        tokens = kind.split()
        if _MARKED_AS_SOURCE.intersection(tokens):
            named += [token.lower() for token in tokens if token not in _MARKED_AS_SOURCE and token.isalnum()]
        named.append(element.get("data-lang", "").lower() or element.get("data-language", "").lower())
        found = next((name for name in named if re.fullmatch(r"[a-z][\w+#-]{0,20}", name)), "")
        if found:
            return "" if found in _NO_LANGUAGES else found
    return ""


def is_line_number(element: etree._Element, name: str) -> bool:
    """Whether an element numbers lines of code."""
    return name in _NUMBER_HOLDERS and not _LINE_NUMBERS.isdisjoint(element.get("class", "").split())


def _about(pre: etree._Element) -> Iterator[etree._Element]:
    yield from (child for child in pre if local_name(child) == "code")
    yield pre
    around = pre.getparent()
    for _ in range(2):
        if around is None or local_name(around) not in ("div", "figure", "td"):
            return
        yield around
        around = around.getparent()
