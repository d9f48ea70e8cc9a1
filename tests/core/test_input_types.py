"""Numbers and booleans in a JSON body must have that JSON type. Ids, choices and query parameters are strings."""

import pytest

from backend.study.types import Difficulty

API = "/api/v1"
NO_ID = "018f0000-0000-7000-8000-000000000000"


@pytest.fixture
def study_set(client) -> str:
    """The path of a study set with a document."""
    study_set_id = client.make_study_set()
    notes = " ".join(f"Mitosis number {n} is the division of a nucleus into {n + 2} nuclei." for n in range(20))
    assert client.upload(study_set_id, ("notes.txt", notes.encode())).status_code == 201
    return f"{API}/study-sets/{study_set_id}"


def wrong_fields(client, path: str, body: dict[str, object]) -> set[str]:
    answer = client.post(path, json=body)
    assert answer.status_code == 422, answer.text
    return {error["field"] for error in answer.json["errors"]}


@pytest.mark.parametrize("value", ["5", True, False, 5.0, 1e1, [5], {}])
@pytest.mark.parametrize("field", ["flashcards", "questions"])
def test_a_value_that_is_not_a_number_is_refused(client, study_set: str, field: str, value: object) -> None:
    assert wrong_fields(client, f"{study_set}/runs", {field: value}) == {field}


@pytest.mark.parametrize("value", ["1", True, 1.0])
def test_a_value_that_is_not_a_number_is_refused_in_a_nested_object(client, study_set: str, value: object) -> None:
    evidence = {"document_id": NO_ID, "page": value, "quote": "Mitosis"}
    body = {"front": "What divides?", "back": "A cell", "evidence": evidence}
    assert wrong_fields(client, f"{study_set}/flashcards", body) == {"evidence.page"}


@pytest.mark.parametrize("value", ["yes", "true", 1, 0, 1.0, None])
def test_a_value_that_is_not_a_boolean_is_refused(client, study_set: str, value: object) -> None:
    options = [{"text": "A cell", "correct": value}, {"text": "A stone", "correct": False}]
    body = {"stem": "What divides?", "options": options}
    assert wrong_fields(client, f"{study_set}/questions", body) == {"options.0.correct"}


def test_ids_and_choices_are_strings(client, study_set: str) -> None:
    (document,) = client.get(f"{study_set}/documents").json["items"]
    wish = {"document_ids": [document["id"]], "flashcards": 5, "difficulty": "hard", "language": "de"}
    answer = client.post(f"{study_set}/runs", json=wish)
    assert answer.status_code == 202, answer.text
    assert answer.json["asked"]["flashcards"] == 5
    assert answer.json["difficulty"] == Difficulty.HARD


def test_query_parameters_may_be_numbers_in_text_form(client) -> None:
    assert client.get(f"{API}/study-sets?limit=5").status_code == 200


def test_events_after_a_number_beyond_the_last_are_empty(client, study_set: str) -> None:
    run = client.post(f"{study_set}/runs", json={"flashcards": 5}).json
    events = f"{API}/runs/{run['id']}/events"
    known = client.get(f"{events}?after=0").json["last_number"]
    assert known > 0
    assert client.get(f"{events}?after={known}").json["last_number"] == known
    assert client.get(f"{events}?after={2**31 - 1}").json == {"items": [], "last_number": known, "ended": False}
    for beyond in (2**31, 99999999999999999999):
        answer = client.get(f"{events}?after={beyond}")
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json["errors"]] == ["after"]


def test_a_last_event_id_with_thousands_of_digits_starts_from_the_beginning(client, study_set: str) -> None:
    run = client.post(f"{study_set}/runs", json={"flashcards": 5}).json
    client.post(f"{API}/runs/{run['id']}/cancel")
    answer = client.get(f"{API}/runs/{run['id']}/events", headers={"Last-Event-ID": "9" * 5000}, buffered=False)
    assert answer.status_code == 200
    answer.close()
