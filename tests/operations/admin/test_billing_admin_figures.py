"""Administrators see revenue, usage and margins that add up, and events that nobody has handled."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from backend.billing.ledger.holds import close, reserve
from backend.billing.payments.unhandled import forget_old_events
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import first_id_at, new_id
from backend.generation.models import ModelCall
from backend.settings import get_settings
from tests import credits
from tests.operations.admin.conftest import ADMIN, NOTES
from tests.stand_ins.stripe_server import sign

BILLING = f"{ADMIN}/billing"
EVENTS = f"{BILLING}/unhandled-events"
SECRET = credits.KEYS["STRIPE_WEBHOOK_SECRET"]
TOTALS = ("purchases_rappen", "refunds_rappen", "disputes_rappen", "net_rappen", "credits_sold", "payments")


@pytest.fixture
def today(engine: sa.Engine) -> date:
    """Today in Swiss time, by PostgreSQL's clock."""
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT (now() AT TIME ZONE 'Europe/Zurich')::date").scalar_one()


def days_around(today: date) -> dict[str, str]:
    # A test that runs over midnight still finds everything.
    return {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=1))}


def total_revenue(admin: Any, today: date) -> dict[str, int]:
    answer = admin.get(f"{BILLING}/revenue", query_string=days_around(today))
    assert answer.status_code == 200, answer.text
    assert [day["day"] for day in answer.json["days"]] == [str(today + timedelta(days=n)) for n in (-1, 0, 1)]
    return {name: sum(day[name] for day in answer.json["days"]) for name in TOTALS}


def deliver(app: Any, event: Any) -> None:
    webhook = sign(event, SECRET)
    sent = app.test_client().post("/api/v1/payment/webhook", data=webhook.body, headers=webhook.headers)
    assert sent.status_code == 204


def refund(admin: Any, payment_id: str, amount: int) -> str:
    body = {"amount_rappen": amount, "reason": "fault", "ticket": 1}
    answer = admin.post(f"{ADMIN}/payments/{payment_id}/refunds", json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 201, answer.text
    return str(answer.json["stripe_id"])


def intent_of(engine: sa.Engine, payment_id: str) -> str:
    with engine.connect() as connection:
        found = sa.text("SELECT stripe_payment_intent_id FROM payments WHERE id = :id")
        return str(connection.execute(found, {"id": payment_id}).scalar_one())


def test_revenue_adds_up(app, admin, client, buy, stripe, engine, run_pending_jobs, today: date) -> None:
    first, second = buy(client, "chf-10"), buy(client, "chf-25")
    assert total_revenue(admin, today) == dict(zip(TOTALS, (3500, 0, 0, 3500, 35_000, 2), strict=True))
    refund_id = refund(admin, first, 300)
    (opened, withdrawn) = stripe.account.dispute(intent_of(engine, second))
    for event in (opened, withdrawn):
        deliver(app, event)
    run_pending_jobs()
    assert total_revenue(admin, today) == dict(zip(TOTALS, (3500, 300, 2500, 700, 35_000, 2), strict=True))
    # What is left of the money is what is left of the paid credits.
    assert admin.get(f"{ADMIN}/users/{client.user_id}/credits").json["balance"]["paid"] == 7000
    for event in stripe.account.finish_refund(refund_id, "failed"):
        deliver(app, event)
    for event in stripe.account.win(opened["data"]["object"]["id"]):
        deliver(app, event)
    run_pending_jobs()
    assert total_revenue(admin, today) == dict(zip(TOTALS, (3500, 0, 0, 3500, 35_000, 2), strict=True))


def test_a_day_begins_at_midnight_in_switzerland(app, admin, client, stripe) -> None:
    with app.app_context(), transaction():
        credits.add_lot(client.user_id, 1000, credits.LotSource.GOODWILL)
        for paid_at in ("2026-03-28 22:59:59Z", "2026-03-28 23:00:00Z", "2026-03-29 21:59:59Z", "2026-03-29 22:00:00Z"):
            credits.add_payment(client.user_id, 5000, paid_at=paid_at)
    answer = admin.get(f"{BILLING}/revenue?from=2026-03-28&to=2026-03-30")
    # The second of them is the day on which summer time begins.
    assert [(day["day"], day["payments"]) for day in answer.json["days"]] == [
        ("2026-03-28", 1),
        ("2026-03-29", 2),
        ("2026-03-30", 1),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "from=2026-01-01",
        "from=2026-01-02&to=2026-01-01",
        "from=2025-01-01&to=2026-01-02",
        "from=yesterday&to=today",
        "from=0001-01-01&to=0001-01-01",
        "from=9999-12-31&to=9999-12-31",
        "from=2026-01-01&to=2026-01-02&of=anna",
    ],
)
@pytest.mark.parametrize("path", ["revenue", "usage"])
def test_a_wrong_span_of_days_is_refused(admin, logged, path: str, query: str) -> None:
    answer = admin.get(f"{BILLING}/{path}?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input"), answer.text
    assert logged() == []


