"""The text of one paragraph, heading or cell of Markdown."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from markdown_it.token import Token

from backend.library.extraction.formulas.tex_text import SHIELD
from backend.library.extraction.page_text import lowered, raised
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.plain.markdown_source import MarkdownSource
from backend.library.extraction.web.images import describe_image

_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_HIGHLIGHT = re.compile(r"==(?=[^\s=])([^\n]+?)(?<=[^\s=])==")
_SHORT = r"[+\-−–]?[^\W_]{1,12}[+\-−–]?"
# Pandoc's notations. "a^b^c" may be a tower of powers, and "5~10~15" ranges: these stay as they are.
_RAISED = re.compile(rf"(?<![\w^\\])\^({_SHORT})\^(?!\^)|(?<=[\w)\]}}])\^({_SHORT})\^(?![\w^({{])")
_LOWERED = re.compile(rf"(?<=[^\W\d_])~({_SHORT})~(?!~)|(?<=[\d)\]}}])~({_SHORT})~(?![\w~])")
_BLOCK_ID = re.compile(r"[ \t]\^[A-Za-z][\w-]{3,}[ \t]*$", re.MULTILINE)
_TAG_NAMES = """
a abbr address article aside audio b bdi bdo big blockquote body br button canvas caption center cite code col
colgroup data dd del details dfn dialog div dl dt em embed fieldset figcaption figure font footer form h1 h2 h3 h4
h5 h6 head header hr html i iframe img input ins kbd label legend li link main map mark menu meta nav noscript
object ol option output p picture pre progress q rb rp rt ruby s samp script section select small source span
strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr tt u ul var
video wbr
"""
_HTML_TAGS: Final = frozenset(_TAG_NAMES.split())
_SIGNS_OF_NOTATION = re.compile(r"[=^~]")


def inline_text(tokens: Sequence[Token], source: MarkdownSource, writer: PageWriter, *, in_line: bool = False) -> str:
    """Return the text that a reader sees. ``in_line``: it stays on one line, as in a heading or a cell."""
    text = _Inline(source, writer).read(tokens)
    if "==" in text:
        text = _HIGHLIGHT.sub(r"\1", text)
    if "^" in text:
        text = _BLOCK_ID.sub("", text)
        text = _RAISED.sub(lambda match: raised(match[1] or match[2]), text)
    if "~" in text:
        text = _LOWERED.sub(lambda match: lowered(match[1] or match[2]), text)
    text = source.restore(re.sub(" {2,}", " ", text.replace(SHIELD, "")), in_line=in_line)
    return re.sub("[ \t]*\n[ \t]*", "\n", text).strip()


class _Inline:
    """Goes through the tokens. Text that is raised, lowered or struck through is collected until it ends."""

    def __init__(self, source: MarkdownSource, writer: PageWriter) -> None:
        self._source = source
        self._writer = writer
        self._open: list[tuple[str, list[str]]] = [("", [])]

    def read(self, tokens: Sequence[Token]) -> str:
        for token in tokens:
            if token.type == "s_open":
                self._begin("del")
            elif token.type == "s_close":
                self._end("del")
            elif token.type == "html_inline":
                self._tag(token.content)
            else:
                self._add(self._text(token))
        while len(self._open) > 1:
            # A tag that is never closed changes nothing.
            _, parts = self._open.pop()
            self._open[-1][1].extend(parts)
        return "".join(self._open[0][1])

    def _text(self, token: Token) -> str:
        if token.type in ("softbreak", "hardbreak"):
            return "\n"
        if token.type == "code_inline":
            code = self._source.restore_source(token.content)
            return _SIGNS_OF_NOTATION.sub(lambda match: match.group() + SHIELD, code)
        if token.type == "image":
            return self._image(inline_text(token.children or [], self._source, self._writer, in_line=True))
        return token.content if token.type == "text" else ""

    def _image(self, alternative: str) -> str:
        description = describe_image("" if re.fullmatch(r"\d+(?:x\d+)?", alternative.strip()) else alternative)
        if not description:
            self._writer.warn("pictures_not_read")
        return description

    def _tag(self, content: str) -> None:
        match = _TAG.match(content)
        if match is None or match[2].lower() not in _HTML_TAGS:
            # A comparison or a type, such as "x<y>z".
            self._add("" if content.startswith(("<!", "<?")) else content)
            return
        closes, name = match[1], match[2].lower()
        if name == "br":
            self._add("\n")
        elif name == "img":
            alternative = _ALT.search(content)
            self._add(self._image((alternative[1] or alternative[2] or "") if alternative else ""))
        elif name in _ENCLOSED:
            if closes:
                self._end(name)
            elif not content.endswith("/>"):
                self._begin(name)

    def _begin(self, name: str) -> None:
        self._open.append((name, []))

    def _end(self, name: str) -> None:
        if self._open[-1][0] != name:
            return
        _, parts = self._open.pop()
        text = "".join(parts)
        enclose = _ENCLOSED[name]
        if enclose is not None:
            self._add(enclose(text))
        elif text.strip() and name != "rp":
            self._writer.warn("struck_text_removed")

    def _add(self, text: str) -> None:
        self._open[-1][1].append(text)


_ENCLOSED: Final[dict[str, Callable[[str], str] | None]] = {
    "del": None,
    "rp": None,
    "rt": lambda text: f"({text})",
    "s": None,
    "strike": None,
    "sub": lowered,
    "sup": raised,
}
