"""Common parts of basic and cloze flashcards."""

from backend.study.items.bodies import ItemRequest, ItemResponse, LongText, OptionalText
from backend.study.items.kind import Kind
from backend.study.types import Flashcard, FlashcardKind


class FlashcardRequest(ItemRequest):
    """A flashcard written by hand. A cloze card's front marks hidden parts as `{{c1::…}}`; its back may be empty."""

    kind: FlashcardKind = FlashcardKind.BASIC
    front: LongText
    back: OptionalText = ""


class FlashcardResponse(ItemResponse):
    """A flashcard."""

    kind: FlashcardKind
    front: str
    back: str


class CardKind(Kind[Flashcard]):
    collection = "flashcards"
    content = Flashcard
    request = FlashcardRequest
    response = FlashcardResponse