@pytest.mark.parametrize("path", ["revenue", "usage"])
def test_a_year_is_shown_at_most(admin, path: str) -> None:
    assert admin.get(f"{BILLING}/{path}?from=2024-01-01&to=2024-12-31").status_code == 200
    assert admin.get(f"{BILLING}/{path}?from=2023-12-31&to=2024-12-31").status_code == 422


def add_call(run_id: UUID, user_id: UUID, **columns: Any) -> None:
    values = {
        "id": new_id(),
        "user_id": user_id,
        "run_id": run_id,
        "step_id": new_id(),
        "attempt": 1,
        "model": "gpt-6-luna",
        "outcome": "ok",
        "requests": 1,
        "input_tokens": 1000,
        "cached_tokens": 100,
        "cache_write_tokens": 50,
        "output_tokens": 200,
        "duration_ms": 5,
        "price_list": "2026-11-01x4",
        "cost_usd": Decimal("0.0002"),
        "cost_chf": Decimal("0.00016"),
        "price_credits": Decimal("0.64"),
        "charged_credits": Decimal("0.6"),
    }
    db.session.add(ModelCall(**{**values, **columns}))
    db.session.flush()


def test_usage_is_summed_by_day_and_model(app, admin, client, today: date) -> None:
    run_id = new_id()
    with app.app_context(), transaction():
        add_call(run_id, client.user_id)
        add_call(run_id, client.user_id, charged_credits=Decimal(0), outcome="timeout")
        add_call(run_id, client.user_id, model="other", cost_chf=None, price_credits=None, charged_credits=Decimal(0))
        add_call(run_id, client.user_id, created_at="2026-01-01 00:00Z")
    answer = admin.get(f"{BILLING}/usage", query_string=days_around(today))
    luna, other = answer.json["days"]
    assert luna == {
        "day": luna["day"],
        "model": "gpt-6-luna",
        "calls": 2,
        "unpriced_calls": 0,
        "input_tokens": 2000,
        "cached_tokens": 200,
        "cache_write_tokens": 100,
        "output_tokens": 400,
        "cost_chf": "0.00032",
        "price_credits": "1.28",
        "charged_credits": "0.6",
    }
    assert (other["model"], other["calls"], other["unpriced_calls"], other["cost_chf"]) == ("other", 1, 1, "0")


