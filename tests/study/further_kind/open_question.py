"""Questions answered in free text; the key is a model solution. A module for ``items/kinds``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from backend.study.items.bodies import ItemRequest, ItemResponse, LongText
from backend.study.items.duplicates import ItemText
from backend.study.items.kind import Kind
from backend.study.markup.anki_fields import to_field
from backend.study.markup.markdown import to_paragraph
from backend.study.markup.notes import NoteKind, NoteTexts, SkipReason


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """The content of an open question."""

    stem: str
    solution: str


class OpenQuestionRequest(ItemRequest):
    """An open question written by hand."""

    kind: Literal["open"]
    stem: LongText
    solution: LongText


class OpenQuestionResponse(ItemResponse):
    """An open question; `solution` is a correct answer."""

    kind: Literal["open"]
    stem: str
    solution: str


class OpenKind(Kind[OpenQuestion]):
    name = "open"
    collection = "questions"
    content = OpenQuestion
    request = OpenQuestionRequest
    response = OpenQuestionResponse

    def text(self, content: OpenQuestion) -> ItemText:
        return ItemText(content.stem, content.solution)

    def note(self, content: OpenQuestion) -> NoteTexts | SkipReason:
        return NoteTexts(NoteKind.BASIC, to_field(content.stem), to_field(content.solution))

    def ask_in_markdown(self, content: OpenQuestion) -> Iterator[str]:
        yield to_paragraph(content.stem)

    def answer_in_markdown(self, content: OpenQuestion) -> Iterator[str]:
        yield to_paragraph(content.solution)


KIND = OpenKind()
