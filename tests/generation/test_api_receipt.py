"""The receipt of a run: every page is accounted for, and asked minus delivered adds up."""

import io
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from reportlab.pdfgen.canvas import Canvas

from tests.generation.conftest import notes
from tests.generation.test_api_runs import read
from tests.stand_ins.openai_server import OpenAIStandIn

Finish = Callable[[], None]
Start = Callable[..., Any]

Pages = dict[int, set[str]]


@pytest.fixture
def start(client: Any, openai: OpenAIStandIn) -> Start:
    """Upload a file (text has a form feed between pages) and start a run; return the run's id."""

    def start(content: bytes, name: str = "notes.txt", **wish: Any) -> str:
        study_set = client.make_study_set()
        assert client.upload(study_set, (name, content)).status_code == 201
        answer = client.post(f"/api/v1/study-sets/{study_set}/runs", json=wish)
        assert answer.status_code == 202, answer.text
        return str(answer.json["id"])

    return start


def pdf_of(pages: list[str]) -> bytes:
    """Return a PDF with these pages, line by line."""
    file = io.BytesIO()
    canvas = Canvas(file)
    for page in pages:
        for number, line in enumerate(page.splitlines()):
            canvas.drawString(50, 780 - 20 * number, line)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def receipt_of(client: Any, run_id: str) -> Any:
    return read(client, f"/runs/{run_id}/receipt")


def account(receipt: Any) -> tuple[set[int], Pages]:
    """Return the pages of the only document that have items, and the reasons of the others by page."""
    (document,) = receipt["documents"]
    reasons: Pages = {}
    for entry in document["skipped"]:
        assert entry["detail"]
        for page in range(entry["first_page"], entry["last_page"] + 1):
            reasons.setdefault(page, set()).add(entry["reason"])
    return {page["page"] for page in document["pages"]}, reasons


def test_pages_without_items_are_listed_with_a_reason(client: Any, start: Start, finish: Finish) -> None:
    # Short pages, so that a section has several of them; the third is blank.
    first, second, *others = notes(6, sentences=5).decode().split("\f")
    run = start(pdf_of([first, second, "", *others]), "notes.pdf", flashcards=3, questions=0)
    finish()
    receipt = receipt_of(client, run)
    given, reasons = account(receipt)
    assert receipt["state"] == "done"
    assert len(given) == 3
    assert set(reasons) == set(range(1, 8)) - given
    assert reasons[3] == {"blank"}
    assert {reason for page, said in reasons.items() if page != 3 for reason in said} == {"nothing_suitable"}
    skipped = receipt["documents"][0]["skipped"]
    assert [entry["first_page"] for entry in skipped] == sorted(entry["first_page"] for entry in skipped)
    assert len(skipped) < len(reasons)


@pytest.mark.parametrize("too_long", [[1], [1, 2], [1, 2, 3]])
def test_a_halved_section_is_not_listed_as_unsuitable(
    client: Any, openai: OpenAIStandIn, start: Start, finish: Finish, too_long: list[int]
) -> None:
    openai.set_script([{"do": "context_too_long", "on": too_long}])
    run = start(notes(4, sentences=5), flashcards=8, questions=0)
    finish()
    receipt = receipt_of(client, run)
    given, reasons = account(receipt)
    assert receipt["delivered"]["flashcards"] == 8
    assert (given, reasons) == ({1, 2, 3, 4}, {})


def test_a_half_without_a_share_of_the_items_is_listed(
    client: Any, openai: OpenAIStandIn, start: Start, finish: Finish
) -> None:
    openai.set_script([{"do": "context_too_long", "on": [1]}])
    run = start(notes(4, sentences=5), flashcards=1, questions=0)
    finish()
    given, reasons = account(receipt_of(client, run))
    assert len(given) == 1
    assert given | set(reasons) == {1, 2, 3, 4}
    assert {reason for said in reasons.values() for reason in said} == {"nothing_suitable", "over_budget"}


