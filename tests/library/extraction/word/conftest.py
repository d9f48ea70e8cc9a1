"""Reads Word files that a test describes by their XML."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.library.extraction.word_files import write_word_file

ReadWord = Callable[..., tuple[str, list[str]]]


@pytest.fixture
def read_word(tmp_path: Path, read: Callable[..., Any]) -> ReadWord:
    """Read a body; returns the text of all pages and the codes of warnings."""

    def _read(body: str, **parts: Any) -> tuple[str, list[str]]:
        pages, report = read(write_word_file(tmp_path / "x.docx", body, **parts))
        return "\n\n".join(page.text for page in pages), [warning.code for warning in report.warnings]

    return _read
