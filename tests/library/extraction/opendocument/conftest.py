"""Makes and reads OpenDocument files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.library.types import PageText
from tests.library.extraction.opendocument.odf_files import write_odf

ReadOdf = Callable[..., tuple[list[PageText], dict[str, int]]]


@pytest.fixture
def read_odf(tmp_path: Path, read: Callable[..., Any]) -> ReadOdf:
    """Write a file with this body and read it; returns its pages, and the warnings with their counts."""

    def _read(body: str, kind: str = "odt", **options: Any) -> tuple[list[PageText], dict[str, int]]:
        pages, report = read(write_odf(tmp_path / f"notes.{kind}", body, **options))
        return pages, {warning.code: warning.count for warning in report.warnings}

    return _read


@pytest.fixture
def read_text(read_odf: ReadOdf) -> Callable[..., tuple[str, dict[str, int]]]:
    """Read a text with this body; returns the text of its first page, and the warnings."""

    def _read(body: str, **options: Any) -> tuple[str, dict[str, int]]:
        pages, warnings = read_odf(body, **options)
        return pages[0].text, warnings

    return _read
