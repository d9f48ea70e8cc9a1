"""Faults of runs that cost credits: many at once, messages delivered twice, crashes, deletions, and locks."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.billing.hooks import find_ended_runs
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.work.queue import queue
from backend.generation import service as generation
from backend.settings import get_settings
from tests.conftest import Client
from tests.generation.charged import Finish, Grant, Ledger, estimate, start
from tests.generation.conftest import notes
from tests.generation.test_api_runs import read
from tests.generation.test_api_runs_stopping import work_on_one_section
from tests.operations.admin.conftest import ADMIN
from tests.patience import HANG_S, join, rounds, wait_for
from tests.security.test_lock_order import Stepped
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.usefixtures("billing")


@pytest.fixture
def many_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a user have as many active runs as they like."""
    monkeypatch.setenv("MAX_ACTIVE_RUNS_PER_USER", "1000")
    get_settings.cache_clear()


def same_user(app: APIFlask, client: Client) -> Client:
    """Return another client of the same user, because a client belongs to one thread."""
    other = app.test_client()
    other.token = client.token
    return other


@pytest.mark.usefixtures("many_runs")
def test_25_fifty_starts_with_credits_for_ten(
    app: APIFlask, client: Client, study_set: str, finish: Finish, grant_credits: Grant, ledger: Ledger
) -> None:
    needed = estimate(client, study_set, flashcards=3, questions=0)["high"]
    grant_credits(client, 10 * needed)
    together = threading.Barrier(50)

    def begin(_: int) -> Any:
        student = same_user(app, client)
        together.wait()
        # A request that finds the server busy is repeated, as a client does; on a slow machine, too often for a moment.
        for _ in rounds(HANG_S, 0.05):
            answer = start(student, study_set, flashcards=3, questions=0)
            if answer.status_code not in (429, 503):
                break
        return answer

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(begin, range(50)))
    assert sorted(answer.status_code for answer in answers) == [202] * 10 + [402] * 40
    assert {(each.json["required"], each.json["available"]) for each in answers if each.status_code == 402} == {
        (needed, 0)
    }
    assert ledger.balance(client) == (10 * needed, 10 * needed)
    assert ledger.query("SELECT count(*) FROM runs")[0][0] == ledger.open_holds() == 10
    finish()
    charged = sum(ceil(ledger.exact(answer.json)) for answer in answers if answer.status_code == 202)
    assert ledger.balance(client) == (10 * needed - charged, 0)
    assert ledger.open_holds() == 0


def test_12_a_step_delivered_five_times_at_once_is_charged_once(
    app: APIFlask,
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    run_next: Callable[[str], None],
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
) -> None:
    grant_credits(client, 2000)
    run = start(client, study_set, flashcards=4, questions=0).json
    run_next("generation.work_step")
    steps = ledger.query("SELECT id FROM steps WHERE run_id = :run AND kind = 'section'", run=run["id"])

    def work(step: Any) -> None:
        with app.app_context():
            queue.tasks["generation.work_step"].run(str(step[0]))

    with ThreadPoolExecutor(5) as pool:
        for step in steps:
            list(pool.map(work, [step] * 5))
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] == "done"
    assert len([call for call in openai.calls if call["kind"] == "section"]) == len(steps)
    captured = ledger.query("SELECT -sum(amount) FROM credit_entries WHERE kind = 'captured'")[0][0]
    assert captured == run["credits"]["charged"] == ceil(ledger.exact(run))


def test_3_a_step_that_always_crashes_costs_nothing(
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    crash_on: Callable[..., None],
) -> None:
    grant_credits(client, 2000)
    crash_on("flashcards", times=99)
    run = start(client, study_set, flashcards=2, questions=0).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["credits"]["charged"]) == ("failed", 0)
    assert len(ledger.calls(run)) == len(openai.calls) >= 3
    assert ledger.balance(client) == (2000, 0)