def test_a_page_of_several_sections_lists_every_reason(
    client: Any, openai: OpenAIStandIn, start: Start, finish: Finish
) -> None:
    openai.set_script([{"do": "refusal", "on": [1]}])
    run = start(notes(1, sentences=36), flashcards=6, questions=0)
    finish()
    given, reasons = account(receipt_of(client, run))
    # Part of the page is lost, which must be listed although another part has items.
    assert (given, reasons) == ({1}, {1: {"refused"}})


def test_a_cancelled_run_lists_all_its_pages(
    client: Any, start: Start, run_pending_jobs: Callable[[], int], finish: Finish
) -> None:
    run = start(notes(4))
    client.post(f"/api/v1/runs/{run}/cancel")
    (document,) = receipt_of(client, run)["documents"]
    assert [(entry["first_page"], entry["reason"]) for entry in document["skipped"]] == [(None, "cancelled")]
    finish()
    assert account(receipt_of(client, run)) == (set(), {page: {"cancelled"} for page in range(1, 5)})


def test_a_failed_run_gives_a_reason_for_every_page(
    client: Any, openai: OpenAIStandIn, start: Start, finish: Finish
) -> None:
    openai.set_script([{"do": "unauthorized", "on": list(range(2, 99))}])
    run = start(notes(8), flashcards=16, questions=0)
    finish()
    receipt = receipt_of(client, run)
    given, reasons = account(receipt)
    assert receipt["state"] == "failed"
    assert (len(given), given | set(reasons)) == (1, set(range(1, 9)))
    assert {reason for said in reasons.values() for reason in said} == {"misconfigured"}
    assert receipt["not_written"] == receipt["missing"]["flashcards"] == 16 - receipt["delivered"]["flashcards"]


def test_a_run_in_progress_lists_only_processed_pages(
    client: Any, openai: OpenAIStandIn, start: Start, run_pending_jobs: Callable[[], int], finish: Finish
) -> None:
    openai.set_script([{"do": "rate_limit", "on": list(range(2, 99))}])
    run = start(notes(2), flashcards=2, questions=0)
    assert receipt_of(client, run)["missing"] == {"flashcards": 2, "questions": 0}
    run_pending_jobs()
    receipt = receipt_of(client, run)
    assert account(receipt) == ({1}, {})
    assert (receipt["missing"], receipt["not_written"]) == ({"flashcards": 1, "questions": 0}, None)
    openai.set_script([])
    finish()
    receipt = receipt_of(client, run)
    assert account(receipt) == ({1, 2}, {})
    assert (receipt["missing"], receipt["not_written"]) == ({"flashcards": 0, "questions": 0}, 0)
    assert receipt["not_written_detail"] is None


def test_a_page_is_not_listed_before_its_last_section_ends(
    client: Any, openai: OpenAIStandIn, start: Start, run_pending_jobs: Callable[[], int], finish: Finish
) -> None:
    bad = {"do": "foreign_quotes", "items": 99, "times": 1}
    openai.set_script([bad, {"do": "rate_limit", "on": list(range(2, 99))}])
    run = start(notes(1, sentences=36), flashcards=6, questions=0)
    run_pending_jobs()
    assert account(receipt_of(client, run)) == (set(), {})
    openai.set_script([])
    finish()
    assert account(receipt_of(client, run)) == ({1}, {})


def test_items_that_were_never_written_are_counted(client: Any, start: Start, finish: Finish) -> None:
    run = start(notes(1, sentences=3), flashcards=20, questions=0)
    finish()
    receipt = receipt_of(client, run)
    delivered = receipt["delivered"]["flashcards"]
    assert 0 < delivered <= 3
    assert receipt["missing"] == {"flashcards": 20 - delivered, "questions": 0}
    # What was written a second time is a duplicate.
    assert receipt["not_written"] == 20 - delivered - receipt["duplicates"] > 0
    for language, word in {"de": "geschrieben", "fr": "écrits", "it": "scritti"}.items():
        translated = client.get(f"/api/v1/runs/{run}/receipt", headers={"Accept-Language": language})
        assert word in translated.json["not_written_detail"]
        assert "Accept-Language" in translated.vary
    assert "written" in receipt["not_written_detail"]


