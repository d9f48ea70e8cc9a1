"""Makes presentations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.library.extraction.reader import ReadReport
from backend.library.types import PageText
from tests.library.extraction.slides.deck import Deck

ReadSlide = Callable[..., tuple[str, dict[str, int]]]


@pytest.fixture
def deck(tmp_path: Path) -> Deck:
    """Start a presentation."""
    return Deck(tmp_path / "slides.pptx")


@pytest.fixture
def read_deck(deck: Deck, read: Callable[..., Any]) -> Callable[..., tuple[list[PageText], dict[str, int]]]:
    """Save the presentation and read it; returns its pages, and the warnings with their counts."""

    def _read(order: list[int] | None = None) -> tuple[list[PageText], dict[str, int]]:
        report: ReadReport
        pages, report = read(deck.save(order))
        return pages, {warning.code: warning.count for warning in report.warnings}

    return _read


@pytest.fixture
def read_slide(deck: Deck, read_deck: Callable[..., Any]) -> ReadSlide:
    """Read a presentation of one slide with these shapes; returns its text and the warnings."""

    def _read(*shapes: str, **options: Any) -> tuple[str, dict[str, int]]:
        deck.slide(*shapes, **options)
        pages, warnings = read_deck()
        return pages[0].text, warnings

    return _read