def test_the_margin_of_a_run_is_its_charge_without_its_cost(app, admin, client, engine) -> None:
    run_id, older = new_id(), new_id()
    with app.app_context(), transaction():
        credits.add_lot(client.user_id, 4, credits.LotSource.GOODWILL)
        credits.add_lot(client.user_id, 1000, credits.LotSource.PURCHASE)
        add_call(run_id, client.user_id)
        add_call(run_id, client.user_id, cost_chf=Decimal("0.00184"))
        add_call(older, client.user_id)
        reserve(client.user_id, run_id, 20)
        close(run_id, 7)
    path = f"{ADMIN}/runs/{run_id}/cost"
    cost = admin.get(path).json
    assert (cost["user_id"], cost["state"], cost["calls"]) == (str(client.user_id), None, 2)
    assert (cost["cost_chf"], cost["price_credits"], cost["charged_credits"]) == ("0.002", "1.28", "1.2")
    assert (cost["reserved_credits"], cost["captured_credits"], cost["captured_paid_credits"]) == (20, 7, 3)
    assert (cost["margin_chf"], cost["paid_margin_chf"]) == ("0.005", "0.001")
    first = admin.get(f"{BILLING}/runs?limit=1").json
    second = admin.get(f"{BILLING}/runs", query_string={"limit": 1, "cursor": first["next_cursor"]}).json
    listed = first["items"] + second["items"]
    assert [run["run_id"] for run in listed] == [str(older), str(run_id)]
    assert listed[1] == cost
    assert second["next_cursor"] is None
    assert (listed[0]["captured_credits"], listed[0]["margin_chf"]) == (0, "-0.00016")


def test_costs_of_a_real_run_add_up_and_outlive_it(admin, client, run_pending_jobs, today) -> None:
    study_set_id = client.make_study_set("Secret plans")
    client.upload(study_set_id, ("private-name.txt", NOTES))
    run_id = client.post(f"/api/v1/study-sets/{study_set_id}/runs", json={}).json["id"]
    run_pending_jobs()
    cost = admin.get(f"{ADMIN}/runs/{run_id}/cost").json
    usage = client.get(f"/api/v1/runs/{run_id}").json["usage"]
    assert (cost["state"], cost["input_tokens"], cost["output_tokens"]) == (
        "done",
        usage["input_tokens"],
        usage["output_tokens"],
    )
    days = admin.get(f"{BILLING}/usage", query_string=days_around(today)).json["days"]
    runs = admin.get(f"{BILLING}/runs").json["items"]
    assert sum(day["calls"] for day in days) == sum(run["calls"] for run in runs) > 0
    assert client.delete(f"/api/v1/study-sets/{study_set_id}").status_code in (202, 204)
    run_pending_jobs()
    assert admin.get(f"{ADMIN}/runs/{run_id}/cost").json == {**cost, "state": None}


def test_a_run_without_calls_costs_nothing(admin, client) -> None:
    study_set_id = client.make_study_set()
    client.upload(study_set_id, ("notes.txt", NOTES))
    run_id = client.post(f"/api/v1/study-sets/{study_set_id}/runs", json={}).json["id"]
    cost = admin.get(f"{ADMIN}/runs/{run_id}/cost").json
    assert (cost["state"], cost["user_id"], cost["calls"], cost["cost_chf"]) == (
        "reading",
        str(client.user_id),
        0,
        "0",
    )


