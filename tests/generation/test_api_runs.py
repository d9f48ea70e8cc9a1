"""Runs over HTTP, from the start to the receipt, with the language model on loopback."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from tests.generation.conftest import notes
from tests.stand_ins.openai_server import OpenAIStandIn


def read(client: Any, path: str, **query: Any) -> Any:
    """GET a path below the API's prefix; return its JSON."""
    answer = client.get(f"/api/v1{path}", query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.json


def items(client: Any, run: Any, kind: str) -> list[Any]:
    """Return all flashcards or questions of a run."""
    found, cursor = [], None
    while True:
        query = {"run_id": run["id"], "limit": 100, **({"cursor": cursor} if cursor else {})}
        page = read(client, f"/study-sets/{run['study_set_id']}/{kind}", **query)
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_a_run_delivers_what_was_asked_with_verified_evidence(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    run = start_run(pages=3, flashcards=7, questions=4)
    assert run["state"] == "reading"
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["error"]) == ("done", None)
    assert run["asked"] == run["delivered"] == {"flashcards": 7, "questions": 4}
    progress = run["progress"]
    assert (progress["pages_read"], progress["pages_total"]) == (3, 3)
    assert progress["sections_done"] == progress["sections_total"] > 1
    assert run["usage"]["requests"] == len(openai.calls)
    assert run["usage"]["input_tokens"] == sum(call["prompt_tokens"] for call in openai.calls)
    made = items(client, run, "flashcards") + items(client, run, "questions")
    assert len(made) == 11
    for item in made:
        for evidence in item["evidence"]:
            page = read(client, f"/documents/{evidence['document_id']}/pages/{evidence['page']}")
            assert page["text"][evidence["start"] : evidence["end"]] == evidence["quote"]
            assert evidence["status"] == "verified"
    for question in items(client, run, "questions"):
        assert question["key"] in [option["id"] for option in question["options"]]


def test_default_counts_depend_on_the_material(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    small, large = start_run(pages=1), start_run(pages=4)
    finish()
    asked = [read(client, f"/runs/{run['id']}")["asked"]["flashcards"] for run in (small, large)]
    assert 0 < asked[0] < asked[1]


def test_the_receipt_accounts_for_every_page(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    run = start_run(pages=6, flashcards=2, questions=0)
    finish()
    receipt = read(client, f"/runs/{run['id']}/receipt")
    (document,) = receipt["documents"]
    given = {page["page"] for page in document["pages"]}
    skipped = {number for entry in document["skipped"] for number in range(entry["first_page"], entry["last_page"] + 1)}
    reasons = {entry["reason"] for entry in document["skipped"]}
    assert len(given) == 2
    assert reasons == {"over_budget"}
    assert skipped
    assert all(entry["detail"] for entry in document["skipped"])
    assert not given & skipped


def test_a_second_run_adds_only_new_items(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    first = start_run(pages=2, flashcards=4, questions=2)
    finish()
    again = client.post(f"/api/v1/study-sets/{first['study_set_id']}/runs", json={"flashcards": 4, "questions": 2}).json
    finish()
    fronts = [card["front"] for run in (first, again) for card in items(client, run, "flashcards")]
    assert len(fronts) == len(set(fronts)) == 8
    told = [call for call in openai.calls if call["kind"] == "section"][-1]["request"]["messages"][-1]["content"]
    assert any(front in told for front in fronts[:4])


def test_repeated_items_are_dropped_and_counted(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    openai.set_script([{"do": "duplicates", "items": 2}])
    run = start_run(pages=1, flashcards=4, questions=0)
    finish()
    receipt = read(client, f"/runs/{run['id']}/receipt")
    fronts = [card["front"] for card in items(client, run, "flashcards")]
    assert len(fronts) == len(set(fronts)) == receipt["delivered"]["flashcards"] <= 4
    assert receipt["duplicates"] + sum(entry["count"] for entry in receipt["rejected"]) > 0


def test_cancelling_stops_all_further_calls(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    run = start_run(pages=4)
    assert client.post(f"/api/v1/runs/{run['id']}/cancel").status_code == 202
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] == "cancelled"
    assert openai.calls == []
    again = client.post(f"/api/v1/runs/{run['id']}/cancel")
    assert (again.status_code, again.json["state"]) == (202, "cancelled")


def test_another_users_run_gives_404(other_client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any]) -> None:
    run = start_run()
    set_path = f"/api/v1/study-sets/{run['study_set_id']}/runs"
    for path in ("", "/events", "/events?after=0", "/receipt"):
        assert other_client.get(f"/api/v1/runs/{run['id']}{path}").status_code == 404
    assert other_client.post(f"/api/v1/runs/{run['id']}/cancel").status_code == 404
    assert other_client.get(set_path).status_code == 404
    assert other_client.post(set_path, json={}).status_code == 404


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"flashcards": -1}, "flashcards"),
        ({"questions": "many"}, "questions"),
        ({"language": "tlh"}, "language"),
        ({"difficulty": "cruel"}, "difficulty"),
        ({"cards": 3}, "cards"),
        ({"document_ids": ["x"]}, "document_ids.0"),
    ],
)
def test_invalid_options_are_refused_with_the_field(client: Any, wish: dict[str, Any], field: str) -> None:
    study_set = client.make_study_set()
    answer = client.post(f"/api/v1/study-sets/{study_set}/runs", json=wish)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_a_run_needs_a_document_and_at_least_one_item(client: Any) -> None:
    study_set = client.make_study_set()
    path = f"/api/v1/study-sets/{study_set}/runs"
    answer = client.post(path, json={})
    assert (answer.status_code, answer.json["code"]) == (409, "no_documents")
    client.upload(study_set, ("notes.txt", notes(1)))
    answer = client.post(path, json={"flashcards": 0, "questions": 0})
    assert (answer.status_code, answer.json["code"]) == (422, "nothing_wanted")
    foreign = client.make_study_set()
    document = client.upload(foreign, ("notes.txt", notes(1))).json["documents"][0]["id"]
    assert client.post(path, json={"document_ids": [document]}).status_code == 404