def test_1_only_the_attempt_that_was_recorded_is_charged(
    client: Client,
    study_set: str,
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    crash_on: Callable[..., None],
) -> None:
    grant_credits(client, 2000)
    crash_on("flashcards", times=1)
    run = start(client, study_set, flashcards=2, questions=0).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["delivered"]["flashcards"]) == ("done", 2)
    by_step: dict[Any, list[Any]] = {}
    for call in ledger.calls(run):
        if call.kind == "section":
            by_step.setdefault(call.step_id, []).append(call)
    assert sorted(len(calls) for calls in by_step.values())[-1] == 2
    for calls in by_step.values():
        charged = [call.attempt for call in calls if call.charged_credits > 0]
        assert charged == [max(call.attempt for call in calls)]


def test_a_call_that_outlives_its_run_is_kept_and_not_charged(
    app: APIFlask,
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    run_next: Callable[[str], None],
    grant_credits: Grant,
    ledger: Ledger,
    engine: sa.Engine,
) -> None:
    grant_credits(client, 2000)
    run = start(client, study_set, flashcards=4, questions=0).json
    run_next("generation.work_step")
    openai.set_script([{"do": "hold"}])
    thread = work_on_one_section(app, engine, run)
    wait_for("a call", lambda: openai.calls)
    assert client.delete(f"/api/v1/study-sets/{study_set}").status_code == 204
    assert ledger.balance(client) == (2000, 0)
    openai.release()
    join(thread)
    (call,) = ledger.query("SELECT user_id, run_id, price_credits, charged_credits FROM model_calls")
    assert (call.user_id, str(call.run_id), call.charged_credits) == (client.user_id, run["id"], 0)
    assert call.price_credits > 0
    assert ledger.balance(client) == (2000, 0)


def administrator(app: APIFlask, engine: sa.Engine) -> Client:
    admin = app.test_client().sign_in("admin@example.org")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": admin.user_id})
    return admin


def retry(app: APIFlask, engine: sa.Engine, run: Any) -> Any:
    """Retry a run as an administrator."""
    return administrator(app, engine).post(f"{ADMIN}/runs/{run['id']}/retry")


def test_an_administrator_retries_a_failed_run_at_the_users_cost(
    app: APIFlask,
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    engine: sa.Engine,
) -> None:
    needed = estimate(client, study_set, flashcards=4, questions=0)["high"]
    grant_credits(client, needed)
    openai.set_script([{"do": "refusal"}])
    failed = start(client, study_set, flashcards=4, questions=0).json
    finish()
    openai.set_script([])
    assert retry(app, engine, failed).status_code == 202
    assert ledger.balance(client) == (needed, needed)
    again = ledger.query("SELECT id FROM runs WHERE retry_of = :run", run=failed["id"])[0][0]
    finish()
    run = read(client, f"/runs/{again}")
    assert run["state"] == "done"
    assert ledger.balance(client) == (needed - run["credits"]["charged"], 0)
    assert ledger.open_holds() == 0


def test_an_administrator_cannot_retry_a_run_without_credits(
    app: APIFlask,
    client: Client,
    study_set: str,
    grant_credits: Grant,
    ledger: Ledger,
    engine: sa.Engine,
) -> None:
    needed = estimate(client, study_set, flashcards=4, questions=0)["high"]
    grant_credits(client, needed)
    cancelled = start(client, study_set, flashcards=4, questions=0).json
    client.post(f"/api/v1/runs/{cancelled['id']}/cancel")
    other = start(client, study_set, flashcards=4, questions=0)
    assert other.status_code == 202
    answer = retry(app, engine, cancelled)
    assert (answer.status_code, answer.json["code"]) == (402, "insufficient_credits")
    assert (answer.json["required"], answer.json["available"]) == (needed, 0)
    assert ledger.query("SELECT count(*) FROM runs")[0][0] == 2


