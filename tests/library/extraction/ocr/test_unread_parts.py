"""Ink of a scan that Tesseract gives no words for."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from backend.library.extraction.ocr.recognised import Box
from backend.library.extraction.ocr.unread import find_unread
from tests.library.extraction.ocr.scans import FONT, LINES, page_picture, write_scan

# The boxes of the lines that ``page_picture`` draws, with letters of 34 pixels.
WORDS = [Box(100, 102 + 68 * number, 1100, 140 + 68 * number) for number in range(3)]


def _with_formula() -> Image.Image:
    """Return lines with a display formula, a fraction, between them."""
    page = page_picture([*LINES, "", "", "", "The potential follows from the concentrations."])
    draw = ImageDraw.Draw(page)
    font = ImageFont.truetype(FONT, size=44)
    for at, text in (((400, 380), "E ="), ((520, 345), "R T"), ((520, 405), "z F"), ((660, 380), "ln [K]")):
        draw.text(at, text, fill=0, font=font)
    draw.line((510, 400, 620, 400), fill=0, width=3)
    return page


def _with_stamp() -> Image.Image:
    """Return lines whose ends are under a stamp."""
    page = page_picture()
    stamp = Image.new("L", (420, 180), 0)
    draw = ImageDraw.Draw(stamp)
    draw.rectangle((4, 4, 415, 175), outline=255, width=8)
    draw.text((30, 50), "COPY 2026", fill=255, font=ImageFont.truetype(FONT, size=64))
    turned = stamp.rotate(18, expand=True)
    page.paste(60, (620, 60), turned)
    return page


@pytest.mark.parametrize("make", [_with_formula, _with_stamp], ids=["formula", "stamp"])
def test_what_is_not_read_is_marked_and_warned_of(tmp_path, read, tesseract, make):
    [page], report = read(write_scan(tmp_path / "scan.pdf", [make()]), ocr_languages="eng")
    at = page.text.index("[…]")
    assert any(span.kind == "uncertain" and span.start <= at < span.end for span in page.spans)
    assert {warning.code: warning.pages for warning in report.warnings}["ocr_parts_unread"] == (1,)


def test_a_formula_is_marked_between_its_lines(tmp_path, read, tesseract):
    [page], _ = read(write_scan(tmp_path / "scan.pdf", [_with_formula()]), ocr_languages="eng")
    assert page.text.index("substances") < page.text.index("[…]") < page.text.index("potential")


def test_words_beside_ink_that_is_not_read_are_uncertain():
    unread = find_unread(page_picture(), [WORDS[0], Box(100, 170, 500, 208), WORDS[2]])
    assert (unread.total, unread.words_beside) == (1, {1})


def test_ink_that_is_read_rules_and_dark_boxes_are_no_parts():
    page = page_picture()
    draw = ImageDraw.Draw(page)
    draw.rectangle((60, 80, 1180, 330), outline=0, width=4)
    draw.line((60, 700, 1180, 704), fill=0, width=4)
    draw.rectangle((100, 900, 700, 1100), fill=0)
    assert find_unread(page, WORDS).total == 0


def test_specks_are_no_parts():
    page = page_picture()
    draw = ImageDraw.Draw(page)
    for number in range(8):
        draw.ellipse((200 + 100 * number, 900, 206 + 100 * number, 906), fill=0)
    assert find_unread(page, WORDS).total == 0