def test_a_document_in_use_cannot_be_deleted(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    run = start_run()
    document = read(client, f"/study-sets/{run['study_set_id']}/documents")["items"][0]["id"]
    answer = client.delete(f"/api/v1/documents/{document}")
    assert (answer.status_code, answer.json["code"]) == (409, "document_in_use")
    finish()
    made = items(client, run, "flashcards")
    assert client.delete(f"/api/v1/documents/{document}").status_code == 204
    left = items(client, run, "flashcards")
    assert [card["id"] for card in left] == [card["id"] for card in made]
    assert all(card["evidence"] == [] for card in left)


def test_deleting_the_study_set_ends_its_run(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    run = start_run()
    assert client.delete(f"/api/v1/study-sets/{run['study_set_id']}").status_code == 204
    finish()
    assert client.get(f"/api/v1/runs/{run['id']}").status_code == 404
    assert openai.calls == []


def test_one_idempotency_key_starts_one_run(client: Any, openai: OpenAIStandIn) -> None:
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.txt", notes(1)))
    path, key = f"/api/v1/study-sets/{study_set}/runs", {"Idempotency-Key": "run-1"}
    answers = [client.post(path, json={"flashcards": 3}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json == answers[1].json
    assert answers[1].headers["Location"].endswith(answers[0].json["id"])
    assert len(read(client, f"/study-sets/{study_set}/runs")["items"]) == 1


def test_an_unreadable_document_is_listed_and_the_others_are_used(
    client: Any, openai: OpenAIStandIn, finish: Callable[[], None]
) -> None:
    study_set = client.make_study_set()
    empty = io.BytesIO()
    canvas = Canvas(empty)
    canvas.showPage()
    canvas.save()
    client.upload(study_set, ("good.txt", notes(1)), ("bad.pdf", empty.getvalue()))
    run = client.post(f"/api/v1/study-sets/{study_set}/runs", json={"flashcards": 2}).json
    finish()
    receipt = read(client, f"/runs/{run['id']}/receipt")
    assert receipt["state"] == "done"
    by_name = {document["filename"]: document for document in receipt["documents"]}
    assert by_name["good.txt"]["pages"]
    assert [entry["reason"] for entry in by_name["bad.pdf"]["skipped"]] == ["no_text"]
    only_bad = [d["id"] for d in read(client, f"/study-sets/{study_set}/documents")["items"] if d["format"] == "pdf"]
    answer = client.post(f"/api/v1/study-sets/{study_set}/runs", json={"document_ids": only_bad})
    assert (answer.status_code, answer.json["code"]) == (409, "no_readable_document")
