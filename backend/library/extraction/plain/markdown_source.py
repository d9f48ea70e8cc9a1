"""Prepares Markdown for its parser, which knows neither formulas nor what note programs add.

Formulas are taken out and put back after parsing, since their signs mean something else in Markdown. Comments go, links
between notes become their text, and footnotes are taken out for the place of their mark.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from backend.library.extraction import page_text
from backend.library.extraction.formulas.mathml import mathml_to_latex
from backend.library.extraction.formulas.tex_text import looks_like_tex
from backend.library.extraction.plain.directives import open_directives
from backend.library.extraction.plain.drawn_tables import convert_drawn_tables
from backend.library.extraction.plain.footnotes import take_notes
from backend.library.extraction.plain.front_matter import remove_front_matter
from backend.library.extraction.plain.wide_tables import widen_tables
from backend.library.extraction.web.images import describe_image

_FENCE = re.compile(r"^(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_QUOTE_MARK = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
_BLANK_LINE = re.compile(r"\n[ \t>]*\n")
_INTERESTING = re.compile(r"[\\$`%<\[!{]")
_ENVIRONMENT = re.compile(r"\\begin\{((?:equation|align|gather|multline|eqnarray|flalign|alignat)\*?)\}")
_WIKI_LINK = re.compile(r"(!?)\[\[([^\[\]\n]{1,500})\]\]")
_WORDS = re.compile(r"\s[^\W\d_]{3}")
_TEX_SIGN = re.compile(r"[\\^_=+<>{}]")
_NUMBER = re.compile(r"\d+(?:x\d+)?")
_PICTURE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?|avif|heic)$", re.IGNORECASE)
_ROLE = re.compile(r"\{([a-z][\w:-]*)\}`([^`\n]{1,500})`")
_ROLES: Final = {"subscript": "sub", "superscript": "sup"}
_TARGET = re.compile(r"\s*<[^<>]*>$")
_MAX_CODE_CHARS = 5_000
_MAX_FORMULA_CHARS = 10_000
_OPEN, _CLOSE = "\ufddc", "\ufddd"
_PLACEHOLDER = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


@dataclass(frozen=True, slots=True)
class _Kept:
    source: str
    latex: str
    display: bool


@dataclass(slots=True)
class MarkdownSource:
    """Markdown ready to be parsed, and what was taken out of it."""

    text: str = ""
    lost_pictures: int = 0
    lost_notes: int = 0
    notes: dict[str, str] = field(default_factory=dict)
    _kept: list[_Kept] = field(default_factory=list)

    def restore(self, text: str, *, in_line: bool = False) -> str:
        """Put formulas back in the notation of ``page_text``; ``in_line``: also those that have lines of their own."""

        def shown(match: re.Match[str]) -> str:
            kept = self._kept[int(match[1])]
            if kept.display and not in_line:
                return f"\n{page_text.formula(kept.latex, display=True)}\n"
            return page_text.formula(" ".join(kept.latex.split()))

        return _PLACEHOLDER.sub(shown, text) if _OPEN in text else text

    def restore_source(self, text: str, escape: Callable[[str], str] = str) -> str:
        """Put formulas back as they were written, into code."""
        if _OPEN not in text:
            return text
        return _PLACEHOLDER.sub(lambda match: escape(self._kept[int(match[1])].source), text)

    def keep(self, source: str, latex: str, *, display: bool) -> str:
        """Return what stands for a formula until it is put back."""
        self._kept.append(_Kept(source, latex.strip(), display))
        return f"{_OPEN}{len(self._kept) - 1}{_CLOSE}"


def prepare(raw: str) -> MarkdownSource:
    """Return the text of a file, ready to be parsed."""
    text = page_text.remove_marks(raw).replace("\r\n", "\n").replace("\r", "\n")
    source = MarkdownSource()
    parts = []
    for part, is_code in _divide(open_directives(remove_front_matter(text))):
        parts.append(part if is_code else take_notes(_scan(part, source), source.notes))
    source.text = "".join(parts)
    return source


def _scan(text: str, source: MarkdownSource) -> str:
    return widen_tables(_Scanner(convert_drawn_tables(text), source).scan())


def _divide(text: str) -> list[tuple[str, bool]]:
    """Divide a text into fenced code and the rest."""
    parts: list[tuple[str, bool]] = []
    lines: list[str] = []
    closing = ""
    for line in text.splitlines(keepends=True):
        match = _FENCE.match(line.rstrip("\n"))
        if closing:
            lines.append(line)
            bare = line.strip(" \t>\n")
            if bare.startswith(closing) and not bare.strip(closing[0]):
                parts.append(("".join(lines), True))
                lines, closing = [], ""
        elif match:
            parts.append(("".join(lines), False))
            lines, closing = [line], match["fence"]
        else:
            lines.append(line)
    return [*parts, ("".join(lines), bool(closing))]


class _Scanner:
    """Goes once through a text without fenced code. A sign that is not closed is not looked for again."""

    def __init__(self, text: str, source: MarkdownSource) -> None:
        self._text = text
        self._source = source
        self._missing: set[str] = set()
        self._missing_in_paragraph: set[str] = set()
        self._paragraph_end = 0

    def scan(self) -> str:
        parts, at, last = [], 0, 0
        while match := _INTERESTING.search(self._text, at):
            at = match.start()
            found = _READERS[match.group()](self, at)
            if found is None:
                at += 1
                continue
            parts.append(self._text[last:at])
            at, shown = found
            last = at
            parts.append(shown)
        return "".join(parts) + self._text[last:]

    def _backslash(self, at: int) -> tuple[int, str] | None:
        opening = self._text[at : at + 2]
        if opening in ("\\(", "\\["):
            end = self._find("\\)" if opening == "\\(" else "\\]", at + 2, in_paragraph=opening == "\\(")
            if end >= 0 and looks_like_tex(latex := self._text[at + 2 : end]):
                return self._formula(at, end + 2, latex, display=opening == "\\[")
        match = _ENVIRONMENT.match(self._text, at)
        if match:
            closing = f"\\end{{{match[1]}}}"
            end = self._find(closing, match.end())
            if end >= 0:
                end += len(closing)
                return self._formula(at, end, self._text[at:end], display=True)
        return at + 2, opening

    def _dollar(self, at: int) -> tuple[int, str] | None:
        if self._text.startswith("$$", at):
            return self._dollars(at)
        end = at if self._text[at + 1 : at + 2].strip() else -1
        while end >= 0:
            end = self._find("$", end + 1, in_paragraph=True)
            if end >= 0 and self._text[end - 1] != "\\":
                latex = _inline_formula(self._text[at + 1 : end], self._text[end + 1 : end + 2])
                return self._formula(at, end + 1, latex, display=False) if latex else None
        return None

    def _dollars(self, at: int) -> tuple[int, str]:
        begins_line = not self._text[self._text.rfind("\n", 0, at) + 1 : at].strip(" \t>")
        end = self._find("$$", at + 2, in_paragraph=not begins_line)
        latex = self._text[at + 2 : end] if end > 0 else ""
        return (latex.strip() and self._formula(at, end + 2, latex, display=True)) or (at + 2, "$$")

    def _code(self, at: int) -> tuple[int, str] | None:
        run = re.compile("`+").match(self._text, at)
        length = len(run.group()) if run else 1
        closing = re.compile(f"(?<!`)`{{{length}}}(?!`)")
        end = self._end_of_paragraph(at)
        match = closing.search(self._text, at + length, min(end, at + _MAX_CODE_CHARS))
        stop = match.end() if match else at + length
        return stop, self._text[at:stop]

    def _percent(self, at: int) -> tuple[int, str] | None:
        """Leave out a comment of Obsidian."""
        if not self._text.startswith("%%", at) or self._text[at - 1 : at].strip():
            return None
        begins_line = not self._text[self._text.rfind("\n", 0, at) + 1 : at].strip()
        end = self._find("%%", at + 2, in_paragraph=not begins_line)
        return (end + 2, "") if end > at + 2 and not self._text[end + 2 : end + 3].strip() else None

    def _angle(self, at: int) -> tuple[int, str] | None:
        if self._text.startswith("<!--", at):
            end = self._find("-->", at + 4)
            return (end + 3, "") if end >= 0 else None
        if self._text[at : at + 5].lower() == "<math":
            end = self._find("</math>", at + 5)
            latex = _latex_of(self._text[at : end + 7]) if end >= 0 else ""
            return self._formula(at, end + 7, latex, display=False) if latex else None
        return None

    def _bracket(self, at: int) -> tuple[int, str] | None:
        match = _WIKI_LINK.match(self._text, at)
        if not match:
            return None
        target, _, shown = match[2].replace("\\|", "|").partition("|")
        if not match[1]:
            return match.end(), (shown or target.replace("#", " > ").strip(" >")).replace("|", " ")
        description = "" if _NUMBER.fullmatch(shown) else describe_image(shown)
        if _PICTURE.search(target.strip()):
            self._source.lost_pictures += not description
        elif not description:
            self._source.lost_notes += 1
        return match.end(), description

    def _role(self, at: int) -> tuple[int, str] | None:
        """Read a role of MyST: ``{math}`` or ``{sub}`` before code; what others show is their text."""
        match = _ROLE.match(self._text, at)
        if not match:
            return None
        name = _ROLES.get(match[1], match[1])
        if name == "math":
            return self._formula(at, match.end(), match[2], display=False)
        if name in ("sub", "sup"):
            return match.end(), f"<{name}>{match[2]}</{name}>"
        return match.end(), _TARGET.sub("", match[2])

    def _formula(self, start: int, end: int, latex: str, *, display: bool) -> tuple[int, str] | None:
        if len(latex) > _MAX_FORMULA_CHARS:
            return None
        if "\\|" in latex and self._text[self._text.rfind("\n", 0, start) + 1 : start].lstrip().startswith("|"):
            # In a table a bar needs a backslash, which is not shown.
            latex = latex.replace("\\|", "|")
        if "\n" in latex:
            latex = _QUOTE_MARK.sub("", latex)
        return end, self._source.keep(self._text[start:end], latex, display=display)

    def _find(self, closing: str, start: int, *, in_paragraph: bool = False) -> int:
        """Return where ``closing`` comes next, or -1."""
        end = self._end_of_paragraph(start) if in_paragraph else len(self._text)
        missing = self._missing_in_paragraph if in_paragraph else self._missing
        found = -1 if closing in missing else self._text.find(closing, start, end)
        if found < 0:
            missing.add(closing)
        return found

    def _end_of_paragraph(self, start: int) -> int:
        if start >= self._paragraph_end:
            match = _BLANK_LINE.search(self._text, start)
            self._paragraph_end = match.start() + 1 if match else len(self._text)
            self._missing_in_paragraph.clear()
        return self._paragraph_end


_READERS: Final[dict[str, Callable[[_Scanner, int], tuple[int, str] | None]]] = {
    "\\": _Scanner._backslash,
    "$": _Scanner._dollar,
    "`": _Scanner._code,
    "%": _Scanner._percent,
    "<": _Scanner._angle,
    "[": _Scanner._bracket,
    "!": _Scanner._bracket,
    "{": _Scanner._role,
}


def _inline_formula(between: str, after: str) -> str:
    """Return what stands between two dollar signs if it is a formula, by Pandoc's rule and one for prices."""
    if len(between) > 2 and between.startswith("`") and between.endswith("`"):
        # GitLab's notation.
        between = between[1:-1]
    if between[-1:].isspace() or after.isdigit() or "`" in between:
        return ""
    # Two prices, or a variable of a shell, and words between them.
    return "" if _WORDS.search(between) and not _TEX_SIGN.search(between) else between


def _latex_of(source: str) -> str:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(source.encode(), parser)
    except etree.XMLSyntaxError:
        return ""
    return "" if root is None else mathml_to_latex(root)