def test_a_retried_continuation_makes_only_what_was_left_out(
    app: APIFlask,
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    engine: sa.Engine,
) -> None:
    grant_credits(client, 5000)
    partial = start(client, study_set, flashcards=16, questions=0, max_credits=90).json
    finish()
    openai.set_script([{"do": "quota_exhausted"}])
    continuation = client.post(f"/api/v1/runs/{partial['id']}/continue", json={"max_credits": 2000}).json
    finish()
    openai.set_script([])
    assert read(client, f"/runs/{continuation['id']}")["state"] == "failed"
    again = retry(app, engine, continuation).json
    reserved = read(client, f"/runs/{again['id']}")["credits"]["reserved"]
    assert reserved == read(client, f"/runs/{continuation['id']}")["credits"]["reserved"]
    finish()
    sections = (
        'SELECT document_id, first_page, last_page, start, "end", flashcards_asked FROM steps'
        " WHERE run_id = :run AND kind = 'section' AND (state = 'cancelled' OR :all) ORDER BY position"
    )
    left_out = ledger.query(sections, run=partial["id"], all=False)
    assert ledger.query(sections, run=again["id"], all=True) == left_out != []
    receipt = read(client, f"/runs/{again['id']}/receipt")
    assert {entry["reason"] for entry in receipt["documents"][0]["skipped"]} == {"earlier_run"}


def test_an_administrator_sees_why_a_run_is_partial(
    app: APIFlask, client: Client, study_set: str, finish: Finish, grant_credits: Grant, engine: sa.Engine
) -> None:
    grant_credits(client, 5000)
    partial = start(client, study_set, flashcards=16, questions=0, max_credits=90).json
    finish()
    continuation = client.post(f"/api/v1/runs/{partial['id']}/continue", json={"max_credits": 5000}).json
    admin = administrator(app, engine)
    runs = {run["id"]: run for run in admin.get(f"{ADMIN}/users/{client.user_id}/runs").json["items"]}
    found = [runs[partial["id"]][name] for name in ("state", "error_code", "partial_reason", "waiting_for")]
    assert found == ["partial", None, "max_credits_reached", None]
    assert [runs[run["id"]]["continues"] for run in (partial, continuation)] == [None, partial["id"]]
    refused = retry(app, engine, partial)
    assert (refused.status_code, refused.json["code"]) == (409, "run_not_retriable")


def test_cancelling_all_runs_does_not_lock_the_account_before_a_run(
    app: APIFlask,
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    run_pending_jobs: Callable[[], int],
    run_next: Callable[[str], None],
    grant_credits: Grant,
    ledger: Ledger,
    engine: sa.Engine,
) -> None:
    """A worker records the second of two runs while both are cancelled."""
    grant_credits(client, 5000)
    other_set = client.make_study_set()
    client.upload(other_set, ("notes.txt", notes(2)))
    run_next("library.read_document")
    first, second = (start(client, each, flashcards=4, questions=0).json for each in (study_set, other_set))
    for _ in range(2):
        run_next("generation.work_step")
    assert ledger.query("SELECT count(*) FROM steps WHERE kind = 'section'")[0][0] >= 2
    with app.app_context():
        stepped = Stepped(db.engine)
    step = ledger.query(
        "SELECT id FROM steps WHERE run_id = :run AND kind = 'section' AND state = 'queued' LIMIT 1", run=second["id"]
    )[0][0]

    def record() -> None:
        with app.app_context():
            queue.tasks["generation.work_step"].run(str(step))

    def cancel() -> None:
        with app.app_context(), transaction():
            generation.cancel_runs_of(client.user_id)

    stepped.hold("record", r"^UPDATE steps SET state=(?!.* attempt=)")
    threads = [threading.Thread(target=record, name="record"), threading.Thread(target=cancel, name="cancel")]
    try:
        threads[0].start()
        wait_for("the end of the step", stepped.reached.is_set)
        threads[1].start()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        wait_for("the cancellation to wait", lambda: bool(ledger.query(waiting)))
    finally:
        stepped.close()
    for thread in threads:
        thread.join(HANG_S)
    assert stepped.deadlocks == []
    run_pending_jobs()
    for run in (first, second):
        assert read(client, f"/runs/{run['id']}")["state"] == "cancelled"
    assert ledger.open_holds() == 0


def test_the_ledger_learns_which_runs_have_ended(
    app: APIFlask, client: Client, study_set: str, finish: Finish, grant_credits: Grant
) -> None:
    grant_credits(client, 2000)
    ended = start(client, study_set, flashcards=2, questions=0).json["id"]
    finish()
    active = start(client, study_set, flashcards=2, questions=0).json["id"]
    with app.app_context(), transaction():
        gone = new_id()
        ids = [UUID(ended), UUID(active), gone]
        assert find_ended_runs.send(ids) == [{UUID(ended), gone}]
