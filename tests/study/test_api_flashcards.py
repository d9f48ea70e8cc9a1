"""Flashcards over HTTP: written by hand, read, changed, deleted."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.study.new_items import evidence_on, new_card

CARD = {"front": "What does a ribosome make?", "back": "Proteins"}


def cards_of(study_set: str) -> str:
    return f"/api/v1/study-sets/{study_set}/flashcards"


def test_a_card_written_by_hand_is_read_at_its_location(client, study_set):
    made = client.post(cards_of(study_set), json=CARD)
    assert made.status_code == 201
    read = client.get(made.headers["Location"])
    assert read.status_code == 200
    assert read.json == made.json
    expected = {**CARD, "kind": "basic", "difficulty": "medium", "origin": "hand", "model": None, "run_id": None}
    assert expected.items() <= read.json.items()
    assert (read.json["evidence"], read.json["evidence_status"], read.json["topic_id"]) == ([], "none", None)
    assert client.get(cards_of(study_set)).json == {"items": [read.json], "next_cursor": None}


def test_a_generated_card_says_where_it_is_from(client, study_set, document, add_items):
    run_id = uuid4()
    card = new_card("Front", "Back", evidence=(evidence_on(document, 2),))
    add_items(study_set, run_id=run_id, model="gpt-4o", flashcards=[card])
    read = client.get(f"/api/v1/flashcards/{card.id}").json
    assert (read["origin"], read["model"], read["run_id"]) == ("generated", "gpt-4o", str(run_id))
    assert read["evidence_status"] == "verified"
    (evidence,) = read["evidence"]
    assert (evidence["document_id"], evidence["page"], evidence["status"]) == (document, 2, "verified")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"front": "", "back": "A"}, "invalid_input"),
        ({"front": " \u200b\u00a0\n", "back": "A"}, "invalid_input"),
        ({"front": "F" * 4001, "back": "A"}, "invalid_input"),
        ({"back": "A"}, "invalid_input"),
        ({"front": None, "back": "A"}, "invalid_input"),
        ({"front": ["F"], "back": "A"}, "invalid_input"),
        ({"front": "F", "back": " \u0007 "}, "back_missing"),
        ({"front": "F"}, "back_missing"),
        ({"front": "Nothing hidden", "kind": "cloze"}, "cloze_without_deletion"),
        ({"front": "Nothing {{c1::}} hidden", "kind": "cloze"}, "cloze_without_deletion"),
        ({"front": "Only {{c2::the second}}", "kind": "cloze"}, "cloze_without_deletion"),
        ({**CARD, "kind": "image"}, "invalid_input"),
        ({**CARD, "difficulty": "harder"}, "invalid_input"),
        ({**CARD, "topic_id": "cells"}, "invalid_input"),
        ({**CARD, "fornt": "F"}, "invalid_input"),
    ],
)
def test_an_invalid_card_is_refused_with_a_reason(client, study_set, body, code):
    answer = client.post(cards_of(study_set), json=body)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.json["detail"]
    assert client.get(cards_of(study_set)).json["items"] == []


def test_an_unknown_field_is_named(client, study_set):
    answer = client.post(cards_of(study_set), json={**CARD, "fornt": "F"})
    assert [error["field"] for error in answer.json["errors"]] == ["fornt"]


def test_an_error_is_in_the_requested_language(client, study_set):
    body = {"front": "Nichts verdeckt", "kind": "cloze"}
    hidden = {"de": "verdeckter Text", "en": "hidden text", "fr": "texte caché", "it": "testo nascosto"}
    for language, words in hidden.items():
        answer = client.post(cards_of(study_set), json=body, headers={"Accept-Language": language})
        assert f"{{{{c1::{words}}}}}" in answer.json["detail"]


def test_a_cloze_card_needs_no_back(client, study_set):
    answer = client.post(cards_of(study_set), json={"kind": "cloze", "front": "A {{c1::ribosome}} makes proteins."})
    assert (answer.status_code, answer.json["back"]) == (201, "")


def test_invisible_characters_are_removed_and_the_rest_is_kept(client, study_set):
    body = {"front": " A\x00\x1fB\u202e \ud800C\r\n\tD <b>é\U0001f642 ", "back": "\u200bx\ufeff"}
    answer = client.post(cards_of(study_set), json=body)
    assert answer.status_code == 201
    assert (answer.json["front"], answer.json["back"]) == ("AB C\n\tD <b>é\U0001f642", "x")


def test_the_same_card_again_is_refused(client, study_set):
    assert client.post(cards_of(study_set), json=CARD).status_code == 201
    again = client.post(cards_of(study_set), json={"front": "  what does a RIBOSOME make", "back": "proteins."})
    assert (again.status_code, again.json["code"]) == (409, "duplicate_item")
    assert len(client.get(cards_of(study_set)).json["items"]) == 1
    assert client.post(cards_of(study_set), json={**CARD, "back": "Ribonucleic acid"}).status_code == 201
    other = client.make_study_set("Another")
    assert client.post(cards_of(other), json=CARD).status_code == 201


def test_a_card_added_concurrently_is_added_once(client, study_set):
    def make(_: int) -> int:
        return client.application.test_client().post(cards_of(study_set), json=CARD, headers=headers).status_code

    headers = {"Authorization": f"Bearer {client.token}"}
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(make, range(8))) == [201] + [409] * 7


def test_one_idempotency_key_adds_one_card(client, study_set):
    headers = {"Idempotency-Key": "one"}
    first = client.post(cards_of(study_set), json=CARD, headers=headers)
    again = client.post(cards_of(study_set), json=CARD, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert len(client.get(cards_of(study_set)).json["items"]) == 1


def test_a_change_keeps_other_fields(client, study_set):
    made = client.post(cards_of(study_set), json={**CARD, "difficulty": "hard"}).json
    url = f"/api/v1/flashcards/{made['id']}"
    changed = client.patch(url, json={"back": "Proteins, from amino acids"})
    assert changed.status_code == 200
    assert changed.json["updated_at"] > made["updated_at"]
    assert {**changed.json, "updated_at": ""} == {**made, "back": "Proteins, from amino acids", "updated_at": ""}
    assert client.get(url).json == changed.json
    assert client.patch(url, json={}).json == changed.json


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"front": " "}, "invalid_input"),
        ({"front": None}, "invalid_input"),
        ({"difficulty": None}, "invalid_input"),
        ({"back": ""}, "back_missing"),
        ({"kind": "cloze"}, "invalid_input"),
        ({"run_id": str(uuid4())}, "invalid_input"),
    ],
)
def test_an_invalid_change_changes_nothing(client, study_set, changes, code):
    made = client.post(cards_of(study_set), json=CARD).json
    answer = client.patch(f"/api/v1/flashcards/{made['id']}", json={"difficulty": "easy", **changes})
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert client.get(f"/api/v1/flashcards/{made['id']}").json == made


def test_a_cloze_card_cannot_lose_its_last_deletion(client, study_set):
    made = client.post(cards_of(study_set), json={"kind": "cloze", "front": "{{c1::ATP}} drives it."}).json
    answer = client.patch(f"/api/v1/flashcards/{made['id']}", json={"front": "ATP drives it."})
    assert (answer.status_code, answer.json["code"]) == (422, "cloze_without_deletion")


def test_a_card_cannot_be_changed_into_another(client, study_set):
    client.post(cards_of(study_set), json=CARD)
    other = client.post(cards_of(study_set), json={**CARD, "back": "Fats"}).json
    url = f"/api/v1/flashcards/{other['id']}"
    answer = client.patch(url, json={"back": "proteins"})
    assert (answer.status_code, answer.json["code"]) == (409, "duplicate_item")
    assert client.get(url).json == other
    # The card is not a duplicate of its former self, and its former content can be added again.
    assert client.patch(url, json={"back": "Lipids"}).status_code == 200
    assert client.post(cards_of(study_set), json={**CARD, "back": "Fats"}).status_code == 201


def test_a_topic_is_set_and_removed(client, study_set, add_items):
    add_items(study_set, flashcards=[new_card("Front", "Back", topic="Cells")])
    (topic,) = client.get(f"/api/v1/study-sets/{study_set}/topics").json["items"]
    made = client.post(cards_of(study_set), json={**CARD, "topic_id": topic["id"]})
    assert (made.status_code, made.json["topic_id"]) == (201, topic["id"])
    url = f"/api/v1/flashcards/{made.json['id']}"
    assert client.patch(url, json={"topic_id": None}).json["topic_id"] is None
    assert client.patch(url, json={"topic_id": topic["id"]}).json["topic_id"] == topic["id"]


def test_a_topic_of_another_study_set_gives_404(client, study_set, add_items):
    other = client.make_study_set("Another")
    add_items(other, flashcards=[new_card("Front", "Back", topic="Cells")])
    (topic,) = client.get(f"/api/v1/study-sets/{other}/topics").json["items"]
    assert client.post(cards_of(study_set), json={**CARD, "topic_id": topic["id"]}).status_code == 404
    made = client.post(cards_of(study_set), json=CARD).json
    assert client.patch(f"/api/v1/flashcards/{made['id']}", json={"topic_id": topic["id"]}).status_code == 404


def test_deleting_a_card_deletes_its_evidence(client, study_set, document, add_items, engine):
    card = new_card("Front", "Back", evidence=(evidence_on(document, 2),))
    add_items(study_set, flashcards=[card])
    url = f"/api/v1/flashcards/{card.id}"
    assert client.delete(url).status_code == 204
    assert [client.get(url).status_code, client.delete(url).status_code, client.patch(url, json={}).status_code] == [
        404,
        404,
        404,
    ]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM evidence").scalar() == 0


def test_another_users_objects_give_404(client, other_client, study_set):
    made = client.post(cards_of(study_set), json=CARD).json
    for card_id in (made["id"], str(uuid4())):
        url = f"/api/v1/flashcards/{card_id}"
        answers = [
            other_client.get(url),
            other_client.patch(url, json={"front": "Mine now"}),
            other_client.delete(url),
            other_client.get(f"{url}/evidence"),
        ]
        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(404, "not_found")] * 4
    for study_set_id in (study_set, str(uuid4())):
        answers = [other_client.get(cards_of(study_set_id)), other_client.post(cards_of(study_set_id), json=CARD)]
        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(404, "not_found")] * 2
    assert client.get(f"/api/v1/flashcards/{made['id']}").json == made
