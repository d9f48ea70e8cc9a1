"""Basic flashcards: a question on the front, its answer on the back."""

from collections.abc import Iterator

from backend.study.errors import BackMissing
from backend.study.items.cards import CardKind
from backend.study.items.duplicates import ItemText
from backend.study.markup.anki_fields import to_field
from backend.study.markup.markdown import to_paragraph
from backend.study.markup.notes import NoteKind, NoteTexts, SkipReason
from backend.study.types import Flashcard, FlashcardKind


class Basic(CardKind):
    name = FlashcardKind.BASIC

    def check(self, content: Flashcard) -> None:
        if not content.back:
            raise BackMissing

    def text(self, content: Flashcard) -> ItemText:
        return ItemText(content.front, content.back)

    def note(self, content: Flashcard) -> NoteTexts | SkipReason:
        front = to_field(content.front)
        return NoteTexts(NoteKind.BASIC, front, to_field(content.back)) if front else SkipReason.EMPTY_FRONT

    def ask_in_markdown(self, content: Flashcard) -> Iterator[str]:
        yield to_paragraph(content.front)

    def answer_in_markdown(self, content: Flashcard) -> Iterator[str]:
        yield to_paragraph(content.back)


KIND = Basic()
