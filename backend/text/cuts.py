"""Tells whether a part of a folded text claims something else than the text, because of what is left out beside it."""

import re

from backend.text.negations import cuts_off_negation

_SHIFTS = ("^{", "_{")
_OPEN_SHIFT = re.compile(r"[\^_]\{[^{}]*\Z")
_MAGNITUDE = (
    r"(?:thousand|million|billion|trillion|tausend|millionen|milliarden?|mio|mrd|mille|millions?|milliards?|mila"
    r"|milion[ei]|miliard[oi]|prozent|promille|percent|per cent|pour cent|per cento)(?!\w)"
)
# Before a number: a comparison, a root, a currency, a decimal point, or the other side of a range or an operation.
_SIGN_BEFORE = re.compile(r"(?:[<>≤≥≠≈~±∓√$€£¥]\s?|(?<!\w)[.,]|[\d)}](?::|\s?[-×·*/x]\s?)|(?<!\w)-)\Z")
_UNIT_AFTER = re.compile(rf"\s?(?:[%‰°]|[-±×·*/x]\s?\d|{_MAGNITUDE})|:\d|[.,']\d")
_NUMBER_BEFORE = re.compile(r"\d\s?\Z")
_UNIT_AT_END = re.compile(r"[\d}]\s?[^\W\d_]{1,4}\Z")
_PER = re.compile(r"\s?[/·]\s?[^\W\d_]")
_WORD_OF_MAGNITUDE = re.compile(_MAGNITUDE)
_DENIED = re.compile(
    r"(?:not (?:true|correct|the case)|false|incorrect|wrong|untrue|no evidence|a myth|unlikely"
    r"|(?:nicht|kaum) (?:wahr|richtig|so|wahrscheinlich)|falsch|unwahr|ein irrtum|faux|pas (?:vrai|exact)"
    r"|falso|non è vero|sbagliato),? (?:that |dass |que |qu'|che )\Z"
)


def cuts_claim(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` cuts through a word or a number, or leaves a sign, a unit or a negation behind."""
    return (
        _cuts_word(text, start, end)
        or _cuts_shift(text, start, end)
        or _cuts_quantity(text, start, end)
        or cuts_off_negation(text, start, end)
        or _DENIED.search(text, max(0, start - 60), start) is not None
    )


def _cuts_word(text: str, start: int, end: int) -> bool:
    before, last, after = text[max(0, start - 1) : start], text[end - 1], text[end : end + 2]
    return (before.isalnum() and (text[start].isalnum() or text.startswith(_SHIFTS, start))) or (
        len(after) == 2 and last.isalpha() and after[0] == "'" and after[1].isalpha()
    )


def _cuts_shift(text: str, start: int, end: int) -> bool:
    """Whether a span has half of a raised or lowered part, or leaves one behind."""
    return (
        (not text[end - 1].isspace() and text.startswith(_SHIFTS, end))
        or text[max(0, start - 2) : start] in _SHIFTS
        or _OPEN_SHIFT.search(text, max(0, end - 60), end) is not None
        or (text[start] != "}" and _OPEN_SHIFT.search(text, max(0, start - 60), start) is not None)
    )


def _cuts_quantity(text: str, start: int, end: int) -> bool:
    """Whether a span leaves a part of a number or of its unit behind."""
    near = max(0, start - 4)
    if text[start].isdigit() and _SIGN_BEFORE.search(text, near, start):
        return True
    # Digits group as in 1'200.
    if text[start].isdigit() and re.search(r"\d[.,']\Z", text[near:start]):
        return True
    if _NUMBER_BEFORE.search(text, near, start) and _WORD_OF_MAGNITUDE.match(text, start):
        return True
    if text[end - 1] in "0123456789}" and _UNIT_AFTER.match(text, end):
        return True
    return _UNIT_AT_END.search(text, max(0, end - 6), end) is not None and _PER.match(text, end) is not None
