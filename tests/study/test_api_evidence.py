"""Evidence over HTTP: quotes given by hand, and the page's text around a quote."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.work.jobs import JobState
from backend.library.models import Page
from backend.study.types import Evidence, EvidenceStatus
from tests.study.new_items import SENTENCE, evidence_on, new_card, new_question, page_text

CARD = {"front": "What does a mitochondrion make?", "back": "ATP"}
QUESTION = {"stem": "What does it make?", "options": [{"text": "ATP", "correct": True}, {"text": "DNA"}]}

KINDS = pytest.mark.parametrize(("kind", "body"), [("flashcards", CARD), ("questions", QUESTION)])


def quoted(document_id: str, page: int, quote: str) -> dict:
    return {"evidence": {"document_id": document_id, "page": page, "quote": quote}}


@KINDS
@pytest.mark.parametrize("cited", [1, 3, 5])
def test_a_quote_given_by_hand_is_found_on_its_page_or_a_neighbour(client, study_set, document, kind, body, cited):
    quote = "mitochondrion of KIND 3\nmakes  adenosine"
    answer = client.post(f"/api/v1/study-sets/{study_set}/{kind}", json={**body, **quoted(document, cited, quote)})
    assert answer.status_code == 201
    (evidence,) = answer.json["evidence"]
    found = page_text(3)[evidence["start"] : evidence["end"]]
    assert found == "mitochondrion of kind 3 makes adenosine"
    assert (evidence["page"], evidence["quote"], evidence["status"]) == (3, found, "verified")
    assert (answer.json["evidence_status"], answer.json["origin"]) == ("verified", "hand")
    (shown,) = client.get(f"/api/v1/{kind}/{answer.json['id']}/evidence").json
    assert (shown["page"], shown["quote"], shown["filename"]) == (3, found, "cells.pdf")


@KINDS
@pytest.mark.parametrize(
    ("page", "quote", "code"),
    [
        (3, "mitochondrion of kind 37 makes adenosine", "quote_not_found"),
        (3, "mitochondrion of kind 9 makes adenosine", "quote_not_found"),
        (400, "mitochondrion of kind 9 makes adenosine", "quote_not_found"),
        (3, "adenosine", "quote_too_short"),
        (3, "The mitochondrion … adenosine triphosphate", "quote_has_ellipsis"),
        (0, "mitochondrion of kind 3 makes adenosine", "invalid_input"),
        (3, " ", "invalid_input"),
    ],
)
def test_a_quote_that_is_not_found_adds_no_item(client, study_set, document, kind, body, page, quote, code):
    url = f"/api/v1/study-sets/{study_set}/{kind}"
    answer = client.post(url, json={**body, **quoted(document, page, quote)})
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.json["errors"][0]["field"].startswith("evidence.")
    assert client.get(url).json["items"] == []


@KINDS
def test_a_quote_must_be_from_a_document_of_the_same_study_set(
    client, other_client, study_set, add_document, kind, body
):
    quote = "mitochondrion of kind 3 makes adenosine"
    elsewhere = add_document(client.make_study_set("Another"))
    foreign = add_document(other_client.make_study_set("Foreign"))
    url = f"/api/v1/study-sets/{study_set}/{kind}"
    for document_id in (elsewhere, foreign, str(uuid4())):
        answer = client.post(url, json={**body, **quoted(document_id, 3, quote)})
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert client.get(url).json["items"] == []


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.FAILED])
def test_a_document_without_text_gives_no_evidence(client, study_set, add_document, state):
    document = add_document(study_set, state=state)
    body = {**CARD, **quoted(document, 3, "mitochondrion of kind 3 makes adenosine")}
    answer = client.post(f"/api/v1/study-sets/{study_set}/flashcards", json=body)
    assert (answer.status_code, answer.json["code"]) == (409, "document_not_read")


def test_the_text_around_a_quote_is_the_pages_own(client, study_set, document, add_items):
    card = new_card("Front", "Back", evidence=(evidence_on(document, 2),))
    add_items(study_set, flashcards=[card])
    (shown,) = client.get(f"/api/v1/flashcards/{card.id}/evidence").json
    text = page_text(2)
    start = text.index(SENTENCE.format(n=2))
    end = start + len(SENTENCE.format(n=2))
    assert shown == {
        "document_id": document,
        "filename": "cells.pdf",
        "page": 2,
        "quote": text[start:end],
        "start": start,
        "end": end,
        "status": "verified",
        "option_id": None,
        "text_before": text[start - 300 : start],
        "text_after": text[end : end + 300],
        "page_text_length": len(text),
        "boxes": None,
    }


def test_offsets_count_code_points_up_to_the_edges_of_a_page(client, app, study_set, document, add_items):
    text = "\U0001d44e\U0001f642é = Äpfel und Birnen \U0001f642" + " und mehr" * 50
    with app.app_context(), transaction() as session:
        session.add(Page(document_id=UUID(document), number=77, text=text, source="text"))
    start, end = text.index("Äpfel"), text.index(" \U0001f642", 5)
    evidence = Evidence(UUID(document), 77, text[start:end], start, end, EvidenceStatus.UNCHECKABLE)
    card = new_card("Front", "Back", evidence=(evidence,))
    add_items(study_set, flashcards=[card])
    (shown,) = client.get(f"/api/v1/flashcards/{card.id}/evidence").json
    assert (shown["text_before"], shown["quote"]) == (text[:start], text[start:end])
    assert shown["text_after"] == text[end : end + 300]
    assert shown["page_text_length"] == len(text)


def test_an_item_is_as_uncheckable_as_its_weakest_quote(client, study_set, document, add_items):
    weak = evidence_on(document, 3, EvidenceStatus.UNCHECKABLE)
    question = new_question("Stem", "Right", evidence=(evidence_on(document, 2), weak))
    add_items(study_set, questions=[question])
    read = client.get(f"/api/v1/questions/{question.id}").json
    assert [evidence["status"] for evidence in read["evidence"]] == ["verified", "uncheckable"]
    assert read["evidence_status"] == "uncheckable"
    shown = client.get(f"/api/v1/questions/{question.id}/evidence").json
    assert [(each["page"], each["status"]) for each in shown] == [(2, "verified"), (3, "uncheckable")]


def test_evidence_is_deleted_with_its_document_but_the_item_stays(client, study_set, document, add_document, add_items):
    other = add_document(study_set, "other.pdf")
    card = new_card("Front", "Back", evidence=(evidence_on(document, 2), evidence_on(other, 3)), id=new_id())
    add_items(study_set, flashcards=[card])
    assert client.delete(f"/api/v1/documents/{document}").status_code == 204
    read = client.get(f"/api/v1/flashcards/{card.id}").json
    assert [evidence["document_id"] for evidence in read["evidence"]] == [other]
    assert [each["filename"] for each in client.get(f"/api/v1/flashcards/{card.id}/evidence").json] == ["other.pdf"]
    assert client.delete(f"/api/v1/documents/{other}").status_code == 204
    read = client.get(f"/api/v1/flashcards/{card.id}").json
    assert (read["evidence"], read["evidence_status"]) == ([], "none")
    assert client.get(f"/api/v1/flashcards/{card.id}/evidence").json == []


def test_evidence_is_listed_by_its_position(client, study_set, document, add_items, engine):
    card = new_card("Front", "Back", evidence=tuple(evidence_on(document, page) for page in (2, 3, 4)))
    add_items(study_set, flashcards=[card])
    with engine.begin() as connection:
        # The rows were inserted in this order; only their positions differ.
        connection.exec_driver_sql("UPDATE evidence SET position = 2 WHERE page = 2")
        connection.exec_driver_sql("UPDATE evidence SET position = 0 WHERE page = 4")
    read = client.get(f"/api/v1/flashcards/{card.id}").json
    assert [evidence["page"] for evidence in read["evidence"]] == [4, 3, 2]


def test_evidence_may_name_an_option(client, study_set, document, add_items):
    evidence = replace(evidence_on(document, 2), option_id="id1")
    question = new_question("Stem", "Right", "Wrong", evidence=(evidence_on(document, 1), evidence))
    add_items(study_set, questions=[question])
    url = f"/api/v1/questions/{question.id}"
    for shown in (client.get(url).json["evidence"], client.get(f"{url}/evidence").json):
        assert [each["option_id"] for each in shown] == [None, "id1"]


def test_evidence_may_be_a_whole_page(client, study_set, document, add_items):
    page = Evidence(UUID(document), 2, None, None, None, EvidenceStatus.UNCHECKABLE)
    card = new_card("Front", "Back", evidence=(page,))
    add_items(study_set, flashcards=[card])
    url = f"/api/v1/flashcards/{card.id}"
    read = client.get(url).json
    assert read["evidence_status"] == "uncheckable"
    for (shown,) in (read["evidence"], client.get(f"{url}/evidence").json):
        assert (shown["page"], shown["quote"], shown["start"], shown["end"]) == (2, None, None, None)
    (shown,) = client.get(f"{url}/evidence").json
    assert (shown["text_before"], shown["text_after"], shown["page_text_length"]) == ("", "", len(page_text(2)))
    sheet = client.get(f"/api/v1/study-sets/{study_set}/export?format=md").text
    assert "> cells.pdf, S./p. 2\n" in sheet
    notes = client.get(f"/api/v1/study-sets/{study_set}/export?format=tsv").text
    assert "<small class=tex2jax_ignore>cells.pdf (2)</small>" in notes
