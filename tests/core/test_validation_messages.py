"""Messages about fields are in the user's language, and about their input instead of our code."""

import re
from typing import Literal
from uuid import UUID

import pytest
from pydantic import Field, StrictBool, ValidationError

from backend.core.web.http import RequestBody
from backend.core.web.validation_messages import field_messages
from backend.study.types import Difficulty
from backend.text.languages import LANGUAGES

SETS = "/api/v1/study-sets"
NO_ID = "018f0000-0000-7000-8000-000000000000"


class Inner(RequestBody):
    """A body within a body."""

    text: str


class Everything(RequestBody):
    """Every kind of field that our bodies have."""

    text: str = Field("ab", min_length=2, max_length=5)
    address: str = Field("a@b", pattern="^.+@.+$")
    number: int = Field(1, ge=1, le=9)
    flag: StrictBool = False
    loose: bool = False
    level: Difficulty = Difficulty.EASY
    language: Literal["de", "en", "fr"] = "de"
    id: UUID | None = None
    ids: list[UUID] = Field(default_factory=list, max_length=2)
    inner: list[Inner] = Field(default_factory=lambda: [Inner(text="a")], min_length=1)


CASES = [
    ({"text": 3}, "text", "Must be text.", "Muss ein Text sein."),
    ({"text": ""}, "text", "Minimum number of characters: 2.", "Mindestens 2 Zeichen."),
    ({"text": "abcdef"}, "text", "Maximum number of characters: 5.", "Höchstens 5 Zeichen."),
    ({"text": "a\0b"}, "text", "The character U+0000 is not allowed.", "Das Zeichen U+0000 ist nicht erlaubt."),
    ({"text": "a\ud800b"}, "text", "not valid Unicode text.", "kein gültiger Unicode-Text."),
    ({"address": "ab"}, "address", "the expected format.", "das erwartete Format."),
    ({"number": "x"}, "number", "a whole number.", "eine ganze Zahl sein."),
    ({"number": []}, "number", "a whole number.", "eine ganze Zahl sein."),
    ({"number": 1.5}, "number", "a whole number.", "eine ganze Zahl sein."),
    ({"number": "9" * 5000}, "number", "too large.", "zu gross."),
    ({"number": 0}, "number", "at least 1.", "mindestens 1 sein."),
    ({"number": 10}, "number", "at most 9.", "höchstens 9 sein."),
    ({"flag": "yes"}, "flag", "true or false.", "true oder false sein."),
    ({"loose": "what"}, "loose", "true or false.", "true oder false sein."),
    ({"level": "odd"}, "level", "one of: 'easy', 'medium', 'hard'.", "Werte sein: 'easy', 'medium', 'hard'."),
    ({"language": "xx"}, "language", "one of: 'de', 'en', 'fr'.", "Werte sein: 'de', 'en', 'fr'."),
    ({"id": "x"}, "id", "an ID (UUID).", "eine ID (UUID) sein."),
    ({"id": 3}, "id", "an ID (UUID).", "eine ID (UUID) sein."),
    ({"ids": "x"}, "ids", "a list.", "eine Liste sein."),
    ({"ids": [NO_ID] * 3}, "ids", "Too many entries. Maximum: 2.", "Zu viele Einträge. Höchstens 2."),
    ({"inner": []}, "inner", "Too few entries. Minimum: 1.", "Zu wenige Einträge. Mindestens 1."),
    ({"inner": [3]}, "inner.0", "a JSON object.", "ein JSON-Objekt sein."),
    ({"inner": [{}]}, "inner.0.text", "is required.", "ist erforderlich."),
    ({"colour": 3}, "colour", "Unknown field.", "Unbekanntes Feld."),
    ([], "body", "a JSON object.", "ein JSON-Objekt sein."),
]


@pytest.mark.parametrize(("data", "field", "english", "german"), CASES)
def test_each_kind_of_error_has_a_message(data: object, field: str, english: str, german: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate(data)
    sentences = {}
    for language in LANGUAGES:
        messages = field_messages(caught.value, language)
        assert list(messages) == [field]
        (sentences[language],) = messages[field]
    assert sentences["en"].endswith(english)
    assert sentences["de"].endswith(german)
    assert len(set(sentences.values())) == len(LANGUAGES)
    # The facts (numbers and quoted names) are the same in each language.
    assert len({tuple(re.findall(r"[\d+]+|'\w+'", sentence)) for sentence in sentences.values()}) == 1


def test_an_unknown_error_has_a_generic_message() -> None:
    class Odd(RequestBody):
        size: float = Field(multiple_of=0.5)

    with pytest.raises(ValidationError) as caught:
        Odd.model_validate({"size": 0.3})
    assert field_messages(caught.value, "de") == {"size": ["Dieser Wert ist ungültig."]}


def errors(client, language: str, **sent: object) -> dict[str, list[str]]:
    answer = client.post(SETS, headers={"Accept-Language": language}, **sent)
    assert answer.status_code == 422
    return {error["field"]: error["messages"] for error in answer.json["errors"]}


def test_a_route_answers_in_the_requested_language(client) -> None:
    assert errors(client, "de", json={}) == {"title": ["Dieses Feld ist erforderlich."]}
    assert errors(client, "en", json={}) == {"title": ["This field is required."]}
    assert errors(client, "fr", json={}) == {"title": ["Ce champ est obligatoire."]}
    assert errors(client, "it", json={}) == {"title": ["Questo campo è obbligatorio."]}


def test_the_whole_body_is_called_body(client) -> None:
    assert errors(client, "en", json=[]) == {"body": ["Must be a JSON object."]}


def test_query_parameters_have_messages_too(client) -> None:
    answer = client.get(f"{SETS}?limit=many&colour=red", headers={"Accept-Language": "de"})
    assert answer.status_code == 422
    assert answer.json["errors"] == [
        {"field": "limit", "messages": ["Muss eine ganze Zahl sein."]},
        {"field": "colour", "messages": ["Unbekanntes Feld."]},
    ]
