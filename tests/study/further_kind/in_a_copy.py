"""Tests of open questions in a copy of the code to which only their module and migration were added.

``test_further_kind`` makes the copy and runs this file there.
"""

import io
import json
import zipfile
from typing import Any
from uuid import UUID, uuid4

import pytest
from backend.study.items.kinds.open_question import OpenQuestion

from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.study import service
from backend.study.types import Counts, Difficulty, NewItem, PageItems
from tests.study.new_items import evidence_on, new_question, new_topic

OPEN = {"kind": "open", "stem": "Why do cells divide?", "solution": "To grow, and to renew tissue."}
CHOICE = {"stem": "What divides?", "options": [{"text": "A cell", "correct": True}, {"text": "A stone"}]}


def open_item(stem: str, solution: str, **more: Any) -> NewItem[OpenQuestion]:
    given = {"id": new_id(), "difficulty": Difficulty.HARD, "topic": "Cells", "evidence": (), **more}
    return NewItem(kind="open", content=OpenQuestion(stem, solution), **given)


@pytest.fixture
def url(study_set):
    return f"/api/v1/study-sets/{study_set}/questions"


@pytest.fixture
def made(client, url, document):
    """An open question with evidence."""
    quote = "mitochondrion of kind 3 makes adenosine"
    answer = client.post(url, json={**OPEN, "evidence": {"document_id": document, "page": 3, "quote": quote}})
    assert answer.status_code == 201, answer.text
    return answer.json


def test_it_is_created_and_read(client, made):
    assert OPEN.items() <= made.items()
    assert (made["origin"], made["evidence_status"], made["key"]) == ("hand", "verified", None)
    read = client.get(f"/api/v1/questions/{made['id']}")
    assert read.json == made
    (shown,) = client.get(f"/api/v1/questions/{made['id']}/evidence").json
    assert shown["page"] == 3


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"kind": "open", "stem": "Why?"}, "fields_do_not_fit_kind", "solution"),
        ({**OPEN, "options": CHOICE["options"]}, "fields_do_not_fit_kind", "options"),
        ({**CHOICE, "solution": "It does."}, "fields_do_not_fit_kind", "solution"),
        ({"stem": "Why?"}, "fields_do_not_fit_kind", "options"),
        ({**OPEN, "solution": " "}, "invalid_input", "solution"),
        ({**OPEN, "solution": None}, "invalid_input", "solution"),
        ({**OPEN, "kind": "essay"}, "invalid_input", "kind"),
    ],
)
def test_fields_of_another_kind_are_refused(client, url, body, code, field):
    answer = client.post(url, json=body)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert client.get(url).json["items"] == []


def test_it_is_listed_and_found_among_other_questions(client, url, made):
    choice = client.post(url, json=CHOICE).json
    assert choice["kind"] == "single_choice"
    assert client.get(url).json["items"] == [made, choice]
    for query, expected in {
        "kind=open": [made],
        "kind=single_choice": [choice],
        "q=RENEW tissue": [made],
        "q=solution": [],
    }.items():
        assert client.get(f"{url}?{query}").json["items"] == expected, query


def test_it_is_counted(app, client, study_set, document, add_items):
    run = uuid4()
    questions = [open_item("Why?", "So.", evidence=(evidence_on(document, 2),)), new_question("Which?", "This")]
    added = add_items(study_set, run_id=run, topics=[new_topic("Cells")], questions=questions)
    assert added.counts == Counts(0, 2)
    (topic,) = client.get(f"/api/v1/study-sets/{study_set}/topics").json["items"]
    assert (topic["flashcards"], topic["questions"]) == (0, 2)
    with app.app_context(), transaction():
        assert service.list_items_by_page(run) == [PageItems(UUID(document), 2, Counts(0, 1))]
        assert service.list_existing_fronts(UUID(study_set), UUID(document), 1, 9) == ["Why?"]


def test_it_is_added_once(client, url, study_set, made, add_items):
    again = add_items(study_set, questions=[open_item(OPEN["stem"].lower(), OPEN["solution"])])
    assert (again.questions, again.duplicates) == ((), 1)
    assert (client.post(url, json=OPEN).status_code, client.post(url, json=OPEN).json["code"]) == (
        409,
        "duplicate_item",
    )


def test_it_is_edited(client, made):
    url = f"/api/v1/questions/{made['id']}"
    changed = client.patch(url, json={"solution": "To heal.", "difficulty": "hard"})
    assert changed.status_code == 200, changed.text
    expected = {**made, "solution": "To heal.", "difficulty": "hard", "updated_at": changed.json["updated_at"]}
    assert changed.json == client.get(url).json == expected
    refused = client.patch(url, json={"explanation": "Because."})
    assert (refused.status_code, refused.json["code"]) == (422, "fields_do_not_fit_kind")


@pytest.mark.parametrize("form", ["json", "md", "tsv", "apkg"])
def test_it_is_exported(client, study_set, made, form):
    answer = client.get(f"/api/v1/study-sets/{study_set}/export?format={form}")
    assert answer.status_code == 200
    data = answer.data
    if form == "apkg":
        data = zipfile.ZipFile(io.BytesIO(data)).read("collection.anki2")
    assert b"To grow, and to renew tissue." in data
    if form == "json":
        (question,) = json.loads(data)["questions"]
        assert OPEN.items() <= question.items()
        assert "options" not in question


def test_it_is_deleted(client, made, engine):
    url = f"/api/v1/questions/{made['id']}"
    assert [client.delete(url).status_code, client.get(url).status_code] == [204, 404]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM evidence").scalar() == 0


def test_it_is_in_its_owners_data_export(client, made, run_pending_jobs):
    path = client.post("/api/v1/users/me/export").headers["Location"]
    run_pending_jobs()
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"{path}/file").data))
    (question,) = json.loads(archive.read("data/questions.json"))
    assert (question["kind"], question["data"]) == ("open", {"solution": OPEN["solution"]})


def test_it_is_erased_with_its_owner(client, made, engine, run_pending_jobs):
    assert client.delete("/api/v1/users/me?confirm=erase-everything").status_code == 202
    run_pending_jobs()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM questions").scalar() == 0


def test_the_document_describes_it(client):
    schemas = client.application.spec["components"]["schemas"]
    assert schemas["QuestionRequest"]["properties"]["kind"]["enum"] == ["single_choice", "open"]
    assert schemas["QuestionRequest"]["required"] == ["stem"]
    assert {"options", "key", "solution"} <= schemas["QuestionResponse"]["properties"].keys()
    assert "solution" in schemas["QuestionChangesRequest"]["properties"]
