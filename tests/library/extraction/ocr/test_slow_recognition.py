"""Pages whose recognition takes longer than it may."""

from pathlib import Path

import pytest

from backend.library.extraction import reader
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.reader import DocumentFormat, ReadLimits, read_document
from backend.library.types import PageText
from tests.library.extraction.ocr.scans import encode, page_picture, write_program, write_scan
from tests.patience import patient_s

WORD = "5\\t1\\t1\\t1\\t1\\t1\\t0\\t0\\t4000\\t5000\\t95\\tMembranes\\n"
HANGS = "exec sleep 600"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow a page less time than the product does."""
    monkeypatch.setattr(reader, "OCR_PAGE_S", patient_s(3.0))


def test_a_page_that_takes_too_long_is_not_readable_and_warned_of(tmp_path, read, monkeypatch):
    # Only the first image has no reading before it.
    known = tmp_path / "read.txt"
    write_program(tmp_path, f"[ -e {known} ] && printf '{WORD}' && exit\ntouch {known}\n{HANGS}", monkeypatch)
    pages, report = read(write_scan(tmp_path / "scan.pdf", [page_picture()] * 2))
    assert [(page.skipped, page.text) for page in pages] == [("not_readable", ""), (None, "Membranes")]
    assert {warning.code: (warning.count, warning.pages) for warning in report.warnings} == {
        "ocr_timed_out": (1, (1,)),
        "pages_not_readable": (1, (1,)),
        "ocr_pages": (1, (2,)),
    }


def test_a_scan_of_which_every_page_takes_too_long_is_not_without_text(tmp_path, monkeypatch):
    write_program(tmp_path, HANGS, monkeypatch)
    pages: list[PageText] = []
    path = write_scan(tmp_path / "scan.pdf", [page_picture()] * 2)
    with pytest.raises(UnreadableFile, match="ocr_too_slow"):
        read_document(path, DocumentFormat.PDF, ReadLimits(), pages.append)
    assert [page.skipped for page in pages] == ["not_readable"] * 2


def test_a_photograph_that_takes_too_long_is_not_called_unreadable(tmp_path: Path, read, monkeypatch):
    write_program(tmp_path, HANGS, monkeypatch)
    path = tmp_path / "photo.png"
    path.write_bytes(encode(page_picture()))
    with pytest.raises(UnreadableFile, match="ocr_too_slow"):
        read(path)


def test_what_was_readable_before_the_time_ended_is_kept(tmp_path, read, monkeypatch):
    # With so few letters, the page is also tried in other turns.
    known = tmp_path / "read.txt"
    write_program(tmp_path, f"[ -e {known} ] && {HANGS}\ntouch {known}\nprintf '{WORD}'", monkeypatch)
    [page], report = read(write_scan(tmp_path / "scan.pdf", [page_picture()]))
    assert page.text == "Membranes"
    assert [warning.code for warning in report.warnings] == ["ocr_pages"]
