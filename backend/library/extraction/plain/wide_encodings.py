"""Tells UTF-16 and UTF-32, also without a byte order mark."""

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE: Final = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
# Characters of the scripts in use, as opposed to the rubbish of bytes read in the wrong order.
_USUAL = re.compile(
    "[\t\n\r -~\u00a0-\u024f\u0300-\u036f\u0370-\u03ff\u0400-\u04ff\u0590-\u05ff\u0600-\u06ff\u2010-\u2044\u20ac"
    "\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]"
)
_PLAIN = re.compile("[\t\n\r -~]")
_USUAL_SHARE = 0.9


def find_wide_encoding(head: bytes) -> str | None:
    """Return the name of UTF-16 or UTF-32 if a text is in it, told by its mark or its zero bytes; else None.

    ``head`` is the beginning of the text, whole characters of four bytes unless it is all of it.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" not in head:
        return None
    best, name = max((_score(head, name), name) for name in _WIDE)
    return name if best > 0 else None


def _score(head: bytes, name: str) -> float:
    """Return how much a text in the encoding looks like one; 0 if it cannot be."""
    width = 4 if "32" in name else 2
    if len(head) % width:
        return 0.0
    try:
        # A pair of surrogates may be cut at the end.
        text = codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return 0.0
    if not text or "\0" in text:
        return 0.0
    usual = len(_USUAL.findall(text)) / len(text)
    plain = len(_PLAIN.findall(text)) / len(text)
    zeros = head.count(0) / len(head)
    as_bytes = len(re.findall(rb"[\t\n\r -~]", head)) / (len(head) - head.count(0))
    # Letters of Latin scripts have as many zero bytes as others; text with a stray one does not.
    if not plain or usual < _USUAL_SHARE or (as_bytes > _USUAL_SHARE and zeros < (width - 1) / width * 0.8):
        return 0.0
    return usual + plain
