"""Estimates what a run over documents costs: from their sections if they have been read, else from their size."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from backend.core.work.jobs import JobState
from backend.generation.charging.estimates import Estimate, Part, Scenarios, estimate, predict_section
from backend.generation.charging.prices import RunPrices, prices_of
from backend.generation.models import Run
from backend.generation.sections.cutting import Section, allocate, automatic_counts, plan_sections
from backend.library import service as library
from backend.settings import get_settings
from backend.study import service as study
from backend.study.types import AskedCounts, Counts

# Characters of a document that has not been read: on a page, and for a byte of a file without pages. At least, as a
# rule, and at most. Text files are what they are; in other files pictures and compression hide how much text there is.
_PER_PAGE = (200.0, 1_800.0, 5_000.0)
_PER_BYTE_OF_TEXT = (0.5, 1.0, 1.0)
_PER_BYTE = (1 / 400, 1 / 20, 2.0)
_TEXT_FORMATS = frozenset({"txt", "md"})


class UploadedDocument(Protocol):
    """What is known of a document before it has been read."""

    id: UUID
    state: str
    format: str
    size_bytes: int
    pages_total: int | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What a run may cost, and the counts and the number of sections that were assumed.

    ``first`` is what its first section needs, or 0 if documents have not been read.
    """

    credits: Estimate
    asked: Counts
    sections: int
    first: int


def estimate_documents(
    study_set_id: UUID, documents: Sequence[UploadedDocument], asked: AskedCounts, prices: RunPrices
) -> RunEstimate:
    """Return what a run over these documents would cost."""
    read: list[Section] = []
    unread: list[UploadedDocument] = []
    for document in documents:
        if document.state == JobState.DONE:
            lengths = _cut(document.id, document.ended_at, get_settings().section_chars)
            read.extend(Section(1, 1, None, chars) for chars in lengths)
        elif document.state != JobState.FAILED:
            unread.append(document)
    low, likely, high = (read + _guess_sections(unread, scenario) for scenario in range(3))
    counts = asked.settle(automatic_counts(likely))
    scenarios = Scenarios(
        low=_share(low, asked),
        likely=_share(likely, asked),
        high=_share(high, asked),
        topics=_count_topics(study_set_id),
    )
    return RunEstimate(
        credits=estimate(scenarios, prices.price),
        asked=counts,
        sections=sum(1 for part in scenarios.likely if part.asked),
        first=0 if unread else predict_first(scenarios.likely, prices),
    )


def estimate_to_reserve(run: Run, sections: Sequence[Section], shares: Sequence[Counts]) -> int:
    """Return how many credits to reserve for a run with these sections. Raises ModelNotPriced."""
    prices = prices_of(run)
    if not prices.is_charged:
        return 0
    parts = [Part(section.chars, share) for section, share in zip(sections, shares, strict=True)]
    return limit_to_wish(run.max_credits, estimate_parts(run.study_set_id, parts, prices))


def estimate_parts(study_set_id: UUID, parts: Sequence[Part], prices: RunPrices) -> Estimate:
    """Return what a run costs whose sections are known."""
    return estimate(Scenarios(parts, parts, parts, _count_topics(study_set_id)), prices.price)


def predict_first(parts: Sequence[Part], prices: RunPrices) -> int:
    """Return how many credits a run needs at least, so that its first section may start."""
    first = next((part for part in parts if part.asked), None)
    return 0 if first is None else math.ceil(predict_section(first, prices.price))


def limit_to_wish(max_credits: int | None, credits: Estimate) -> int:
    """Return how many credits to reserve: as many as the run may cost, at most what the user allows."""
    return credits.high if max_credits is None else min(credits.high, max_credits)


# A document never has more than some thousand sections, of four bytes each. Cutting a long one takes seconds.
@lru_cache(maxsize=512)
def _cut(document_id: UUID, _read_at: datetime | None, section_chars: int) -> "array[int]":
    """Return the lengths of a read document's sections. Once it is read again, they are cut again."""
    # One document at a time, because the texts of a whole study set may be large.
    return array(
        "I",
        (
            section.chars
            for document in library.load_texts([document_id])
            for section in plan_sections(document.pages, section_chars).sections
        ),
    )


def _guess_sections(documents: Sequence[UploadedDocument], scenario: int) -> list[Section]:
    target = get_settings().section_chars
    sections: list[Section] = []
    for document in documents:
        chars = _guess_chars(document, scenario)
        count = max(math.ceil(chars / target), 1)
        sections += [Section(1, 1, None, math.ceil(chars / count))] * count
    return sections


def _guess_chars(document: UploadedDocument, scenario: int) -> float:
    if document.pages_total:
        return document.pages_total * _PER_PAGE[scenario]
    per_byte = _PER_BYTE_OF_TEXT if document.format in _TEXT_FORMATS else _PER_BYTE
    return document.size_bytes * per_byte[scenario]


def _share(sections: Sequence[Section], asked: AskedCounts) -> list[Part]:
    counts = asked.settle(automatic_counts(sections))
    shares = allocate(counts, sections)
    return [Part(section.chars, share) for section, share in zip(sections, shares, strict=True)]


def _count_topics(study_set_id: UUID) -> int:
    return len(study.list_topics(study_set_id))
