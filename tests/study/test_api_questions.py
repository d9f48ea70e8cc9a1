"""Questions over HTTP: written by hand, read, changed, deleted."""

from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.study.new_items import evidence_on, new_question

QUESTION = {
    "stem": "Where is ATP made?",
    "options": [{"text": "In the nucleus"}, {"text": "In mitochondria", "correct": True}, {"text": "In vacuoles"}],
}


def questions_of(study_set: str) -> str:
    return f"/api/v1/study-sets/{study_set}/questions"


def key_text(question: dict) -> str:
    return next(option["text"] for option in question["options"] if option["id"] == question["key"])


def options(*texts: str, correct: str) -> list[dict]:
    return [{"text": text, "correct": text == correct} for text in texts]


def test_a_question_written_by_hand_is_read_at_its_location(client, study_set):
    made = client.post(questions_of(study_set), json=QUESTION)
    assert made.status_code == 201
    read = client.get(made.headers["Location"])
    assert read.status_code == 200
    assert read.json == made.json
    assert [option["text"] for option in read.json["options"]] == ["In the nucleus", "In mitochondria", "In vacuoles"]
    assert key_text(read.json) == "In mitochondria"
    assert len({option["id"] for option in read.json["options"]}) == 3
    assert (read.json["origin"], read.json["explanation"], read.json["difficulty"]) == ("hand", "", "medium")
    assert client.get(questions_of(study_set)).json == {"items": [read.json], "next_cursor": None}


def test_a_generated_question_says_where_it_is_from(client, study_set, document, add_items):
    run_id = uuid4()
    question = new_question("Stem", "Right", evidence=(evidence_on(document, 2), evidence_on(document, 4)))
    add_items(study_set, run_id=run_id, model="gpt-4o", questions=[question])
    read = client.get(f"/api/v1/questions/{question.id}").json
    assert (read["origin"], read["model"], read["run_id"]) == ("generated", "gpt-4o", str(run_id))
    assert [evidence["page"] for evidence in read["evidence"]] == [2, 4]
    assert (key_text(read), read["key"]) == ("Right", "id0")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"stem": " \u200b "}, "invalid_input"),
        ({"options": options("One", correct="One")}, "invalid_input"),
        ({"options": options(*"ABCDEFGHI", correct="A")}, "invalid_input"),
        ({"options": options("One", " \u2060", correct="One")}, "invalid_input"),
        ({"options": options("One", "Two", correct="Three")}, "not_one_correct_option"),
        ({"options": [{"text": "One", "correct": True}, {"text": "Two", "correct": True}]}, "not_one_correct_option"),
        ({"options": options("The ﬁrst", "the FIRST", "Two", correct="Two")}, "options_not_distinct"),
        ({"options": [{"text": "One", "correct": True, "id": "a"}, {"text": "Two"}]}, "invalid_input"),
        ({"options": "One"}, "invalid_input"),
        ({"options": None}, "invalid_input"),
        ({"key": "a"}, "invalid_input"),
    ],
)
def test_an_invalid_question_is_refused_when_added_or_changed(client, study_set, changed, code):
    refused = client.post(questions_of(study_set), json={**QUESTION, **changed})
    assert (refused.status_code, refused.json["code"]) == (422, code)
    made = client.post(questions_of(study_set), json=QUESTION).json
    refused = client.patch(f"/api/v1/questions/{made['id']}", json={"difficulty": "easy", **changed})
    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert client.get(questions_of(study_set)).json["items"] == [made]


@pytest.mark.parametrize("count", [2, 8])
def test_two_to_eight_options_are_accepted(client, study_set, count):
    body = {**QUESTION, "options": options(*"ABCDEFGH"[:count], correct="B")}
    answer = client.post(questions_of(study_set), json=body)
    assert answer.status_code == 201
    assert key_text(answer.json) == "B"


def test_the_same_question_again_is_refused(client, study_set):
    assert client.post(questions_of(study_set), json=QUESTION).status_code == 201
    again = {
        "stem": "where is ATP made",
        "options": options("In mitochondria", "Nowhere at all", correct="In mitochondria"),
    }
    answer = client.post(questions_of(study_set), json=again)
    assert (answer.status_code, answer.json["code"]) == (409, "duplicate_item")
    other_key = {**QUESTION, "options": options("In the nucleus", "In mitochondria", correct="In the nucleus")}
    assert client.post(questions_of(study_set), json=other_key).status_code == 201


