"""The Anki notes of a study kit, shared by the package and the text file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.study.concept_map.tree import topic_paths
from backend.study.items.registry import KINDS
from backend.study.markup.anki_fields import to_quote_field, to_tag, to_verbatim_field
from backend.study.markup.notes import NoteTexts, SkipReason
from backend.study.markup.plain_text import one_line
from backend.study.types import Evidence, Item, StudyKit


@dataclass(frozen=True, slots=True)
class SkippedItem:
    """An item left out of the export, and why."""

    item_id: UUID
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class NoteSource:
    """A piece of evidence as shown on a note. Each field is one line of HTML; an unknown ``file`` is empty."""

    file: str
    page: str
    quote: str


@dataclass(frozen=True, slots=True)
class AnkiNote:
    item_id: UUID
    texts: NoteTexts
    sources: tuple[NoteSource, ...]
    tags: tuple[str, ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PreparedNotes:
    """The notes of a kit in its order, flashcards first, and the items without a note."""

    notes: tuple[AnkiNote, ...]
    skipped: tuple[SkippedItem, ...]


def prepare_notes(kit: StudyKit) -> PreparedNotes:
    """Return the notes of ``kit``. A bad item is skipped with a reason and does not affect the others."""
    tags = {topic_id: to_tag(path) for topic_id, path in topic_paths(kit.topics).items()}
    results = [_note(item, kit, tags) for item in (*kit.flashcards, *kit.questions)]
    return PreparedNotes(
        notes=tuple(result for result in results if isinstance(result, AnkiNote)),
        skipped=tuple(result for result in results if isinstance(result, SkippedItem)),
    )


def _note(item: Item[Any], kit: StudyKit, tags: Mapping[UUID, str]) -> AnkiNote | SkippedItem:
    texts = KINDS[item.kind].note(item.content)
    if isinstance(texts, SkipReason):
        return SkippedItem(item.id, texts)
    return AnkiNote(
        item_id=item.id,
        texts=texts,
        sources=_sources_of(item.evidence, kit),
        tags=(tags[item.topic_id],) if item.topic_id is not None and item.topic_id in tags else (),
        updated_at=item.updated_at,
    )


def deck_name(title: str) -> str:
    """Return the title as the name of a deck. ``::`` is replaced, because it would create a nested deck."""
    return one_line(title).replace("::", ":") or "HackTheStudy"


def option_list(texts: NoteTexts, *, mark_key: bool) -> str:
    """Return a question's options as an HTML list in their stored order.

    With ``mark_key`` the correct one has the class ``key``, which a template may style.
    """
    entries = (
        f'<li class="key">{text}</li>' if mark_key and index == texts.key_index else f"<li>{text}</li>"
        for index, text in enumerate(texts.options)
    )
    return f"<ol type=A>{''.join(entries)}</ol>"


def _sources_of(evidence: tuple[Evidence, ...], kit: StudyKit) -> tuple[NoteSource, ...]:
    return tuple(
        NoteSource(
            file=to_verbatim_field(one_line(kit.filenames.get(one.document_id, ""))),
            page=str(one.page),
            quote=to_quote_field(one, kit.notations.get((one.document_id, one.page))),
        )
        for one in evidence
    )
