"""Tools of the benchmarks: documents of a known size, and time spans."""

from pathlib import Path

import pypdfium2
import pytest

from backend.library.extraction.formats import DocumentFormat, detect_kind
from benchmarks.documents import CHARS_PER_PAGE, write_large_pdf, write_pdf
from benchmarks.memory import most_at_once


def test_a_pdf_has_the_requested_pages_and_text(tmp_path: Path) -> None:
    document = pypdfium2.PdfDocument(write_pdf(tmp_path / "notes.pdf", 3))
    texts = [page.get_textpage().get_text_range() for page in document]
    assert len(texts) == len(set(texts)) == 3
    assert all(CHARS_PER_PAGE <= len(text) <= CHARS_PER_PAGE + 200 for text in texts)


def test_the_same_pdf_is_written_each_time(tmp_path: Path) -> None:
    first, again = write_pdf(tmp_path / "a.pdf", 1), write_pdf(tmp_path / "b.pdf", 1)
    other = write_pdf(tmp_path / "c.pdf", 1, seed=2)
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()


def test_a_large_file_has_the_requested_size_and_is_detected_as_pdf(tmp_path: Path) -> None:
    file = write_large_pdf(tmp_path / "large.pdf", 2_345_678)
    assert file.stat().st_size == 2_345_678
    assert detect_kind(file.name, file) is DocumentFormat.PDF


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], 0),
        ([(0.0, 1.0), (1.0, 2.0)], 1),
        ([(0.0, 3.0), (1.0, 2.0), (1.5, 4.0), (3.5, 5.0)], 3),
    ],
)
def test_spans_that_overlap_are_counted(spans: list[tuple[float, float]], expected: int) -> None:
    assert most_at_once(spans) == expected
