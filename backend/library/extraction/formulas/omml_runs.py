"""Runs of Office's mathematics: letters with their alphabets, names set upright, words."""

import re
from typing import Any, Final

from backend.library.extraction.formulas import latex
from backend.library.extraction.formulas.symbols import UNKNOWN, character_of, decode

MATH: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
NEW_LINE: Final = "\\\\ "
OFF: Final = frozenset({"0", "off", "false"})

_WORD: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SCRIPTS = {
    "script": "mathcal",
    "fraktur": "mathfrak",
    "double-struck": "mathbb",
    "sans-serif": "mathsf",
    "monospace": "mathtt",
}
_LINEAR_SCRIPT = re.compile(r"([\^_])(\([^()]*\)|[-−+]?\w+)")
_NAME = re.compile(r"[^\W\d_]+")
_LETTER_BLANK = re.compile(r"(?<=\w) +(?=\w)")
_CODE = re.compile("[0-9A-Fa-f]{1,5}")


def latex_of_run(run: Any) -> str:
    """Return what a run (``m:r``) shows."""
    properties = run.find(f"{MATH}rPr")
    font = _font(run)
    pieces: list[str] = []
    for node in run.iter():
        name = local_name(node)
        if name == "t":
            text, _ = decode(node.text or "", font)
            pieces.append(_styled(text, properties))
        elif name == "sym":
            code = node.get(f"{_WORD}char", "")
            found = character_of(node.get(f"{_WORD}font"), int(code, 16)) if _CODE.fullmatch(code) else None
            pieces.append(latex.sign(found or UNKNOWN))
        elif name in ("br", "cr"):
            pieces.append(NEW_LINE)
    return latex.join(pieces)


def _styled(text: str, properties: Any) -> str:
    if not text:
        return ""
    if properties is None:
        return _plain(text)
    if is_on(properties, "nor"):
        return latex.words(text) if text.strip() else "\\ "
    script, style = _value(properties, "scr"), _value(properties, "sty")
    if script in _SCRIPTS:
        return latex.styled(text, _SCRIPTS[script])
    if style in ("b", "bi"):
        return latex.styled(text, "mathbf")
    return _plain(text, upright=style == "p")


def _plain(text: str, *, upright: bool = False) -> str:
    """Return text of a formula: scripts that were typed in a line are raised, names upright, blanks kept in words."""
    parts: list[str] = []
    end = 0
    for match in _LINEAR_SCRIPT.finditer(text):
        operand = match.group(2)
        operand = operand[1:-1] if operand[0] == "(" else operand
        parts += _signs(text[end : match.start()], upright), f"{match.group(1)}{{{_signs(operand, upright)}}}"
        end = match.end()
    parts.append(_signs(text[end:], upright))
    return latex.join(parts)


def _signs(text: str, upright: bool) -> str:
    text = _LETTER_BLANK.sub("\u00a0", text)
    if not upright:
        return latex.mathematics(text)
    parts: list[str] = []
    end = 0
    for match in _NAME.finditer(text):
        parts += latex.mathematics(text[end : match.start()]), _upright(match.group())
        end = match.end()
    return latex.join([*parts, latex.mathematics(text[end:])])


def _upright(name: str) -> str:
    # Greek letters and signs have no upright form of their own here.
    return latex.upright(name) if name.isascii() or len(name) > 1 else latex.mathematics(name)


def _font(run: Any) -> str | None:
    fonts = run.find(f"{_WORD}rPr/{_WORD}rFonts")
    return fonts.get(f"{_WORD}ascii") if fonts is not None else None


def local_name(element: Any) -> str:
    """Return the name of an element without its namespace; nothing for a comment or an entity."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def is_on(properties: Any, name: str) -> bool:
    """Whether a property without a value, or with one that is not off, is there."""
    return (_value(properties, name) or "0") not in OFF


def _value(properties: Any, name: str) -> str | None:
    found = properties.find(MATH + name)
    return None if found is None else found.get(f"{MATH}val", "1")
