"""Runs cost credits: estimated, reserved, charged for what was delivered, and the rest released."""

from collections.abc import Callable
from decimal import Decimal
from math import ceil

import pytest
import sqlalchemy as sa

from tests.conftest import Client
from tests.generation.charged import Finish, Grant, Ledger, estimate, start
from tests.generation.conftest import notes
from tests.generation.test_api_runs import read
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.usefixtures("billing")


def test_a_run_is_estimated_reserved_charged_and_released(
    client: Client, study_set: str, finish: Finish, grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 2000)
    expected = estimate(client, study_set, flashcards=6, questions=3)
    assert (expected["is_charged"], expected["available"]) == (True, 2000)
    assert expected["asked"] == {"flashcards": 6, "questions": 3}
    assert expected["price_list"].startswith("2026-11-01")
    started = start(client, study_set, flashcards=6, questions=3)
    assert started.status_code == 202, started.text
    assert started.json["credits"] == {"reserved": expected["high"], "charged": 0}
    assert ledger.balance(client) == (2000, expected["high"])
    finish()
    run = read(client, f"/runs/{started.json['id']}")
    assert run["state"] == "done"
    charged = run["credits"]["charged"]
    assert charged == ceil(ledger.exact(run)) > 0
    assert expected["low"] <= charged <= expected["high"]
    assert ledger.balance(client) == (2000 - charged, 0)
    assert ledger.open_holds() == 0


def test_the_charge_follows_the_rule(
    client: Client, openai: OpenAIStandIn, study_set: str, finish: Finish, grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 2000)
    openai.set_script([{"do": "foreign_quotes", "on": [1], "items": 1}])
    run = start(client, study_set, flashcards=8, questions=0, max_credits=900).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    asked, delivered = (run[name]["flashcards"] for name in ("asked", "delivered"))
    assert (run["state"], run["max_credits"], delivered) == ("done", 900, asked)
    sections = [call for call in ledger.calls(run) if call.kind == "section" and call.attempt == 1]
    # It makes up for the item that was rejected, so it is ours.
    (again,) = [call for call in ledger.calls(run) if call.kind == "section" and call.attempt == 2]
    (connect,) = [call for call in ledger.calls(run) if call.kind == "connect"]
    written = openai.calls[0]["flashcards"]
    parts = (Decimal(written - 1) / written, *[Decimal(1)] * (len(sections) - 1), Decimal(0), Decimal(1))
    for call, part in zip([*sections, again, connect], parts, strict=True):
        price = (call.input_tokens - call.cached_tokens) * Decimal("0.008") + call.cached_tokens * Decimal("0.004")
        price += call.output_tokens * Decimal("0.032")
        assert call.price_credits == price
        assert call.cost_usd * 3200 == call.cost_chf * 4000 == price
        assert abs(call.charged_credits - price * part) < Decimal("1e-20")
        assert call.price_list == "2026-11-01x4"


def test_failed_calls_and_retries_are_ours(
    client: Client, openai: OpenAIStandIn, study_set: str, finish: Finish, grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 2000)
    openai.set_script([{"do": "invalid_json", "on": [1]}, {"do": "cut", "on": [3], "at": 0.7}])
    run = start(client, study_set, flashcards=12, questions=0).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    bad = [call for call in ledger.calls(run) if call.outcome == "bad_output"]
    assert len(bad) == 1
    assert bad[0].price_credits > 0
    assert bad[0].charged_credits == 0
    sections = [call for call in ledger.calls(run) if call.kind == "section" and call.outcome == "ok"]
    # The reply to the third call was cut off.
    assert sections[0].charged_credits > 0
    assert sections[1].price_credits > 0
    assert sections[1].charged_credits == 0
    assert sections[2].charged_credits > 0
    assert run["credits"]["charged"] == ceil(ledger.exact(run))


