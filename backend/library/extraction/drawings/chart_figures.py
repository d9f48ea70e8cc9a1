"""Figures of charts as they are shown: rounded, in percent or as dates, by the number format of their cells."""

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

# Excel's day 0; its leap day of 1900, which never was, makes days before March 1900 differ by one.
_DAY_ZERO: Final = datetime(1899, 12, 30, tzinfo=UTC)
_MAX_DAY = 2_958_465
_QUOTED = re.compile(r'"([^"]*)"|\\(.)|\[[^\]]*\]|_.|\*.')
_PLACES = re.compile(r"[0#?][0#?,]*(?:\.([0#?]+))?")
_MAX_SHOWN = Decimal("1e15")


def shown_figure(value: str, code: str) -> str:
    """Return a figure in the number format ``code`` of a spreadsheet.

    Formats with conditions, fractions or exponents are left alone: the figure then has up to 15 digits.
    """
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        return value
    if not number.is_finite():
        return value
    section = code.split(";", maxsplit=1)[0]
    plain = _QUOTED.sub("", section)
    if re.search("[dDyY]|[mM]{3}", plain) and not re.search("[0#]", plain):
        return _date(number) or _general(number)
    places = _PLACES.search(plain)
    if places is None or "E" in plain.upper() or "/" in plain or plain.rstrip("% ").endswith(","):
        return _general(number)
    percent = "%" in plain
    if abs(number) >= _MAX_SHOWN:
        return _general(number)
    decimals = places.group(1) or ""
    shown = (number * 100 if percent else number).quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    text = f"{shown:f}"
    optional = len(decimals) - len(decimals.rstrip("#"))
    while optional and text.endswith("0"):
        text, optional = text[:-1], optional - 1
    return text.removesuffix(".") + ("%" if percent else "")


def _general(number: Decimal) -> str:
    rounded = number if len(number.as_tuple().digits) <= 15 else Decimal(f"{number:.14e}")
    text = f"{rounded:f}" if -10 < rounded.adjusted() < 15 else f"{rounded.normalize():e}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text.lower() else text


def _date(days: Decimal) -> str | None:
    if not 0 < days <= _MAX_DAY:
        return None
    moment = _DAY_ZERO + timedelta(seconds=round(float(days) * 86_400))
    return moment.strftime("%Y-%m-%d %H:%M") if moment.hour or moment.minute else moment.strftime("%Y-%m-%d")
