"""Numbers as labels: digits, letters, Roman numbers and the rarer formats of Word (ISO/IEC 29500-1, 17.18.59)."""

from collections.abc import Callable
from typing import Final

_ROMAN = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
)
_MAX_ROMAN = 3999
_MAX_REPEATS = 30
_CHICAGO = "*†‡§"
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщыэюя"
_CHINESE = "〇一二三四五六七八九"
_CIRCLED = range(1, 21)


def formatted(number: int, number_format: str) -> str:
    """Return a number in one of Word's formats; digits if the format or the number is out of its range."""
    shape = _FORMATS.get(number_format)
    return str(number) if shape is None or (number < 1 and number_format not in _ZERO) else shape(number)


def _roman(number: int) -> str:
    if number > _MAX_ROMAN:
        return str(number)
    shown = ""
    for value, sign in _ROMAN:
        shown += sign * (number // value)
        number %= value
    return shown


def _repeated(number: int, signs: str) -> str:
    """Letters start over doubled: z, aa, bb."""
    repeats = (number - 1) // len(signs) + 1
    return str(number) if repeats > _MAX_REPEATS else signs[(number - 1) % len(signs)] * repeats


def _letter(number: int) -> str:
    return _repeated(number, "abcdefghijklmnopqrstuvwxyz")


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _chinese(number: int) -> str:
    if number > 99:
        return str(number)
    tens, ones = divmod(number, 10)
    if not tens:
        return _CHINESE[ones]
    return (_CHINESE[tens] if tens > 1 else "") + "十" + (_CHINESE[ones] if ones else "")


def _circled(number: int) -> str:
    return chr(0x2460 + number - 1) if number in _CIRCLED else f"({number})"


_FORMATS: Final[dict[str, Callable[[int], str]]] = {
    "decimal": str,
    "decimalZero": lambda number: f"{number:02d}",
    "01, 02, 03, ...": lambda number: f"{number:02d}",
    "001, 002, 003, ...": lambda number: f"{number:03d}",
    "0001, 0002, 0003, ...": lambda number: f"{number:04d}",
    "lowerLetter": _letter,
    "upperLetter": lambda number: _letter(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "ordinal": _ordinal,
    "chicago": lambda number: _repeated(number, _CHICAGO),
    "russianLower": lambda number: _repeated(number, _RUSSIAN),
    "russianUpper": lambda number: _repeated(number, _RUSSIAN).upper(),
    "numberInDash": lambda number: f"- {number} -",
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "decimalEnclosedParen": lambda number: f"({number})",
    "decimalEnclosedFullstop": lambda number: f"{number}.",
    "chineseCounting": _chinese,
    "chineseCountingThousand": _chinese,
    "japaneseCounting": _chinese,
    "taiwaneseCounting": _chinese,
    "ideographDigital": _chinese,
}
_ZERO = frozenset(
    {"decimal", "decimalZero", "numberInDash", "01, 02, 03, ...", "001, 002, 003, ...", "0001, 0002, 0003, ..."}
)
