"""Fields: their instructions are not shown, their results are; a few are shown without a result in the file."""

import re
from typing import Any

from backend.library.extraction.formulas.symbols import character_of
from backend.library.extraction.page_text import MISSING_FORMULA, remove_marks
from backend.library.extraction.word.names import W, local_name, value_of

_SYMBOL = re.compile(r"\s*SYMBOL\s+(0x[0-9a-f]+|\d+)", re.IGNORECASE)
_FONT = re.compile(r"\\f\s+(?:\"([^\"]+)\"|“([^”]+)”|(\S+))", re.IGNORECASE)
_MAX_DEPTH = 100


class _Field:
    __slots__ = ("box", "has_result", "instruction")

    def __init__(self) -> None:
        self.instruction: list[str] = []
        self.has_result = False
        self.box = ""


class Fields:
    """Follows the fields that are open. They may nest and go over several paragraphs."""

    def __init__(self) -> None:
        """Start outside any field."""
        self._open: list[_Field] = []
        self._too_deep = 0

    @property
    def hides(self) -> bool:
        """Whether text here belongs to an instruction."""
        return any(not field.has_result for field in self._open)

    def take(self, node: Any) -> str:
        """Take ``w:fldChar`` or ``w:instrText``. Returns what a field shows that has no result in the file."""
        if local_name(node) == "instrText":
            if self._open and not self._open[-1].has_result:
                self._open[-1].instruction.append(node.text or "")
            return ""
        kind = node.get(f"{W}fldCharType")
        if kind == "begin":
            if len(self._open) >= _MAX_DEPTH:
                self._too_deep += 1
                return ""
            self._open.append(_Field())
            self._open[-1].box = _check_box(node)
        elif self._too_deep:
            self._too_deep -= kind == "end"
        elif self._open and kind == "separate":
            self._open[-1].has_result = True
        elif self._open and kind == "end":
            field = self._open.pop()
            if not self.hides:
                return field.box or ("" if field.has_result else shown_without_result("".join(field.instruction)))
        return ""

    def follow(self, run: Any) -> None:
        """Take the fields of a hidden run, of which nothing is shown."""
        for node in run.iter(f"{W}fldChar", f"{W}instrText"):
            self.take(node)

    def simple(self, instruction: str) -> str | None:
        """Return what ``w:fldSimple`` shows in place of its content; None if its content is shown."""
        return shown_without_result(instruction) or None


def shown_without_result(instruction: str) -> str:
    """Return what a field shows that Word computes anew each time: a symbol, or an equation (as missing)."""
    symbol = _SYMBOL.match(instruction)
    if symbol:
        number = symbol.group(1)
        code = int(number, 16) if number[:2].lower() == "0x" else int(number[:6])
        font = _FONT.search(instruction)
        name = next(filter(None, font.groups()), None) if font else None
        character = character_of(name, code) if name else None
        return character or (remove_marks(chr(code)) if 32 <= code < 0xD800 else "")
    return MISSING_FORMULA if instruction.split()[:1] in (["EQ"], ["eq"]) else ""


def _check_box(node: Any) -> str:
    data = node.find(f"{W}ffData/{W}checkBox")
    if data is None:
        return ""
    checked = value_of(data, "checked") if data.find(f"{W}checked") is not None else value_of(data, "default")
    is_checked = (
        checked not in ("0", "false", "off") if data.find(f"{W}checked") is not None else checked in ("1", "true", "on")
    )
    return "☒" if is_checked else "☐"
