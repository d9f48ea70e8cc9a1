"""Prepares what a language model is asked for a step, from the rows of the step and its run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from backend.core.database.transaction import transaction
from backend.generation.language_models.interface import (
    ConnectRequest,
    DraftTopic,
    SectionPage,
    SectionRequest,
)
from backend.generation.models import Run, Step
from backend.generation.sections.cutting import Section
from backend.library import service as library
from backend.library.types import PageText
from backend.study import service as study
from backend.study.types import Difficulty

_KNOWN_TOPICS = 40


@dataclass(frozen=True, slots=True)
class SectionWork:
    """The input of a section step. ``pages`` are whole; those of the request are cut to the section."""

    run_id: UUID
    section: Section
    pages: tuple[PageText, ...]
    request: SectionRequest


def prepare_section(run: Run, step: Step) -> SectionWork:
    """Return the input of a section step. Needs a transaction."""
    first, last = step.first_page or 1, step.last_page or 1
    texts = library.load_texts([step.document_id] if step.document_id else [], (first, last))
    pages = texts[0].pages if texts else ()
    shown = tuple(_shown(page, step) for page in pages if not page.skipped and page.text.strip())
    section = Section(first, last, None, sum(len(page.text) for page in shown), step.start, step.end)
    request = SectionRequest(
        document_id=step.document_id or step.id,
        filename=texts[0].filename if texts else "",
        pages=shown,
        wanted=step.asked.beyond(step.kept),
        language=run.language or "en",
        difficulty=Difficulty(run.difficulty) if run.difficulty else None,
        existing=tuple(
            study.list_existing_fronts(run.study_set_id, step.document_id, first, last) if step.document_id else ()
        ),
        known_topics=tuple(t.name for t in study.list_topics(run.study_set_id)[:_KNOWN_TOPICS]),
        read_document=partial(_read_document, step.document_id) if step.document_id else None,
    )
    return SectionWork(run.id, section, tuple(pages), request)


def _read_document(document_id: UUID) -> tuple[SectionPage, ...]:
    with transaction():
        texts = library.load_texts([document_id])
    pages = texts[0].pages if texts else ()
    return tuple(SectionPage(page.number, page.heading, page.text, page.spans) for page in pages if not page.skipped)


def _shown(page: PageText, step: Step) -> SectionPage:
    start, end = step.start or 0, len(page.text) if step.end is None else step.end
    spans = tuple(
        replace(span, start=max(span.start - start, 0), end=min(span.end, end) - start)
        for span in page.spans
        if span.start < end and start < span.end
    )
    return SectionPage(page.number, page.heading, page.text[start:end], spans)


def prepare_connections(run: Run) -> ConnectRequest:
    """Return the topics to connect. Needs a transaction."""
    topics = study.list_topics(run.study_set_id)
    names = {topic.id: topic.name for topic in topics}
    drafts: Sequence[DraftTopic] = [
        DraftTopic(topic.name, topic.summary, names.get(topic.parent_id) if topic.parent_id else None)
        for topic in topics
    ]
    return ConnectRequest(tuple(drafts), run.language or "en")
