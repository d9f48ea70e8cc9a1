"""Equations of fields (``EQ \\f(1;2)``), as Word had them before its formulas, in LaTeX; also old furigana.

Arguments are separated by semicolons if there are any, else by commas.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from backend.library.extraction.formulas import latex

_MAX_DEPTH = 30
_SWITCH = re.compile(r"\\([a-z]+)(-?\d*)", re.IGNORECASE)
_BRACKET = re.compile(r"\\(lc|rc|bc)\\(.)", re.IGNORECASE)
_OPTIONS = frozenset(
    {"up", "do", "ai", "di", "ad", "al", "ac", "ar", "co", "vs", "hs", "lc", "rc", "bc", "su", "pr"}
    | {"in", "fc", "vc", "fo", "ba", "li", "to", "bo", "le", "ri"}
)
_NUMBER = re.compile(r"\s*\d+(?=\s*[(\\])")
_ACCENTS = {latex.sign(sign): command for sign, command in latex.ACCENTS.items()}
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_HEAD = re.compile(r"\s*EQ\b\s*", re.IGNORECASE)
# Fonts and sizes of furigana: \* jc2 \* "Font:MS Mincho" \* hps10
_SETTINGS = re.compile(r"\\\*\s*(?:\"[^\"]*\"|\S+)\s*")


class Equation(NamedTuple):
    """What a field shows; ``is_formula``: in LaTeX."""

    text: str
    is_formula: bool = True


class _NotReadable(ValueError):
    """The field has a switch that is not known here, or its brackets do not match."""


def read_equation(instruction: str) -> Equation | None:
    """Return what an ``EQ`` field shows; None if it cannot be read."""
    source = _SETTINGS.sub("", _HEAD.sub("", instruction, count=1)).strip()
    furigana = _furigana(source)
    if furigana is not None:
        return Equation(furigana, is_formula=False)
    parser = _Parser(source, ";" if ";" in source else ",")
    try:
        parts = parser.sequence("")
    except (ValueError, IndexError):
        # Also: an argument too few or too many.
        return None
    text = latex.join(parts[0]).strip()
    return Equation(text) if text and len(parts) == 1 else None


def _furigana(source: str) -> str | None:
    """Return a word with its reading: ``\\o\\ad(\\s\\up 9(reading),word)``."""
    match = re.fullmatch(r"\\o(?:\\a[dlcr])?\s*\(\\s\\up\s*\d*\(([^()]*)\)\s*[,;]([^()]*)\)", source, re.IGNORECASE)
    return f"{match.group(2).strip()}({match.group(1).strip()})" if match else None


class _Parser:
    def __init__(self, source: str, separator: str) -> None:
        self._source = source
        self._separator = separator
        self._at = 0
        self._depth = 0

    def sequence(self, end: str) -> list[list[str]]:
        """Read arguments up to ``end``; each is a list of pieces of LaTeX."""
        arguments: list[list[str]] = [[]]
        plain: list[str] = []
        open_brackets = 0

        def flush() -> None:
            if plain:
                arguments[-1].append(latex.mathematics("".join(plain)))
                plain.clear()

        while self._at < len(self._source):
            sign = self._source[self._at]
            if sign == "\\":
                flush()
                arguments[-1].append(self._switch())
                continue
            self._at += 1
            if end and sign == end and not open_brackets:
                flush()
                return arguments
            if end and sign == self._separator and not open_brackets:
                flush()
                arguments.append([])
                continue
            open_brackets += (sign == "(") - (sign == ")" and open_brackets > 0)
            plain.append(sign)
        if end:
            raise _NotReadable(end)
        flush()
        return arguments

    def _switch(self) -> str:
        match = _SWITCH.match(self._source, self._at)
        if match is None:
            # A sign that would mean something else without the backslash.
            sign = self._source[self._at + 1]
            self._at += 2
            return latex.mathematics(sign)
        self._at = match.end()
        name = match.group(1).lower()
        options = self._options()
        if name == "d":
            return ""
        if name not in _RULES or self._at >= len(self._source) or self._source[self._at] != "(":
            raise _NotReadable(name)
        self._at += 1
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _NotReadable(name)
        arguments = [latex.join(pieces).strip() for pieces in self.sequence(")")]
        self._depth -= 1
        return _RULES[name](arguments, options)

    def _options(self) -> dict[str, str]:
        options: dict[str, str] = {}
        while True:
            self._skip_blanks()
            bracket = _BRACKET.match(self._source, self._at)
            if bracket:
                options[bracket.group(1).lower()] = bracket.group(2)
                self._at = bracket.end()
                continue
            match = _SWITCH.match(self._source, self._at)
            if match is None or match.group(1).lower() not in _OPTIONS:
                return options
            options[match.group(1).lower()] = match.group(2)
            self._at = match.end()
            self._skip_number()

    def _skip_number(self) -> None:
        number = _NUMBER.match(self._source, self._at)
        if number:
            self._at = number.end()

    def _skip_blanks(self) -> None:
        while self._at < len(self._source) and self._source[self._at] == " ":
            self._at += 1


def _fraction(arguments: list[str], options: dict[str, str]) -> str:
    above, below = arguments
    return f"\\frac{{{above}}}{{{below}}}"


def _root(arguments: list[str], options: dict[str, str]) -> str:
    degree, radicand = arguments if len(arguments) == 2 else ("", *arguments)
    return f"\\sqrt[{degree}]{{{radicand}}}" if degree else f"\\sqrt{{{radicand}}}"


def _script(arguments: list[str], options: dict[str, str]) -> str:
    if len(arguments) == 2:
        return f"_{{{arguments[1]}}}^{{{arguments[0]}}}"
    (text,) = arguments
    return f"_{{{text}}}" if "do" in options else f"^{{{text}}}"


def _bracket(arguments: list[str], options: dict[str, str]) -> str:
    (content,) = arguments
    both = options.get("bc")
    begin = options.get("lc", both or ("(" if not options else ""))
    end = options.get("rc", _CLOSING.get(both, both) if both else (")" if not options else ""))
    return latex.join([f"\\left{latex.sign(begin) or '.'}", content, f"\\right{latex.sign(end) or '.'}"])


def _array(arguments: list[str], options: dict[str, str]) -> str:
    columns = max(int(options.get("co") or 1), 1)
    rows = [" & ".join(arguments[at : at + columns]) for at in range(0, len(arguments), columns)]
    return "\\begin{matrix}" + "\\\\ ".join(rows) + "\\end{matrix}"


def _integral(arguments: list[str], options: dict[str, str]) -> str:
    below, above, content = arguments
    operator = "\\sum" if "su" in options else "\\prod" if "pr" in options else "\\int"
    scripts = (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    return latex.join([operator + scripts, content])


def _over(arguments: list[str], options: dict[str, str]) -> str:
    base, *signs = arguments
    for sign in signs:
        if sign not in _ACCENTS:
            raise _NotReadable(sign)
        base = f"\\{_ACCENTS[sign]}{{{base}}}"
    return base


def _box(arguments: list[str], options: dict[str, str]) -> str:
    (content,) = arguments
    command = "overline" if "to" in options else "underline" if "bo" in options else "boxed"
    return f"\\{command}{{{content}}}"


_RULES: Final[dict[str, Callable[[list[str], dict[str, str]], str]]] = {
    "f": _fraction,
    "r": _root,
    "s": _script,
    "b": _bracket,
    "a": _array,
    "i": _integral,
    "o": _over,
    "x": _box,
    "l": lambda arguments, options: ",".join(arguments),
}
