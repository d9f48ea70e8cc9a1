"""Fields: their instructions are not shown, their results are; a few are shown without a result in the file."""

import re
from typing import Any

from backend.library.extraction.formulas.symbols import UNKNOWN, character_of, is_symbol_font
from backend.library.extraction.page_text import MISSING_FORMULA, formula, remove_marks
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.word.equation_fields import read_equation
from backend.library.extraction.word.names import VAL, W, is_set, local_name, number_of

_SYMBOL = re.compile(r"\s*SYMBOL\s+(0x[0-9a-f]+|\d+)", re.IGNORECASE)
_FONT = re.compile(r"\\f\s+(?:\"([^\"]+)\"|“([^”]+)”|(\S+))", re.IGNORECASE)
_SWITCHES = re.compile(r"\\\*\s*\w+")
_BUTTONS = frozenset({"MACROBUTTON", "GOTOBUTTON"})
_MAX_DEPTH = 100


class _Field:
    __slots__ = ("form_value", "has_result", "instruction")

    def __init__(self) -> None:
        self.instruction: list[str] = []
        self.has_result = False
        self.form_value = ""


class Fields:
    """Follows the fields that are open. They may nest and go over several paragraphs."""

    def __init__(self, writer: PageWriter) -> None:
        """Start outside any field."""
        self._writer = writer
        self._numbers = 0
        self._open: list[_Field] = []
        self._too_deep = 0

    @property
    def hides(self) -> bool:
        """Whether text here belongs to an instruction."""
        return any(not field.has_result for field in self._open)

    def take(self, node: Any) -> str:
        """Take ``w:fldChar`` or ``w:instrText``. Returns what a field shows that has no result in the file."""
        if local_name(node) == "instrText":
            # The result of a field within an instruction is a part of the instruction.
            outer = next((field for field in reversed(self._open) if not field.has_result), None)
            if outer is not None:
                outer.instruction.append(node.text or "")
            return ""
        kind = node.get(f"{W}fldCharType")
        if kind == "begin":
            if len(self._open) >= _MAX_DEPTH:
                self._too_deep += 1
                return ""
            self._open.append(_Field())
            self._open[-1].form_value = _form_value(node)
        elif self._too_deep:
            self._too_deep -= kind == "end"
        elif self._open and kind == "separate":
            self._open[-1].has_result = True
        elif self._open and kind == "end":
            return self._end(self._open.pop())
        return ""

    def _end(self, field: _Field) -> str:
        shown = field.form_value or ("" if field.has_result else self._computed("".join(field.instruction)))
        if not self.hides:
            return shown
        # It stands in the instruction of another one: a symbol in an equation.
        if shown and not self._open[-1].has_result:
            self._open[-1].instruction.append(shown)
        return ""

    def follow(self, run: Any) -> None:
        """Take the fields of a hidden run, of which nothing is shown."""
        for node in run.iter(f"{W}fldChar", f"{W}instrText"):
            self.take(node)

    def simple(self, instruction: str) -> str | None:
        """Return what ``w:fldSimple`` shows in place of its content; None if its content is shown."""
        return self._computed(instruction) or None

    def _computed(self, instruction: str) -> str:
        """Return what a field shows that Word computes anew each time: a symbol, an equation, a number."""
        name = next(iter(instruction.split()), "").upper()
        if name == "SYMBOL":
            return _symbol(instruction)
        if name in _BUTTONS:
            return _button(instruction)
        if name in ("AUTONUM", "AUTONUMLGL", "AUTONUMOUT"):
            self._numbers += 1
            return f"{self._numbers}."
        if name != "EQ":
            return ""
        equation = read_equation(remove_marks(instruction))
        if equation is None:
            self._writer.warn("formulas_lost")
            return MISSING_FORMULA
        return formula(equation.text) if equation.is_formula else equation.text


def _symbol(instruction: str) -> str:
    """Return the character of a ``SYMBOL`` field: a code of its font, or of Unicode without a symbol font."""
    match = _SYMBOL.match(instruction)
    if match is None:
        return ""
    number = match.group(1)
    code = int(number, 16) if number[:2].lower() == "0x" else int(number[:6])
    font = _FONT.search(instruction)
    name = next(filter(None, font.groups()), None) if font else None
    if is_symbol_font(name):
        return character_of(name, code) or UNKNOWN
    return remove_marks(chr(code)) if 32 <= code < 0xD800 else ""


def _button(instruction: str) -> str:
    """Return the text of a button, which follows its macro: numbers of equations are such texts."""
    words = _SWITCHES.sub(" ", remove_marks(instruction)).split(maxsplit=2)
    return words[2].strip() if len(words) > 2 else ""


def _form_value(node: Any) -> str:
    """Return what a box to tick or a list to choose from shows; nothing for other fields."""
    data = node.find(f"{W}ffData")
    if data is None:
        return ""
    box, choices = data.find(f"{W}checkBox"), data.find(f"{W}ddList")
    if box is not None:
        own = is_set(box, "checked")
        return "☒" if (is_set(box, "default") if own is None else own) else "☐"
    if choices is not None:
        entries = [entry.get(VAL, "") for entry in choices.iterchildren(f"{W}listEntry")]
        chosen = number_of(choices, "result")
        chosen = number_of(choices, "default") if chosen is None else chosen
        return entries[chosen or 0] if 0 <= (chosen or 0) < len(entries) else ""
    return ""
