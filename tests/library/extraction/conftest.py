"""Makes documents, and reads them."""

import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from backend.library.extraction.reader import DocumentFormat, ReadLimits, ReadReport, read_document
from backend.library.types import PageText
from tests.library.extraction.word_files import write_word_file

Reader = Callable[..., tuple[list[PageText], ReadReport]]


@pytest.fixture
def read() -> Reader:
    """Read a file by its extension; returns its pages and the report."""

    def _read(path: Path, **limits: Any) -> tuple[list[PageText], ReadReport]:
        pages: list[PageText] = []
        report = read_document(path, DocumentFormat(path.suffix[1:]), ReadLimits(**limits), pages.append)
        return pages, report

    return _read


@pytest.fixture
def make_pdf(tmp_path: Path) -> Callable[..., Path]:
    """Make a PDF; each page is a list of ``(x, y, text)`` or a list of lines."""

    def _make(pages: Iterable[Iterable[Any]], name: str = "notes.pdf", **options: Any) -> Path:
        path = tmp_path / name
        canvas = Canvas(str(path), pageCompression=1, **options)
        for page in pages:
            for number, item in enumerate(page):
                x, y, text = item if isinstance(item, tuple) else (72, 780 - 14 * number, item)
                canvas.drawString(x, y, text)
            canvas.showPage()
        canvas.save()
        return path

    return _make


@pytest.fixture
def make_bomb_pdf(tmp_path: Path) -> Callable[[bytes, int], Path]:
    """Make a PDF of one page whose content is ``unit`` repeated up to ``size_bytes``, deflated twice."""

    def _make(unit: bytes, size_bytes: int) -> Path:
        deflate = zlib.compressobj(9)
        once = b"".join(deflate.compress(unit) for _ in range(size_bytes // len(unit))) + deflate.flush()
        content = zlib.compress(once, 9)
        objects = [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>",
            b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%s\nendstream" % (len(content), content),
        ]
        body, offsets = bytearray(b"%PDF-1.4\n"), []
        for number, text in enumerate(objects, 1):
            offsets.append(len(body))
            body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
        table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        body += b"xref\n0 5\n0000000000 65535 f \n%strailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
            table,
            len(body),
        )
        path = tmp_path / "bomb.pdf"
        path.write_bytes(body)
        return path

    return _make


@pytest.fixture
def make_raw_docx(tmp_path: Path) -> Callable[..., Path]:
    """Make a DOCX whose body is exactly the XML given, in pieces; ``extra`` adds entries to its archive."""

    def _make(parts: Iterable[bytes], name: str = "raw.docx", extra: dict[str, bytes] | None = None) -> Path:
        return write_word_file(tmp_path / name, parts, parts=extra)

    return _make
