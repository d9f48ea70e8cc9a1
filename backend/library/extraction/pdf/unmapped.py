"""Finds characters whose meaning a file does not say, such as the ligatures of fonts without a Unicode map."""

import re
from typing import Final

import pypdfium2.raw as pdfium

from backend.library.extraction.pdf.characters import LINE_END_HYPHEN, UNKNOWN, Characters
from backend.library.extraction.pdf.runs import Fonts, Part, as_object

MAX_SHARE: Final = 0.002
"""Of the letters: with more unknown characters than this, words have gaps."""

_SUSPECT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\ufffe\uffff]")


def replace_unmapped(chars: Characters, parts: list[Part], fonts: Fonts) -> int:
    """Put U+FFFD for characters without a meaning and return their number.

    A line-end hyphen, for which PDFium has a code of its own, stays. Characters of fonts of large signs, whose lines
    are uncertain anyway, are dropped.
    """
    if not _SUSPECT.search(chars.text):
        return 0
    exempt = {
        index
        for part in parts
        if part.address and fonts.has_large_signs(as_object(part.address))
        for index in range(part.first, part.stop)
    }
    found = 0
    for match in _SUSPECT.finditer(chars.text):
        index = match.start()
        if pdfium.FPDFText_IsHyphen(chars.raw, index) == 1:
            chars[index] = LINE_END_HYPHEN
        elif index in exempt:
            chars[index] = ""
        else:
            chars[index] = UNKNOWN
            found += 1
    return found
