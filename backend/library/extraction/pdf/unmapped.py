"""Finds characters whose meaning a file does not say, such as the ligatures of fonts without a Unicode map."""

import re
from typing import Final

import pypdfium2.raw as pdfium

from backend.library.extraction.pdf.characters import LINE_END_HYPHEN, UNKNOWN, Characters
from backend.library.extraction.pdf.runs import Fonts, Part, as_object, has_large_signs
from backend.library.extraction.pdf.tex_fonts import meaning

MAX_SHARE: Final = 0.002
"""Of the letters: with more unknown characters than this, words have gaps."""

_SUSPECT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\ufffe\uffff]")


def replace_unmapped(chars: Characters, parts: list[Part], fonts: Fonts) -> int:
    """Put U+FFFD for characters without a meaning and return their number.

    A line-end hyphen, for which PDFium has a code of its own, stays. Characters of fonts of large signs, whose lines
    are uncertain anyway, are dropped.
    """
    found, at = 0, 0
    for match in _SUSPECT.finditer(chars.text):
        index = match.start()
        while parts[at].stop <= index:
            at += 1
        font = fonts.name(as_object(parts[at].address)) if parts[at].address else ""
        if pdfium.FPDFText_IsHyphen(chars.raw, index) == 1:
            chars[index] = LINE_END_HYPHEN
        elif has_large_signs(font):
            chars[index] = ""
        else:
            known = meaning(font, ord(match.group()))
            chars[index] = known or UNKNOWN
            found += known is None
    return found
