"""Where the words of a page are."""

from typing import NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction.pdf.characters import Box, Characters


class Word(NamedTuple):
    """A word with its box in fractions of the page as shown, from its bottom left corner."""

    text: str
    left: float
    bottom: float
    right: float
    top: float


def words_of_page(page: pypdfium2.PdfPage) -> list[Word]:
    """Return the words in PDFium's order. The page is not cleaned: compare sequences of folded words."""
    textpage = page.get_textpage()
    chars = Characters(textpage)
    words: list[Word] = []
    start = 0
    for at in range(len(chars) + 1):
        if at == len(chars) or chars[at].isspace() or pdfium.FPDFText_IsHyphen(chars.raw, at) == 1:
            boxes = [box for index in range(start, at) if (box := chars.box(index)) is not None]
            if boxes:
                words.append(Word("".join(chars[start:at]), *_shown(boxes, page)))
            start = at + 1
    textpage.close()
    return words


def _shown(boxes: list[Box], page: pypdfium2.PdfPage) -> Box:
    left, bottom, right, top = page.get_bbox()
    width, height = max(right - left, 1.0), max(top - bottom, 1.0)
    x0, x1 = ((edge(box[side] for box in boxes) - left) / width for edge, side in ((min, 0), (max, 2)))
    y0, y1 = ((edge(box[side] for box in boxes) - bottom) / height for edge, side in ((min, 1), (max, 3)))
    turns = page.get_rotation() // 90 % 4
    if turns == 1:
        return y0, 1 - x1, y1, 1 - x0
    if turns == 2:
        return 1 - x1, 1 - y1, 1 - x0, 1 - y0
    if turns == 3:
        return 1 - y1, x0, 1 - y0, x1
    return x0, y0, x1, y1
