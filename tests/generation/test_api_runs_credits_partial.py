"""Runs that end partly done for lack of credits, their continuation, and runs that wait for the free budget."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from backend.billing.ledger.holds import release_silent_holds
from tests.conftest import Client
from tests.generation.charged import Finish, Grant, Ledger, start
from tests.generation.conftest import notes
from tests.generation.test_api_runs import read
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.usefixtures("billing")


def proceed(client: Client, run: Any, **options: Any) -> Any:
    """Continue a run."""
    return client.post(f"/api/v1/runs/{run['id']}/continue", json=options)


def events(client: Client, run: Any) -> list[Any]:
    return read(client, f"/runs/{run['id']}/events", after=0)["items"]


def make_partial(client: Client, study_set: str, finish: Finish, max_credits: int = 90) -> Any:
    """Run out of credits after some of the sections."""
    run = start(client, study_set, flashcards=16, questions=0, max_credits=max_credits).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] == "partial"
    return run


def test_a_run_stops_before_it_exceeds_its_maximum(
    client: Client, openai: OpenAIStandIn, study_set: str, finish: Finish, grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 5000)
    run = make_partial(client, study_set, finish)
    assert run["credits"]["reserved"] == 90
    assert 0 < run["credits"]["charged"] <= 90
    assert (run["partial_reason"], run["error"]) == ("max_credits_reached", None)
    assert "higher maximum" in run["partial_detail"]
    assert 0 < run["delivered"]["flashcards"] < 16
    assert ledger.balance(client) == (5000 - run["credits"]["charged"], 0)
    last = events(client, run)[-1]
    assert (last["kind"], last["data"]["reason"]) == ("run.partial", "max_credits_reached")
    receipt = read(client, f"/runs/{run['id']}/receipt")
    skipped = [entry for entry in receipt["documents"][0]["skipped"] if entry["reason"] == "max_credits_reached"]
    assert skipped
    assert "maximum" in skipped[0]["detail"]


@pytest.mark.parametrize(("language", "word"), [("de", "höheren"), ("fr", "plus élevé"), ("it", "più alto")])
def test_the_reason_is_told_in_the_users_language(
    client: Client, study_set: str, finish: Finish, grant_credits: Grant, language: str, word: str
) -> None:
    grant_credits(client, 5000)
    run = make_partial(client, study_set, finish)
    answer = client.get(f"/api/v1/runs/{run['id']}", headers={"Accept-Language": language}).json
    assert word in answer["partial_detail"]
    assert answer["stage"] not in ("done", "partly done")


def test_a_maximum_below_the_first_section_makes_nothing_and_costs_nothing(
    client: Client, openai: OpenAIStandIn, study_set: str, finish: Finish, grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 5000)
    # Refused at once if the counts are named. With an open count, the prices are known when the run is planned.
    wish = {"flashcards": 16, "questions": 0}
    for language, word in (("en", "least"), ("de", "mindestens"), ("fr", "moins"), ("it", "almeno")):
        path, headers = f"/api/v1/study-sets/{study_set}/runs", {"Accept-Language": language}
        refused = client.post(path, json={**wish, "max_credits": 1}, headers=headers)
        assert (refused.status_code, refused.json["code"]) == (422, "max_credits_too_low")
        assert [error["field"] for error in refused.json["errors"]] == ["max_credits"]
        assert word in refused.json["detail"]
    least = refused.json["required"]
    assert start(client, study_set, **wish, max_credits=least - 1).status_code == 422
    enough = start(client, study_set, **wish, max_credits=least).json
    finish()
    assert read(client, f"/runs/{enough['id']}")["delivered"]["flashcards"] > 0
    calls = len(openai.calls)
    before = ledger.balance(client)
    run = start(client, study_set, flashcards=16, max_credits=1).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] == "partial"
    assert (run["delivered"]["flashcards"], run["credits"]["charged"]) == (0, 0)
    assert len(openai.calls) == calls
    assert ledger.balance(client) == before


def test_a_partial_run_is_continued_once_with_what_is_missing(
    client: Client, openai: OpenAIStandIn, study_set: str, finish: Finish, grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 5000)
    first = make_partial(client, study_set, finish)
    before = len([call for call in openai.calls if call["kind"] == "section"])
    answer = proceed(client, first, max_credits=2000)
    assert answer.status_code == 202, answer.text
    second = answer.json
    again = proceed(client, first)
    assert (again.status_code, again.json["id"]) == (202, second["id"])
    assert second["continues"] == first["id"]
    assert read(client, f"/runs/{first['id']}")["continued_by"] == second["id"]
    finish()
    second = read(client, f"/runs/{second['id']}")
    assert second["state"] == "done"
    later = [call for call in openai.calls if call["kind"] == "section"][before:]
    assert sum(call["flashcards"] for call in later) == second["asked"]["flashcards"]
    assert sum(call["flashcards"] for call in openai.calls if call["kind"] == "section") == 16
    paid = first["credits"]["charged"] + second["credits"]["charged"]
    assert ledger.balance(client) == (5000 - paid, 0)
    receipt = read(client, f"/runs/{second['id']}/receipt")
    assert receipt["missing"]["flashcards"] == second["asked"]["flashcards"] - second["delivered"]["flashcards"]
    assert {entry["reason"] for entry in receipt["documents"][0]["skipped"]} == {"earlier_run"}


def test_a_continuation_keeps_the_maximum_and_may_be_partial_too(
    client: Client, study_set: str, finish: Finish, grant_credits: Grant
) -> None:
    grant_credits(client, 5000)
    run = make_partial(client, study_set, finish)
    delivered = run["delivered"]["flashcards"]
    for _ in range(5):
        run = proceed(client, run).json
        assert run["max_credits"] == 90
        finish()
        run = read(client, f"/runs/{run['id']}")
        delivered += run["delivered"]["flashcards"]
        if run["state"] == "done":
            break
    assert run["state"] == "done"
    assert delivered >= 14


def test_a_run_that_failed_for_lack_of_credits_is_continued_with_the_same_wish(
    client: Client, study_set: str, finish: Finish, grant_credits: Grant
) -> None:
    grant_credits(client, 10)
    run = start(client, study_set, flashcards=4, difficulty="hard").json
    finish()
    refused = read(client, f"/runs/{run['id']}")["error"]
    grant_credits(client, 5000)
    second = proceed(client, run).json
    assert (second["continues"], second["difficulty"]) == (run["id"], "hard")
    assert second["asked"] == {"flashcards": 4, "questions": None}
    finish()
    second = read(client, f"/runs/{second['id']}")
    assert (second["state"], second["credits"]["reserved"]) == ("done", refused["required"])


def test_continuing_needs_credits_and_a_run_that_lacked_them(
    client: Client, other_client: Client, study_set: str, finish: Finish, grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 90)
    run = make_partial(client, study_set, finish)
    refused = proceed(client, run)
    assert (refused.status_code, refused.json["code"]) == (402, "insufficient_credits")
    assert read(client, f"/runs/{run['id']}")["continued_by"] is None
    assert proceed(other_client, run).status_code == 404
    grant_credits(client, 5000)
    done = start(client, study_set, flashcards=1, questions=0).json
    for _ in range(2):
        answer = proceed(client, done)
        assert (answer.status_code, answer.json["code"]) == (409, "run_not_continuable")
        finish()
    answers = [proceed(client, run) for _ in range(2)]
    assert answers[0].status_code == 202
    assert answers[0].json["id"] == answers[1].json["id"]


def test_a_run_that_waits_for_days_keeps_its_hold(
    client: Client,
    study_set: str,
    run_next: Callable[[str], None],
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    engine: sa.Engine,
    app: Any,
) -> None:
    grant_credits(client, 5000)
    run = start(client, study_set, flashcards=16, questions=0).json
    run_next("generation.work_step")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE credit_holds SET sign_of_life_at = now() - interval '70 hours'")
    with app.app_context():
        assert release_silent_holds() == 0
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["delivered"]["flashcards"]) == ("done", 16)
    assert ledger.balance(client) == (5000 - run["credits"]["charged"], 0)


@pytest.mark.parametrize("named", [True, False])
def test_a_free_run_waits_while_the_budget_is_used_up(
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    run_pending_jobs: Callable[[], int],
    make_due: Callable[[], int],
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    engine: sa.Engine,
    set_free_budget: Callable[[str], None],
    named: bool,
) -> None:
    grant_credits(client, 5000, "goodwill")
    set_free_budget("0")
    run = start(client, study_set, flashcards=4, **({"questions": 0} if named else {})).json
    for _ in range(2):
        run_pending_jobs()
        make_due()
    answer = client.get(f"/api/v1/runs/{run['id']}", headers={"Accept-Language": "de"}).json
    assert (answer["state"], answer["waiting_for"]) == ("reading", "free_budget")
    assert "wartet" in answer["stage"]
    assert [event["kind"] for event in events(client, run)].count("run.waiting") == 1
    assert openai.calls == []
    set_free_budget("1")
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["waiting_for"]) == ("done", None)
    assert ledger.balance(client) == (5000 - run["credits"]["charged"], 0)


def test_what_free_credits_paid_today_counts_towards_the_budget(
    client: Client,
    other_client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    finish: Finish,
    run_pending_jobs: Callable[[], int],
    grant_credits: Grant,
    set_free_budget: Callable[[str], None],
    engine: sa.Engine,
) -> None:
    for each in (client, other_client):
        grant_credits(each, 5000, "sign_up")
    # About 60 credits cost CHF 0.015 at a margin of 4.
    set_free_budget("0.01")
    first = start(client, study_set, flashcards=8, questions=0).json
    finish()
    assert read(client, f"/runs/{first['id']}")["state"] == "done"
    theirs = other_client.make_study_set()
    other_client.upload(theirs, ("notes.txt", notes(2)))
    second = start(other_client, theirs, flashcards=8, questions=0).json
    run_pending_jobs()
    assert read(other_client, f"/runs/{second['id']}")["waiting_for"] == "free_budget"
    # A cancelled run does not wait any longer.
    other_client.post(f"/api/v1/runs/{second['id']}/cancel")
    waited = read(other_client, f"/runs/{second['id']}")
    assert (waited["state"], waited["waiting_for"]) == ("cancelled", None)


@pytest.mark.parametrize("named", [True, False])
def test_paid_credits_are_taken_if_free_ones_must_wait(
    client: Client,
    study_set: str,
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    set_free_budget: Callable[[str], None],
    named: bool,
) -> None:
    grant_credits(client, 5000, "goodwill")
    grant_credits(client, 5000)
    set_free_budget("0")
    run = start(client, study_set, flashcards=4, **({"questions": 0} if named else {})).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] == "done"
    last = "SELECT free_after, paid_after FROM credit_entries ORDER BY number DESC LIMIT 1"
    assert tuple(ledger.query(last)[0]) == (5000, 5000 - run["credits"]["charged"])


def test_waiting_runs_do_not_keep_each_other_waiting(
    client: Client,
    other_client: Client,
    study_set: str,
    make_due: Callable[[], int],
    run_pending_jobs: Callable[[], int],
    grant_credits: Grant,
    set_free_budget: Callable[[str], None],
) -> None:
    set_free_budget("0")
    theirs = other_client.make_study_set()
    other_client.upload(theirs, ("notes.txt", notes(2)))
    runs = []
    for each, their_set in ((client, study_set), (other_client, theirs)):
        grant_credits(each, 5000, "goodwill")
        runs.append((each, start(each, their_set, flashcards=8, questions=0).json))
    run_pending_jobs()
    # Less than what is held for the two, and more than what one of them costs.
    set_free_budget("0.03")
    for _ in range(9):
        make_due()
        run_pending_jobs()
    states = sorted(read(each, f"/runs/{run['id']}")["state"] for each, run in runs)
    assert states == ["done", "done"]
