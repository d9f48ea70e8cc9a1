"""Without billing, runs cost nothing, and what they use is recorded all the same."""

from collections.abc import Callable
from math import ceil
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.core.database.database import db
from tests.conftest import Client
from tests.credits import billing_off
from tests.generation.charged import Finish, Grant, Ledger, estimate, start
from tests.generation.conftest import notes
from tests.generation.test_api_runs import read
from tests.stand_ins.openai_server import OpenAIStandIn


def test_usage_is_recorded_at_its_cost_and_nobody_pays(
    client: Client, openai: OpenAIStandIn, study_set: str, finish: Finish, ledger: Ledger
) -> None:
    found = estimate(client, study_set)
    assert (found["low"], found["likely"], found["high"], found["is_charged"]) == (0, 0, 0, False)
    run = start(client, study_set, flashcards=4, questions=0, max_credits=1).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["credits"]) == ("done", {"reserved": 0, "charged": 0})
    for call in ledger.calls(run):
        assert (call.user_id, call.price_list) == (client.user_id, "2026-11-01x4")
        assert call.cost_usd * 3200 == call.price_credits > 0
        assert call.charged_credits == 0
    assert ledger.query("SELECT 1 FROM credit_holds") == []


def test_a_model_without_a_price_has_no_recorded_cost(
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    finish: Finish,
    ledger: Ledger,
    use_model: Any,
) -> None:
    use_model("unheard-of")
    run = start(client, study_set, flashcards=2, questions=0).json
    finish()
    assert read(client, f"/runs/{run['id']}")["state"] == "done"
    for call in ledger.calls(run):
        assert call.input_tokens > 0
        assert (call.price_list, call.cost_usd, call.price_credits) == (None, None, None)


@pytest.mark.parametrize("billed", [True, False])
def test_the_builtin_model_is_free(
    client: Client, finish: Finish, ledger: Ledger, billed: bool, request: pytest.FixtureRequest
) -> None:
    if billed:
        request.getfixturevalue("only_billing")
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.txt", notes(2)))
    found = estimate(client, study_set)
    assert (found["high"], found["is_charged"]) == (0, False)
    run = start(client, study_set).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] in ("done", "failed")
    assert run["credits"] == {"reserved": 0, "charged": 0}
    assert {call.cost_usd for call in ledger.calls(run)} <= {0}
    assert ledger.query("SELECT 1 FROM credit_holds") == []


@pytest.mark.usefixtures("only_billing")
def test_steps_of_the_builtin_model_ask_no_ledger(app: APIFlask, client: Client, finish: Finish) -> None:
    """They are many and short, so each query counts."""
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.txt", notes(2)))
    assert start(client, study_set).status_code == 202
    executed: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        executed.append(statement)

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        finish()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert any("INSERT INTO model_calls" in statement for statement in executed)
    assert [each for each in executed if "credit_" in each or "sum(model_calls.charged_credits" in each] == []


@pytest.mark.usefixtures("billing")
def test_a_run_charges_nothing_more_once_billing_is_off(
    client: Client,
    study_set: str,
    run_next: Callable[[str], None],
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grant_credits(client, 2000)
    run = start(client, study_set, flashcards=12, questions=0).json
    for _ in range(2):
        run_next("generation.work_step")
    charged = ledger.exact(run)
    with billing_off(monkeypatch):
        finish()
        run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["delivered"]["flashcards"]) == ("done", 12)
    assert ledger.exact(run) == charged > 0
    assert ledger.balance(client) == (2000 - ceil(charged), 0)
    assert ledger.open_holds() == 0


@pytest.mark.usefixtures("billing")
def test_a_run_that_has_reserved_free_credits_does_not_wait_once_billing_is_off(
    client: Client,
    study_set: str,
    run_pending_jobs: Callable[[], int],
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    set_free_budget: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grant_credits(client, 2000, "goodwill")
    set_free_budget("0")
    run = start(client, study_set, flashcards=4, questions=0).json
    run_pending_jobs()
    assert read(client, f"/runs/{run['id']}")["waiting_for"] == "free_budget"
    with billing_off(monkeypatch):
        finish()
        assert read(client, f"/runs/{run['id']}")["state"] == "done"
    assert ledger.balance(client) == (2000, 0)
