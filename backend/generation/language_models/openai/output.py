"""The response that a language model is asked for, and how it is parsed: item by item.

The models below are the only description of a response. They give the JSON schema, which some vendors enforce, and
every response is validated against them. An item that does not match is counted and dropped on its own; a response
that was cut off keeps exactly its complete items.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from backend.generation.language_models.interface import (
    DraftFlashcard,
    DraftLink,
    DraftOption,
    DraftQuestion,
    DraftQuote,
    DraftTopic,
)
from backend.generation.language_models.openai.content import read_lists
from backend.generation.language_models.openai.synonyms import read_difficulty, read_kind
from backend.study.types import Difficulty, FlashcardKind

# In JSON, "\f" and "\b" are escapes: a model that writes "\frac" with one backslash means LaTeX and gets a form feed.
# Neither control character belongs in a card, so both always stand for a lost backslash. A tab and a carriage return
# may be intended, so they only count as LaTeX before the rest of a command.
_LOST_BACKSLASH = re.compile(
    r"\x08(?=[a-z])|\x0c(?=[a-z])|\t(?=(?:imes|heta|au|ext|an|riangle)\b)|\r(?=(?:ho|ight|angle|m)\b)"
)
_PAGE = re.compile(r"[0-9]{1,6}")
_LETTER_OF_ESCAPE = {"\x08": "b", "\x0c": "f", "\t": "t", "\r": "r"}


def _restore_latex(value: object) -> object:
    if not isinstance(value, str):
        return value
    return _LOST_BACKSLASH.sub(lambda found: "\\" + _LETTER_OF_ESCAPE[found.group()], value)


def _read_page(value: object) -> object:
    """Read the number of "p. 3", and the first one of "3-4"."""
    found = _PAGE.search(value) if isinstance(value, str) else None
    return int(found.group()) if found else value


def _refuse_half_characters(value: str) -> str:
    # JSON can spell half of a surrogate pair, which the database rejects; the codec's error is a ValueError.
    value.encode()
    return value


_Plain = Annotated[str, AfterValidator(_refuse_half_characters)]
_Text = Annotated[_Plain, BeforeValidator(_restore_latex)]
_Difficulty = Annotated[Difficulty, BeforeValidator(read_difficulty)]
_Kind = Annotated[FlashcardKind, BeforeValidator(read_kind)]
_Page = Annotated[int, BeforeValidator(_read_page)]


class _Output(BaseModel):
    """An object in the response.

    No field has a default, so the schema requires each one, and the schema forbids other properties: strict mode
    demands both. Parsing is more lenient than the schema: other properties are ignored and numbers are accepted as
    text, because servers without strict mode write such things around good items.
    """

    model_config = ConfigDict(
        extra="ignore", coerce_numbers_to_str=True, json_schema_extra={"additionalProperties": False}
    )


# The docstrings of the classes below are part of the JSON schema: models read them.


class QuoteOutput(_Output):
    """``page``: number of the page as marked in the document. ``quote``: copied from it verbatim."""

    page: _Page
    quote: _Plain


class TopicOutput(_Output):
    """A concept of the pages; ``parent`` is the name of a wider topic, or null."""

    name: _Text
    summary: _Text
    parent: _Text | None


class FlashcardOutput(_Output):
    """A flashcard. The quotes come before the text, so that the text is written from them."""

    quotes: list[QuoteOutput]
    topic: _Text
    kind: _Kind
    front: _Text
    back: _Text
    difficulty: _Difficulty


class OptionOutput(_Output):
    """One possible answer; ``id`` is a short name, unlike those of the other options."""

    id: _Plain
    text: _Text


class QuestionOutput(_Output):
    """A multiple-choice question; ``key`` is the id of its one right option."""

    quotes: list[QuoteOutput]
    topic: _Text
    stem: _Text
    options: list[OptionOutput]
    key: _Plain
    explanation: _Text
    difficulty: _Difficulty


class SectionOutput(_Output):
    """Study material for one section of a document."""

    topics: list[TopicOutput]
    flashcards: list[FlashcardOutput]
    questions: list[QuestionOutput]


class ParentOutput(_Output):
    """Places one topic below another; ``parent`` is null for a topic at the top."""

    topic: _Plain
    parent: _Plain | None


class LinkOutput(_Output):
    """``source``, ``label`` and ``target`` read as a short sentence."""

    source: _Plain
    label: _Plain
    target: _Plain


class ConnectOutput(_Output):
    """The tree of all topics and the links across it."""

    parents: list[ParentOutput]
    links: list[LinkOutput]


class _UntitledSchema(GenerateJsonSchema):
    """Leaves out the titles that pydantic generates from field names: they say nothing and cost tokens."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def strict_schema(output: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of ``output`` in the subset that OpenAI's strict mode accepts.

    Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas (all fields required, no
    further properties, no keyword next to ``$ref``).
    """
    return output.model_json_schema(schema_generator=_UntitledSchema)


@dataclass(frozen=True, slots=True)
class ParsedSection:
    """A section's material. ``complete`` is false if the JSON ended or broke early.

    ``malformed`` counts flashcards and questions, so that requested and delivered items add up; a topic that does not
    match the schema is not an item and is just left out.
    """

    topics: tuple[DraftTopic, ...]
    flashcards: tuple[DraftFlashcard, ...]
    questions: tuple[DraftQuestion, ...]
    malformed: int
    complete: bool

    @property
    def items(self) -> int:
        """Number of flashcards and questions that match the schema."""
        return len(self.flashcards) + len(self.questions)


@dataclass(frozen=True, slots=True)
class ParsedConnections:
    """Parents and links, with names exactly as the model wrote them."""

    parents: tuple[tuple[str, str | None], ...]
    links: tuple[DraftLink, ...]
    malformed: int
    complete: bool


def parse_section(content: str) -> ParsedSection:
    """Parse the response to a section prompt. Raises ValueError if it contains no JSON object of the schema."""
    found, complete = read_lists(content, tuple(SectionOutput.model_fields))
    topics, _ = _validate_each(found["topics"], TopicOutput)
    flashcards, bad_flashcards = _validate_each(found["flashcards"], FlashcardOutput)
    questions, bad_questions = _validate_each(found["questions"], QuestionOutput)
    return ParsedSection(
        topics=tuple(DraftTopic(topic.name, topic.summary, topic.parent or None) for topic in topics),
        flashcards=tuple(
            DraftFlashcard(card.kind, card.front, card.back, card.topic, card.difficulty, _quotes(card.quotes))
            for card in flashcards
        ),
        questions=tuple(
            DraftQuestion(
                stem=question.stem,
                options=tuple(DraftOption(option.id, option.text) for option in question.options),
                key=_read_key(question),
                explanation=question.explanation,
                topic=question.topic,
                difficulty=question.difficulty,
                quotes=_quotes(question.quotes),
            )
            for question in questions
        ),
        malformed=bad_flashcards + bad_questions,
        complete=complete,
    )


def parse_connections(content: str) -> ParsedConnections:
    """Parse the response to a connect prompt. Raises ValueError if it contains no JSON object of the schema."""
    found, complete = read_lists(content, tuple(ConnectOutput.model_fields))
    parents, bad_parents = _validate_each(found["parents"], ParentOutput)
    links, bad_links = _validate_each(found["links"], LinkOutput)
    return ParsedConnections(
        parents=tuple((placed.topic, placed.parent or None) for placed in parents),
        links=tuple(DraftLink(link.source, link.target, link.label) for link in links),
        malformed=bad_parents + bad_links,
        complete=complete,
    )


def _read_key(question: QuestionOutput) -> str:
    """Return the id of the option that the key means: by its id, however written, or by its text."""
    ids = [option.id for option in question.options]
    if question.key in ids:
        return question.key
    key = _bare(question.key)
    for names in (ids, [option.text for option in question.options]):
        meant = [option for option, name in zip(ids, names, strict=True) if _bare(name) == key]
        if len(meant) == 1:
            return meant[0]
    return question.key


def _bare(name: str) -> str:
    """Return ``name`` without the brackets, dots and case that tell no options apart."""
    return name.strip(" \t\n().:[]").casefold()


def _quotes(quotes: list[QuoteOutput]) -> tuple[DraftQuote, ...]:
    return tuple(DraftQuote(quote.page, quote.quote) for quote in quotes)


_Item = TypeVar("_Item", bound=BaseModel)


def _validate_each(values: list[Any], output: type[_Item]) -> tuple[list[_Item], int]:
    items = []
    for value in values:
        try:
            items.append(output.model_validate(value))
        except ValidationError:
            continue
    return items, len(values) - len(items)
