"""The notes of a study kit as Anki takes them, shared by the package and the text file."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from backend.study.concept_map.tree import topic_paths
from backend.study.exports.anki_fields import (
    has_first_deletion,
    to_cloze_field,
    to_field,
    to_tag,
    to_verbatim_field,
)
from backend.study.exports.plain_text import one_line
from backend.study.types import Evidence, FlashcardKind, FlashcardView, QuestionView, StudyKit


class NoteKind(StrEnum):
    """The note types a kit needs."""

    BASIC = "basic"
    CLOZE = "cloze"
    MULTIPLE_CHOICE = "multiple_choice"


class SkipReason(StrEnum):
    """Why an item gives no note: Anki would make no card of it, or one that nobody can answer."""

    EMPTY_FRONT = "empty_front"
    NO_CLOZE_DELETION = "no_cloze_deletion"
    KEY_WITHOUT_OPTION = "key_without_option"


@dataclass(frozen=True, slots=True)
class SkippedItem:
    """An item that is not in the export, and why."""

    item_id: UUID
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class NoteSource:
    """One piece of evidence as a note shows it: each a single line of HTML, ``file`` empty when not known."""

    file: str
    page: str
    quote: str


@dataclass(frozen=True, slots=True)
class AnkiNote:
    """One note; all texts are HTML.

    ``front`` holds the deletions of a cloze; ``options`` are a question's answers in their stored order and
    ``key_index`` is the place of the right one.
    """

    item_id: UUID
    kind: NoteKind
    front: str
    back: str
    options: tuple[str, ...]
    key_index: int | None
    sources: tuple[NoteSource, ...]
    tags: tuple[str, ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PreparedNotes:
    """The notes of a kit in its order, flashcards first, and the items that gave none."""

    notes: tuple[AnkiNote, ...]
    skipped: tuple[SkippedItem, ...]


def prepare_notes(kit: StudyKit) -> PreparedNotes:
    """Return the notes of ``kit``. One bad item is skipped with its reason and never costs the others."""
    tags = {topic_id: to_tag(path) for topic_id, path in topic_paths(kit.topics).items()}
    results = [
        *(_flashcard_note(card, kit.filenames, tags) for card in kit.flashcards),
        *(_question_note(question, kit.filenames, tags) for question in kit.questions),
    ]
    return PreparedNotes(
        notes=tuple(result for result in results if isinstance(result, AnkiNote)),
        skipped=tuple(result for result in results if isinstance(result, SkippedItem)),
    )


def _flashcard_note(card: FlashcardView, filenames: dict[UUID, str], tags: dict[UUID, str]) -> AnkiNote | SkippedItem:
    is_cloze = card.kind is FlashcardKind.CLOZE
    front = to_cloze_field(card.front) if is_cloze else to_field(card.front)
    if not front:
        return SkippedItem(card.id, SkipReason.EMPTY_FRONT)
    if is_cloze and not has_first_deletion(front):
        return SkippedItem(card.id, SkipReason.NO_CLOZE_DELETION)
    return AnkiNote(
        item_id=card.id,
        kind=NoteKind.CLOZE if is_cloze else NoteKind.BASIC,
        front=front,
        back=to_field(card.back),
        options=(),
        key_index=None,
        sources=_sources_of(card.evidence, filenames),
        tags=_tags_of(card.topic_id, tags),
        updated_at=card.updated_at,
    )


def _question_note(question: QuestionView, filenames: dict[UUID, str], tags: dict[UUID, str]) -> AnkiNote | SkippedItem:
    stem = to_field(question.stem)
    if not stem:
        return SkippedItem(question.id, SkipReason.EMPTY_FRONT)
    option_ids = [option.id for option in question.options]
    if question.key not in option_ids:
        return SkippedItem(question.id, SkipReason.KEY_WITHOUT_OPTION)
    return AnkiNote(
        item_id=question.id,
        kind=NoteKind.MULTIPLE_CHOICE,
        front=stem,
        back=to_field(question.explanation),
        options=tuple(to_field(option.text) for option in question.options),
        key_index=option_ids.index(question.key),
        sources=_sources_of(question.evidence, filenames),
        tags=_tags_of(question.topic_id, tags),
        updated_at=question.updated_at,
    )


def option_list(note: AnkiNote, *, mark_key: bool) -> str:
    """Return a question's options as an HTML list in their stored order.

    With ``mark_key`` the right one has the class ``key``; a template shows it or does not.
    """
    entries = (
        f'<li class="key">{text}</li>' if mark_key and index == note.key_index else f"<li>{text}</li>"
        for index, text in enumerate(note.options)
    )
    return f"<ol type=A>{''.join(entries)}</ol>"


def _sources_of(evidence: tuple[Evidence, ...], filenames: dict[UUID, str]) -> tuple[NoteSource, ...]:
    return tuple(
        NoteSource(
            file=to_verbatim_field(one_line(filenames.get(one.document_id, ""))),
            page=str(one.page),
            quote=to_verbatim_field(one_line(one.quote)),
        )
        for one in evidence
    )


def _tags_of(topic_id: UUID | None, tags: dict[UUID, str]) -> tuple[str, ...]:
    return (tags[topic_id],) if topic_id in tags else ()
