"""Text of users without what nobody sees."""

import re

from pydantic import BeforeValidator

# Control characters but tab and line feed, zero-width and direction marks, Unicode tags, non-characters and
# lone surrogates: nobody sees them, and PostgreSQL refuses some.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def _without_invisible(value: object) -> object:
    if not isinstance(value, str):
        return value
    return _INVISIBLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))


def _on_one_line(value: object) -> object:
    cleaned = _without_invisible(value)
    return " ".join(cleaned.split()) if isinstance(cleaned, str) else cleaned


Visible = BeforeValidator(_without_invisible)
"""Annotates a text of several lines, which loses invisible characters before its length is checked."""

VisibleLine = BeforeValidator(_on_one_line)
"""Annotates a text of one line, whose line breaks and runs of white space become single spaces besides."""
