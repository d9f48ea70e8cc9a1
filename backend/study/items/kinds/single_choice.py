"""Questions with several options, one of them correct. The key is its id."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from backend.core.ids import new_id
from backend.core.web.http import RequestBody, ResponseBody
from backend.study.errors import NotOneCorrectOption, OptionsNotDistinct
from backend.study.items.bodies import ItemRequest, ItemResponse, LongText, OptionalText, ShortText
from backend.study.items.duplicates import ItemText
from backend.study.items.kind import Kind
from backend.study.markup.anki_fields import to_field
from backend.study.markup.markdown import letter, to_option, to_paragraph
from backend.study.markup.notes import NoteKind, NoteTexts, SkipReason
from backend.study.types import SINGLE_CHOICE, Option, SingleChoice
from backend.text.folding import fold


class OptionRequest(RequestBody):
    """One option of a question written by hand."""

    text: ShortText
    correct: StrictBool = False


class QuestionRequest(ItemRequest):
    """A question written by hand; exactly one option is correct."""

    kind: Literal["single_choice"] = "single_choice"
    stem: LongText
    options: Annotated[
        list[OptionRequest],
        Field(
            min_length=2,
            max_length=8,
            description="Replaced as a whole; options with unchanged text keep their ids.",
        ),
    ]
    explanation: OptionalText = ""


class OptionResponse(ResponseBody):
    """One option of a question; its id is stable, its position is not."""

    id: str
    text: str


class QuestionResponse(ItemResponse):
    """A question; `key` is the id of the correct option."""

    kind: Literal["single_choice"]
    stem: str
    options: list[OptionResponse]
    key: str
    explanation: str


class SingleChoiceKind(Kind[SingleChoice]):
    name = SINGLE_CHOICE
    collection = "questions"
    content = SingleChoice
    request = QuestionRequest
    response = QuestionResponse

    def make(self, given: Mapping[str, Any], before: SingleChoice | None) -> SingleChoice:
        fields = {**({} if before is None else self.store(before)), **given}
        if "options" in given:
            fields["options"], fields["key"] = _options(given["options"], () if before is None else before.options)
        return self.read(fields)

    def read(self, stored: Mapping[str, Any]) -> SingleChoice:
        options = tuple(Option(option["id"], option["text"]) for option in stored["options"])
        return SingleChoice(stored["stem"], options, stored["key"], stored["explanation"])

    def text(self, content: SingleChoice) -> ItemText:
        answers = (option.text for option in content.options if option.id == content.key)
        return ItemText(content.stem, next(answers, ""))

    def note(self, content: SingleChoice) -> NoteTexts | SkipReason:
        stem = to_field(content.stem)
        if not stem:
            return SkipReason.EMPTY_FRONT
        ids = [option.id for option in content.options]
        if content.key not in ids:
            return SkipReason.KEY_WITHOUT_OPTION
        options = tuple(to_field(option.text) for option in content.options)
        back = to_field(content.explanation)
        return NoteTexts(NoteKind.MULTIPLE_CHOICE, stem, back, options, ids.index(content.key))

    def ask_in_markdown(self, content: SingleChoice) -> Iterator[str]:
        yield to_paragraph(content.stem)
        options = (to_option(option.text, f"**{letter(at)}**") for at, option in enumerate(content.options))
        yield "\n".join(f"- {option}".replace("\n", "\n  ") for option in options)

    def answer_in_markdown(self, content: SingleChoice) -> Iterator[str]:
        for at, option in enumerate(content.options):
            if option.id == content.key:
                yield to_option(option.text, f"**{letter(at)}**")
        yield to_paragraph(content.explanation)


def _options(given: Sequence[Mapping[str, Any]], before: Sequence[Option]) -> tuple[list[dict[str, str]], str]:
    """Return the options with their ids, and the id of the correct one."""
    folded = [fold(option["text"]).text.strip() for option in given]
    if len(set(folded)) != len(folded):
        raise OptionsNotDistinct
    correct = [position for position, option in enumerate(given) if option["correct"]]
    if len(correct) != 1:
        raise NotOneCorrectOption
    known = {fold(option.text).text.strip(): option.id for option in before}
    ids = [known.get(text) or new_id().hex for text in folded]
    options = [{"id": option_id, "text": option["text"]} for option_id, option in zip(ids, given, strict=True)]
    return options, ids[correct[0]]


KIND = SingleChoiceKind()
