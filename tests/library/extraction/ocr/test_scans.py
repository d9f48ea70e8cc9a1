"""Scanned pages of PDFs."""

import os
import shutil

import pytest
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from backend.library.extraction.errors import UnreadableFile
from backend.library.types import OCR_TRUSTED, PageSource
from tests.library.extraction.ocr.scans import (
    LINES,
    PAGE,
    PARAGRAPH,
    noise_picture,
    page_picture,
    write_program,
    write_scan,
)
from tests.patience import patient_s

TEXT = " ".join(LINES)
LONG_STAMP = (
    "This content downloaded from 198.51.100.23 on Thu, 12 Mar 2026 09:31:55 UTC.",
    "All use is subject to the terms of the archive, which you find on its pages.",
)


def _text(page) -> str:
    return " ".join(page.text.split())


def test_a_scan_is_read_with_its_confidence(tmp_path, read, tesseract):
    pages, report = read(write_scan(tmp_path / "scan.pdf", [page_picture()]), ocr_languages="xyz+deu+eng")
    assert (pages[0].source, _text(pages[0])) == (PageSource.OCR, TEXT)
    assert OCR_TRUSTED <= pages[0].confidence <= 100
    assert [(warning.code, warning.pages) for warning in report.warnings] == [("ocr_pages", (1,))]


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("deu", "Die Zellwände grösserer Pflanzen"),
        ("fra", "La mémoire évolue après l'école"),
        ("ita", "La cellula è più piccola di così"),
    ],
)
def test_a_scan_is_read_in_its_language(tmp_path, read, tesseract, language, line):
    if language not in tesseract:
        pytest.skip(f"Tesseract has no {language} here: root gets it from Debian, the wheel does not have it.")
    pages, _ = read(write_scan(tmp_path / "scan.pdf", [page_picture([line])]), ocr_languages=language)
    assert _text(pages[0]) == line


def test_a_long_stamp_does_not_hide_a_scan(tmp_path, read, tesseract):
    pages, _ = read(write_scan(tmp_path / "scan.pdf", [page_picture()], LONG_STAMP))
    assert pages[0].source is PageSource.OCR
    assert TEXT in _text(pages[0])


def test_a_scan_that_was_recognised_before_is_not_recognised_again(tmp_path, read, tesseract):
    pages, report = read(write_scan(tmp_path / "scan.pdf", [page_picture()], hidden="Text from an earlier recognition"))
    assert (pages[0].source, report.warnings) == (PageSource.TEXT, ())
    assert "Text from an earlier recognition" in pages[0].text


@pytest.mark.parametrize("angle", [90, 180, 270, -3, 5])
def test_a_turned_scan_is_read(tmp_path, read, tesseract, angle):
    turned = page_picture().rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    pages, report = read(write_scan(tmp_path / "scan.pdf", [turned]))
    assert _text(pages[0]) == TEXT
    assert [warning.code for warning in report.warnings] == ["ocr_pages"]


def test_an_empty_back_is_blank(tmp_path, read, tesseract):
    pages, report = read(write_scan(tmp_path / "scan.pdf", [page_picture([PARAGRAPH]), Image.new("L", PAGE, 250)]))
    assert [page.skipped for page in pages] == [None, "blank"]
    assert [(warning.code, warning.pages) for warning in report.warnings] == [("ocr_pages", (1,))]


def test_stains_do_not_become_words(tmp_path, read, tesseract):
    pages, report = read(write_scan(tmp_path / "scan.pdf", [page_picture([PARAGRAPH]), noise_picture()]))
    assert [(page.skipped, bool(page.text)) for page in pages] == [(None, True), ("not_readable", False)]
    assert ("pages_not_readable", (2,)) in [(warning.code, warning.pages) for warning in report.warnings]


def test_scans_over_the_limit_are_not_readable(tmp_path, read, tesseract):
    pages, report = read(write_scan(tmp_path / "scan.pdf", [page_picture([PARAGRAPH])] * 3), ocr_max_pages=1)
    assert [page.skipped for page in pages] == [None, "not_readable", "not_readable"]
    assert ("pages_not_readable", 2, (2, 3)) in [(w.code, w.count, w.pages) for w in report.warnings]


def test_recognition_is_not_taken_from_the_wall_clock(tmp_path, read, tesseract, monkeypatch):
    wall_s = patient_s(3.0)
    slow = tmp_path / "slow" / "tesseract"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\nsleep {wall_s / 2}\nexec {shutil.which("tesseract")} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    # The three pages take longer together than the wall clock allows.
    pages, _ = read(write_scan(tmp_path / "scan.pdf", [page_picture([PARAGRAPH])] * 3), wall_s=wall_s)
    assert [page.source for page in pages] == [PageSource.OCR] * 3


def test_without_tesseract_a_scan_has_no_text(tmp_path, read, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreadableFile, match="no_text"):
        read(write_scan(tmp_path / "scan.pdf", [page_picture([PARAGRAPH])]))


@pytest.mark.parametrize(("confidence", "codes"), [(69, ["ocr_pages", "ocr_uncertain"]), (70, ["ocr_pages"])])
def test_a_low_confidence_is_stored_and_warned_of(tmp_path, read, monkeypatch, confidence, codes):
    start = "5\t1\t1\t1\t1\t1\t0\t0\t4000\t5000"
    rows = "".join(f"{start}\t{confidence}\t{word}\n" for word in LINES[0].split())
    (tmp_path / "words.tsv").write_text(rows)
    write_program(tmp_path, f"cat {tmp_path}/words.tsv", monkeypatch)
    [page], report = read(write_scan(tmp_path / "scan.pdf", [page_picture()]))
    assert (page.confidence, _text(page)) == (confidence, LINES[0])
    assert [warning.code for warning in report.warnings] == codes


SLIDE_TEXT = [
    "Osmosis is the diffusion of water across a membrane.",
    "A hypotonic solution has fewer dissolved particles than the cell.",
    "The cell wall is a rigid layer outside the plasma membrane.",
]


def _over_picture(path, picture: Image.Image):
    """Write a page with text over a picture that fills it, as slides with a background are exported."""
    canvas = Canvas(str(path))
    canvas.drawImage(ImageReader(picture), 0, 0, *A4)
    canvas.setFont("Helvetica", 16)
    for number, line in enumerate(SLIDE_TEXT):
        canvas.drawString(60, 560 - 40 * number, line)
    canvas.save()
    return path


def test_text_over_a_background_stays(tmp_path, read, tesseract):
    background = Image.linear_gradient("L").point(lambda value: 200 + value // 5).resize(PAGE)
    [page], report = read(_over_picture(tmp_path / "slide.pdf", background))
    assert (page.source, page.skipped, _text(page)) == (PageSource.TEXT, None, " ".join(SLIDE_TEXT))
    assert report.warnings == ()


def test_text_over_a_picture_that_cannot_be_read_stays_with_a_warning(tmp_path, read, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    [page], report = read(_over_picture(tmp_path / "slide.pdf", noise_picture()))
    assert (page.source, page.skipped, _text(page)) == (PageSource.TEXT, None, " ".join(SLIDE_TEXT))
    assert [warning.code for warning in report.warnings] == ["pictures_not_read"]


def test_a_stamp_alone_is_not_the_text_of_a_scan(tmp_path, read, make_pdf, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreadableFile, match="no_text"):
        read(write_scan(tmp_path / "scan.pdf", [page_picture()], LONG_STAMP))