@pytest.mark.parametrize("behaviour", ["foreign_quotes", "malformed_item", "placeholder"])
def test_asked_minus_delivered_adds_up(
    client: Any, openai: OpenAIStandIn, start: Start, finish: Finish, behaviour: str
) -> None:
    openai.set_script([{"do": behaviour, "items": 2}])
    run = start(notes(1, sentences=6), flashcards=9, questions=3)
    finish()
    receipt = receipt_of(client, run)
    rejected = sum(entry["count"] for entry in receipt["rejected"])
    assert receipt["delivered"]["flashcards"] + receipt["delivered"]["questions"] > 0
    assert rejected > 0
    # More may have been rejected than is missing, because the section was asked again.
    assert sum(receipt["missing"].values()) <= rejected + receipt["duplicates"] + receipt["not_written"]


def test_surplus_items_do_not_offset_missing_ones(client: Any, start: Start, finish: Finish, engine: sa.Engine) -> None:
    run = start(notes(1, sentences=3), flashcards=20, questions=0)
    finish()
    before = receipt_of(client, run)["not_written"]
    with engine.begin() as connection:
        connection.execute(sa.text("""UPDATE runs SET rejected = '{"more_than_asked": 5}'"""))
    assert receipt_of(client, run)["not_written"] == before


def test_fixed_items_are_counted(client: Any, openai: OpenAIStandIn, start: Start, finish: Finish) -> None:
    openai.set_script([{"do": "invisible", "items": 2}])
    run = start(notes(1), flashcards=3, questions=0)
    finish()
    receipt = receipt_of(client, run)
    assert receipt["delivered"]["flashcards"] == 3
    assert receipt["fixed"] == [
        {"check": "invisible_characters", "count": 2, "detail": "Invisible characters were removed."}
    ]


def test_a_check_that_no_longer_exists_has_a_sentence(
    client: Any, start: Start, finish: Finish, engine: sa.Engine
) -> None:
    run = start(notes(1), flashcards=1, questions=0)
    finish()
    with engine.begin() as connection:
        connection.execute(sa.text("""UPDATE runs SET rejected = '{"renamed": 2}', fixed = '{"renamed_too": 1}'"""))
    receipt = receipt_of(client, run)
    assert [(entry["check"], entry["count"]) for entry in receipt["rejected"]] == [("renamed", 2)]
    assert receipt["rejected"][0]["detail"].endswith(".")
    assert receipt["fixed"][0]["detail"].endswith(".")


def test_the_receipt_repeats_the_warnings_about_pages_of_the_run(client: Any, start: Start, finish: Finish) -> None:
    first, *others = notes(3, sentences=5).decode().split("\f")
    run = start("\f".join([first.replace(" ", " \u202e", 1), *others]).encode(), flashcards=2, questions=0)
    finish()
    document = receipt_of(client, run)["documents"][0]
    (warning,) = document["warnings"]
    assert warning["code"] == "hidden_characters_removed"
    assert (warning["count"], warning["pages"]) == (1, [1])
    uploaded = read(client, f"/documents/{document['document_id']}")
    (said,) = uploaded["warnings"]
    assert (uploaded["status"], said["count"], said["pages"]) == ("ready", 1, [1])
    assert warning["detail"] == said["detail"]


def test_a_run_without_losses_has_no_warnings(client: Any, start: Start, finish: Finish) -> None:
    run = start(notes(3, sentences=5), flashcards=2, questions=0)
    finish()
    assert receipt_of(client, run)["documents"][0]["warnings"] == []
