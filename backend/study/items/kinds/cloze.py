"""Cloze flashcards: a front that hides parts of itself as ``{{c1::…}}``; the back may be empty."""

from collections.abc import Iterator

from backend.study.errors import ClozeWithoutDeletion
from backend.study.items.cards import CardKind
from backend.study.items.duplicates import ItemText, cloze_text
from backend.study.markup.anki_fields import guard_cloze, to_cloze_field, to_field
from backend.study.markup.markdown import to_paragraph
from backend.study.markup.notes import NoteKind, NoteTexts, SkipReason
from backend.study.types import Flashcard, FlashcardKind
from backend.text.cloze import fill_deletions, has_first_deletion


class Cloze(CardKind):
    name = FlashcardKind.CLOZE

    def check(self, content: Flashcard) -> None:
        if not has_first_deletion(to_cloze_field(content.front)):
            raise ClozeWithoutDeletion

    def text(self, content: Flashcard) -> ItemText:
        return cloze_text(content.front)

    def note(self, content: Flashcard) -> NoteTexts | SkipReason:
        front = to_cloze_field(content.front)
        if not front:
            return SkipReason.EMPTY_FRONT
        if not has_first_deletion(front):
            return SkipReason.NO_CLOZE_DELETION
        return NoteTexts(NoteKind.CLOZE, front, to_field(content.back))

    def ask_in_markdown(self, content: Flashcard) -> Iterator[str]:
        yield to_paragraph(fill_deletions(guard_cloze(content.front), blank=True))

    def answer_in_markdown(self, content: Flashcard) -> Iterator[str]:
        yield to_paragraph(fill_deletions(guard_cloze(content.front), blank=False))
        yield to_paragraph(content.back)


KIND = Cloze()