@pytest.mark.parametrize("behaviour", ["server_error", "invalid_json", "refusal", "unauthorized", "foreign_quotes"])
def test_a_run_that_delivers_nothing_costs_nothing(
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    behaviour: str,
) -> None:
    """Fault 18: the credits are back."""
    grant_credits(client, 2000)
    openai.set_script([{"do": behaviour, "items": 100} if behaviour == "foreign_quotes" else {"do": behaviour}])
    run = start(client, study_set, flashcards=4, questions=0).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] == "failed"
    assert run["credits"]["charged"] == 0
    assert ledger.balance(client) == (2000, 0)
    assert ledger.open_holds() == 0


def test_too_few_credits_refuse_a_run_with_named_counts(
    client: Client, openai: OpenAIStandIn, study_set: str, grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 10)
    needed = estimate(client, study_set, flashcards=6, questions=3)["high"]
    refused = start(client, study_set, flashcards=6, questions=3)
    assert (refused.status_code, refused.json["code"]) == (402, "insufficient_credits")
    assert (refused.json["required"], refused.json["available"]) == (needed, 10)
    assert read(client, f"/study-sets/{study_set}/runs")["items"] == []
    assert ledger.balance(client) == (10, 0)


@pytest.mark.parametrize(("language", "word"), [("en", "needs"), ("de", "braucht"), ("fr", "faut"), ("it", "Servono")])
def test_too_few_credits_at_planning_fail_the_run_before_any_call(
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    language: str,
    word: str,
) -> None:
    grant_credits(client, 10)
    needed = estimate(client, study_set)["high"]
    run = start(client, study_set).json
    finish()
    answer = client.get(f"/api/v1/runs/{run['id']}", headers={"Accept-Language": language})
    error = answer.json["error"]
    assert (answer.json["state"], error["code"]) == ("failed", "insufficient_credits")
    assert (error["required"], error["available"]) == (needed, 10)
    assert word in error["detail"]
    assert str(needed) in error["detail"]
    assert openai.calls == []
    assert ledger.balance(client) == (10, 0)
    receipt = read(client, f"/runs/{run['id']}/receipt")
    assert {entry["reason"] for entry in receipt["documents"][0]["skipped"]} == {"insufficient_credits"}
    failed = read(client, f"/runs/{run['id']}/events", after=0)["items"][-1]
    assert failed["kind"] == "run.failed"


def test_credits_are_reserved_at_planning_if_a_count_is_open(
    client: Client, study_set: str, finish: Finish, grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 5000)
    needed = estimate(client, study_set, flashcards=5)
    run = start(client, study_set, flashcards=5).json
    assert (run["credits"]["reserved"], ledger.open_holds()) == (0, 0)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["asked"]) == ("done", needed["asked"])
    assert run["credits"]["reserved"] == needed["high"]
    assert ledger.balance(client) == (5000 - run["credits"]["charged"], 0)


def test_an_unread_document_is_estimated_from_its_size(
    client: Client, openai: OpenAIStandIn, finish: Finish, grant_credits: Grant
) -> None:
    grant_credits(client, 5000)
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.txt", notes(4)))
    before = estimate(client, study_set, flashcards=10, questions=5)
    run = start(client, study_set, flashcards=10, questions=5).json
    assert run["credits"]["reserved"] == before["high"]
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] == "done"
    assert before["low"] <= run["credits"]["charged"] <= before["high"]
    after = estimate(client, study_set, flashcards=10, questions=5)
    assert before["high"] - before["low"] >= after["high"] - after["low"] - 200


def test_a_cancelled_run_pays_for_what_it_delivered(
    client: Client,
    study_set: str,
    run_next: Callable[[str], None],
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
) -> None:
    grant_credits(client, 2000)
    run = start(client, study_set, flashcards=12, questions=0).json
    for _ in range(2):
        run_next("generation.work_step")
    assert client.post(f"/api/v1/runs/{run['id']}/cancel").status_code == 202
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] == "cancelled"
    assert run["delivered"]["flashcards"] > 0
    charged = run["credits"]["charged"]
    assert charged == ceil(ledger.exact(run)) > 0
    assert ledger.balance(client) == (2000 - charged, 0)