def test_unhandled_events_are_listed_and_handled_again(
    app, admin, client, buy, stripe, engine, run_pending_jobs, logged
) -> None:
    payment_id = buy(client)
    made = stripe.account.refund(intent_of(engine, payment_id), 300, status="teleported")
    unknown = stripe.account.say("customer.teleported", made[0]["data"]["object"]["id"])
    deliver(app, made[0])
    deliver(app, unknown[0])
    run_pending_jobs()
    first = admin.get(f"{EVENTS}?limit=1").json
    second = admin.get(EVENTS, query_string={"limit": 1, "cursor": first["next_cursor"]}).json
    strange, refunded = first["items"][0], second["items"][0]
    assert (strange["type"], strange["reason"]) == ("customer.teleported", "unknown_type")
    assert (refunded["type"], refunded["object_id"]) == ("refund.created", made[0]["data"]["object"]["id"])
    assert (refunded["outcome"], refunded["reason"]) == ("unhandled", "unknown_status: teleported")
    answer = admin.post(f"{EVENTS}/{strange['id']}/retry")
    assert (answer.status_code, answer.json["code"]) == (409, "event_not_retriable")
    stripe.account.finish_refund(refunded["object_id"], "succeeded")
    answer = admin.post(f"{EVENTS}/{refunded['id']}/retry")
    assert (answer.status_code, answer.json["outcome"], answer.json["reason"]) == (202, None, None)
    run_pending_jobs()
    assert [event["type"] for event in admin.get(EVENTS).json["items"]] == ["customer.teleported"]
    assert admin.get(f"{ADMIN}/users/{client.user_id}/credits").json["balance"]["paid"] == 7000
    # Retrying it again leaves it as it is.
    assert admin.post(f"{EVENTS}/{refunded['id']}/retry").json["outcome"] == "handled"
    assert [row.data for row in logged() if row.action == "event.retried"] == [{"event": refunded["id"]}] * 2
    # What this release cannot handle is taken off the list once somebody has looked at it.
    for _ in range(2):
        answer = admin.post(f"{EVENTS}/{strange['id']}/dismiss")
        assert (answer.status_code, answer.json["outcome"]) == (200, "ignored")
    assert admin.get(EVENTS).json["items"] == []
    assert [row.data for row in logged() if row.action == "event.dismissed"] == [{"event": strange["id"]}] * 2
    assert admin.post(f"{EVENTS}/{payment_id}/dismiss").status_code == 404


def test_old_events_are_forgotten_unless_somebody_must_look(app, engine) -> None:
    insert = sa.text(
        "INSERT INTO stripe_events (id, event_id, type, is_live, outcome, reason, state, attempt, failures)"
        " VALUES (:id, :name, 'refund.created', false, :outcome, :reason, 'done', 1, 0)"
    )
    rows = {"old": ("handled", 91, None), "new": ("handled", 89, None), "seen": ("unhandled", 92, "unknown_type")}
    with engine.begin() as connection:
        for name, (outcome, days, reason) in rows.items():
            values = {"id": first_id_at(now() - timedelta(days=days)), "name": name, "outcome": outcome}
            connection.execute(insert, {**values, "reason": reason})
    with app.app_context(), transaction():
        assert forget_old_events() == 1
    with engine.connect() as connection:
        assert set(connection.scalars(sa.text("SELECT event_id FROM stripe_events"))) == {"new", "seen"}


def test_an_event_is_not_retried_without_billing(app, admin, client, buy, stripe, monkeypatch) -> None:
    buy(client)
    for event in stripe.account.events:
        deliver(app, event)
    for name in credits.KEYS:
        monkeypatch.delenv(name)
    get_settings.cache_clear()
    with app.app_context(), transaction():
        event_id = db.session.scalar(sa.text("SELECT id FROM stripe_events LIMIT 1"))
    answer = admin.post(f"{EVENTS}/{event_id}/retry")
    assert (answer.status_code, answer.json["code"]) == (404, "billing_off")


def test_no_personal_data_is_shown(admin, client, buy, describe, run_pending_jobs, today: date) -> None:
    describe(client, "anna.muster@example.org", "Anna Muster")
    buy(client)
    study_set_id = client.make_study_set("Secret plans")
    client.upload(study_set_id, ("private-name.txt", b"42"))
    client.post(f"/api/v1/study-sets/{study_set_id}/runs", json={})
    run_pending_jobs()
    days = f"from={today}&to={today}"
    paths = [
        f"{ADMIN}/users/{client.user_id}/credits",
        f"{ADMIN}/users/{client.user_id}/payments",
        f"{BILLING}/runs",
        f"{BILLING}/revenue?{days}",
        f"{BILLING}/usage?{days}",
        EVENTS,
    ]
    shown = " ".join(admin.get(path).text for path in paths).lower()
    assert "chf-10" in shown
    assert not any(word in shown for word in ("anna", "muster", "@", "secret", "private", "receipt"))