def test_one_idempotency_key_adds_one_question(client, study_set):
    headers = {"Idempotency-Key": "one"}
    answers = [client.post(questions_of(study_set), json=QUESTION, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert len(client.get(questions_of(study_set)).json["items"]) == 1


def test_a_change_keeps_other_fields(client, study_set):
    made = client.post(questions_of(study_set), json={**QUESTION, "explanation": "They breathe."}).json
    url = f"/api/v1/questions/{made['id']}"
    changed = client.patch(url, json={"stem": "Where do cells make ATP?", "explanation": "", "difficulty": "hard"})
    assert changed.status_code == 200
    expected = {**made, "stem": "Where do cells make ATP?", "explanation": "", "difficulty": "hard"}
    assert {**changed.json, "updated_at": ""} == {**expected, "updated_at": ""}
    assert client.get(url).json == changed.json


def test_options_with_unchanged_text_keep_their_ids(client, study_set):
    made = client.post(questions_of(study_set), json=QUESTION).json
    before = {option["text"]: option["id"] for option in made["options"]}
    wanted = options("In vacuoles", "In chloroplasts", "in the nucleus", correct="In chloroplasts")
    changed = client.patch(f"/api/v1/questions/{made['id']}", json={"options": wanted}).json
    after = {option["text"]: option["id"] for option in changed["options"]}
    assert list(after) == ["In vacuoles", "In chloroplasts", "in the nucleus"]
    assert after["In vacuoles"] == before["In vacuoles"]
    assert after["in the nucleus"] == before["In the nucleus"]
    assert after["In chloroplasts"] not in before.values()
    assert key_text(changed) == "In chloroplasts"


def test_a_question_cannot_be_changed_into_another(client, study_set):
    client.post(questions_of(study_set), json=QUESTION)
    other = client.post(questions_of(study_set), json={**QUESTION, "stem": "Where is energy made?"}).json
    answer = client.patch(f"/api/v1/questions/{other['id']}", json={"stem": QUESTION["stem"]})
    assert (answer.status_code, answer.json["code"]) == (409, "duplicate_item")
    assert client.get(f"/api/v1/questions/{other['id']}").json == other


def test_a_deleted_question_gives_404(client, study_set):
    url = f"/api/v1/questions/{client.post(questions_of(study_set), json=QUESTION).json['id']}"
    assert client.delete(url).status_code == 204
    assert [client.get(url).status_code, client.delete(url).status_code] == [404, 404]


def test_another_users_objects_give_404(client, other_client, study_set):
    made = client.post(questions_of(study_set), json=QUESTION).json
    for question_id in (made["id"], str(uuid4())):
        url = f"/api/v1/questions/{question_id}"
        answers = [
            other_client.get(url),
            other_client.patch(url, json={"stem": "Mine now"}),
            other_client.delete(url),
            other_client.get(f"{url}/evidence"),
        ]
        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(404, "not_found")] * 4
    for study_set_id in (study_set, str(uuid4())):
        url = questions_of(study_set_id)
        answers = [other_client.get(url), other_client.post(url, json=QUESTION)]
        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(404, "not_found")] * 2
    assert client.get(f"/api/v1/questions/{made['id']}").json == made


def test_a_kind_that_only_the_next_release_knows_is_left_out(client, study_set, engine, add_items):
    """During a deployment both releases run on one schema."""
    known, later = new_question("Known?", "Yes"), new_question("Later?", "Yes")
    add_items(study_set, questions=[known, later])
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE questions DROP CONSTRAINT ck_questions_kind_known")
        connection.execute(sa.text("UPDATE questions SET kind = 'later' WHERE id = :id"), {"id": later.id})
    try:
        assert [each["id"] for each in client.get(questions_of(study_set)).json["items"]] == [str(known.id)]
        url = f"/api/v1/questions/{later.id}"
        assert [client.get(url).status_code, client.delete(url).status_code] == [404, 404]
        assert client.get(f"/api/v1/study-sets/{study_set}/export?format=json").json["questions"][0]["stem"] == "Known?"
        (topic,) = client.get(f"/api/v1/study-sets/{study_set}/topics").json["items"]
        assert topic["questions"] == 1
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM questions")
            connection.exec_driver_sql(
                "ALTER TABLE questions ADD CONSTRAINT ck_questions_kind_known CHECK (kind IN ('single_choice'))"
            )