def test_credits_are_settled_with_each_step(
    client: Client, study_set: str, run_next: Callable[[str], None], grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 2000)
    run = start(client, study_set, flashcards=12, questions=0).json
    seen = []
    for _ in range(3):
        run_next("generation.work_step")
        now = read(client, f"/runs/{run['id']}")
        seen.append(now["credits"]["charged"])
        assert now["credits"]["charged"] == int(ledger.exact(run))
        assert ledger.balance(client) == (2000 - seen[-1], now["credits"]["reserved"] - seen[-1])
    assert seen[0] == 0 < seen[1] < seen[2]


@pytest.mark.parametrize("how", ["study_set", "account"])
def test_deleting_releases_the_credits_and_keeps_the_calls(
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    run_next: Callable[[str], None],
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    how: str,
) -> None:
    """Fault 36: the run is cancelled, and its charges stay."""
    grant_credits(client, 2000)
    run = start(client, study_set, flashcards=12, questions=0).json
    for _ in range(2):
        run_next("generation.work_step")
    exact = ledger.exact(run)
    path = f"study-sets/{study_set}" if how == "study_set" else "users/me?confirm=erase-everything"
    answer = client.delete(f"/api/v1/{path}")
    assert answer.status_code in (202, 204), answer.text
    finish()
    assert ledger.open_holds() == 0
    assert ledger.balance(client) == (2000 - ceil(exact), 0)
    assert ledger.exact(run) == exact > 0
    assert [row.user_id for row in ledger.query("SELECT user_id FROM model_calls")] == [client.user_id]


def test_a_model_without_a_price_refuses_runs(
    client: Client, study_set: str, grant_credits: Grant, use_model: Callable[[str], None]
) -> None:
    grant_credits(client, 2000)
    use_model("unheard-of")
    for path in ("runs", "runs/estimate"):
        answer = client.post(f"/api/v1/study-sets/{study_set}/{path}", json={})
        assert (answer.status_code, answer.json["code"]) == (503, "misconfigured")


def test_a_price_that_is_missing_at_planning_fails_the_run(
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    engine: sa.Engine,
) -> None:
    grant_credits(client, 2000)
    run = start(client, study_set).json
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET model = 'unheard-of'")
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["error"]["code"]) == ("failed", "misconfigured")
    assert openai.calls == []
    assert ledger.balance(client) == (2000, 0)


def test_frozen_spending_refuses_a_run(
    client: Client, study_set: str, finish: Finish, grant_credits: Grant, engine: sa.Engine
) -> None:
    grant_credits(client, 2000)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO disputes"
            " (id, user_id, payment_id, stripe_id, amount_rappen, withdrawn_rappen, status, is_open)"
            " SELECT id, user_id, id, 'dp_1', 100, 0, 'needs_response', true FROM payments"
        )
    answer = start(client, study_set, flashcards=2, questions=0)
    assert (answer.status_code, answer.json["code"]) == (402, "spending_frozen")
    run = start(client, study_set).json
    finish()
    assert read(client, f"/runs/{run['id']}")["error"]["code"] == "spending_frozen"


def test_a_server_that_does_not_say_what_it_used_is_reported_once(
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    finish: Finish,
    grant_credits: Grant,
    ledger: Ledger,
    caplog: pytest.LogCaptureFixture,
) -> None:
    grant_credits(client, 5000)
    start(client, study_set, flashcards=2, questions=0)
    finish()
    assert "generation.model.usage_missing" not in caplog.text
    openai.set_script([{"do": "no_usage"}])
    run = start(client, study_set, flashcards=8, questions=0).json
    finish()
    assert len(ledger.calls(run)) > 1
    assert caplog.text.count("generation.model.usage_missing") == 1
