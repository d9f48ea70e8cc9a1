"""Reconciliation finds what no webhook told, repairs it, and reports it (fault 20, "never")."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from click.testing import CliRunner, Result

from backend import cli
from backend.billing.audits import plan_audits
from backend.billing.models import BillingAudit
from backend.billing.payments.reconciling import Reconciliation, reconcile
from backend.billing.types import CreditBalance
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.settings import get_settings
from config.local import postgres
from tests.billing.payments.conftest import Shop
from tests.conftest import CHECKOUT, Client
from tests.stand_ins.stripe_server import Fault

BOUGHT = CreditBalance(paid=10_000, free=0, held=0)


def run(shop: Shop, **options: Any) -> Reconciliation:
    with shop.app.app_context():
        return reconcile(**options)


def command(*options: str) -> Result:
    return CliRunner().invoke(cli.main.commands["reconcile"], options)


def test_a_purchase_without_any_webhook_is_booked(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    shop.stripe.account.mark_delivered(*(each["id"] for each in events))
    report = run(shop)
    assert (report.repaired, report.problems) == ([session], [])
    assert shop.balance(client.user_id) == BOUGHT
    again = run(shop)
    assert (again.repaired, again.problems) == ([], [])
    assert again.compared == {"checkouts": 1, "refunds": 0, "disputes": 0, "undelivered_events": 0}
    assert shop.balance(client.user_id) == BOUGHT


def test_undelivered_events_are_stored_and_handled(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    report = run(shop)
    assert set(report.repaired) == {session, *(each["id"] for each in events)}
    shop.work()
    assert ("checkout.session.completed", "handled", None) in shop.events()
    assert shop.balance(client.user_id) == BOUGHT


def test_missed_refunds_and_disputes_are_booked(client: Client, shop: Shop) -> None:
    session, _ = shop.buy(client)
    intent = shop.intent_of(session)
    [refund, _] = shop.stripe.account.refund(intent, 300, status="pending")
    [dispute, _] = shop.stripe.account.dispute(intent, 200)
    refund_id, dispute_id = refund["data"]["object"]["id"], dispute["data"]["object"]["id"]
    assert {session, refund_id, dispute_id} <= set(run(shop).repaired)
    assert shop.balance(client.user_id) == CreditBalance(paid=5_000, free=0, held=0, is_frozen=True)
    shop.stripe.account.finish_refund(refund_id, "failed")
    shop.stripe.account.win(dispute_id)
    # Older than the window: they are compared because they are open on our side.
    report = run(shop, since=now() + timedelta(hours=1))
    assert set(report.repaired) == {refund_id, dispute_id}
    assert shop.balance(client.user_id) == BOUGHT


def test_a_refund_that_failed_long_after_it_had_succeeded_is_returned(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    [refund, _] = shop.stripe.account.refund(shop.intent_of(session), 300)
    shop.deliver(*events, refund)
    shop.work()
    assert shop.balance(client.user_id) == CreditBalance(paid=7_000, free=0, held=0)
    refund_id = refund["data"]["object"]["id"]
    shop.stripe.account.finish_refund(refund_id, "failed")
    assert run(shop, since=now() + timedelta(days=20)).repaired == [refund_id]
    assert shop.balance(client.user_id) == BOUGHT


def test_checkouts_that_ended_unpaid_are_closed(client: Client, shop: Shop) -> None:
    expired = shop.session_of(shop.start(client, key="first"))
    failed = shop.session_of(shop.start(client, key="second"))
    waiting = shop.session_of(shop.start(client, key="third"))
    shop.stripe.account.expire(expired)
    for session in (failed, waiting):
        shop.stripe.account.pay_later(session)
    shop.stripe.account.fail_payment(failed)
    assert {expired, failed} <= set(run(shop).repaired)
    states = dict(shop.rows("SELECT stripe_session_id, state FROM checkouts"))
    assert states == {expired: "expired", failed: "failed", waiting: "open"}


def test_a_checkout_that_is_open_for_more_than_a_day_is_reported(client: Client, shop: Shop) -> None:
    session = shop.session_of(shop.start(client))
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE checkouts SET created_at = created_at - interval '25 hours'")
    assert run(shop).problems == [(session, "still_open")]
    shop.stripe.account.expire(session)
    report = run(shop, since=now() + timedelta(hours=1))
    assert (report.repaired, report.problems) == ([session], [])


def test_a_checkout_that_never_got_its_page_expires(client: Client, shop: Shop) -> None:
    shop.start(client)
    with shop.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE checkouts SET stripe_session_id = NULL, expires_at = expires_at - interval '24 hours'"
        )
    run(shop)
    assert [row.state for row in shop.rows("SELECT state FROM checkouts")] == ["expired"]


def test_what_cannot_be_repaired_is_reported_each_time(client: Client, shop: Shop) -> None:
    session, _ = shop.buy(client)
    shop.change_at_stripe(session, {"amount_total": 100})
    for _ in range(2):
        assert run(shop).problems == [(session, "mismatch: amount")]
    result = command()
    assert result.exit_code == 1
    assert f"problem: {session}: mismatch: amount" in result.output
    assert shop.balance(client.user_id).balance == 0


def test_sessions_of_another_program_are_left_alone(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    shop.stripe.account.mark_delivered(*(each["id"] for each in events))
    with shop.stripe.account.lock:
        shop.stripe.account._objects[session]["metadata"] = {}
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM checkouts")
    report = run(shop)
    assert (report.repaired, report.problems) == ([], [])


def test_an_event_that_had_failed_is_tried_again(client: Client, shop: Shop) -> None:
    _, events = shop.buy(client)
    shop.stripe.set_faults(Fault("server_error", times=99))
    shop.deliver(events[2])
    shop.work()
    assert shop.events() == [("checkout.session.completed", "unhandled", "stripe_unavailable")]
    shop.stripe.set_faults()
    assert run(shop).retried_events == 1
    shop.work()
    assert ("checkout.session.completed", "handled", None) in shop.events()
    assert shop.balance(client.user_id) == BOUGHT


def test_reconciliation_and_the_webhook_at_once_grant_once(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    shop.deliver(*events)
    reconciling = threading.Thread(target=run, args=[shop])
    reconciling.start()
    shop.work()
    reconciling.join()
    shop.work()
    assert shop.balance(client.user_id) == BOUGHT
    assert len(shop.rows("SELECT 1 FROM payments")) == 1
    assert session


def test_it_runs_once_a_day_and_stores_its_report(client: Client, shop: Shop) -> None:
    session, _ = shop.buy(client)
    with shop.app.app_context():
        for _ in range(2):
            with transaction():
                plan_audits()
    shop.work()
    [(state, report)] = shop.rows("SELECT state, report FROM billing_audits WHERE kind = 'reconciliation'")
    assert state == "done"
    assert session in report["repaired"]
    assert shop.balance(client.user_id) == BOUGHT


def test_the_daily_run_goes_back_to_the_last_one(client: Client, shop: Shop) -> None:
    """While billing was off, nobody listened to Stripe."""
    session, events = shop.buy(client)
    shop.deliver(*events)
    shop.work()
    [refund, legacy] = shop.stripe.account.refund(shop.intent_of(session), 300)
    # Stripe lists events of the last 30 days only.
    shop.stripe.account.mark_delivered(refund["id"], legacy["id"])
    refund_id = refund["data"]["object"]["id"]
    shop.change_at_stripe(refund_id, {"created": int((now() - timedelta(days=50)).timestamp())})
    assert run(shop).repaired == []
    with shop.app.app_context():
        with transaction():
            plan_audits()
        shop.work()
        with transaction():
            db.session.execute(sa.update(BillingAudit).values(day=BillingAudit.day - 60))
        with transaction():
            plan_audits()
    shop.work()
    assert shop.balance(client.user_id) == CreditBalance(paid=7_000, free=0, held=0)


def test_the_daily_run_waits_for_stripe(client: Client, shop: Shop, run_pending_jobs: Callable[[], int]) -> None:
    shop.stripe.set_faults(Fault("server_error", times=99))
    with shop.app.app_context(), transaction():
        plan_audits()
    run_pending_jobs()
    audit = "SELECT state, failures FROM billing_audits WHERE kind = 'reconciliation'"
    assert shop.rows(audit) == [("queued", 0)]
    shop.stripe.set_faults()
    shop.work()
    assert shop.rows(audit) == [("done", 0)]


def test_nothing_is_planned_while_billing_is_off(app: APIFlask, engine: sa.Engine) -> None:
    with app.app_context(), transaction():
        plan_audits()
    with engine.connect() as connection:
        kinds = connection.exec_driver_sql("SELECT kind FROM billing_audits").scalars().all()
    assert "reconciliation" not in kinds
    result = command()
    assert (result.exit_code, result.exception) == (1, result.exception)
    assert "Payments are not available" in result.output


def test_the_command_says_what_it_did(client: Client, shop: Shop) -> None:
    session, _ = shop.buy(client)
    result = command("--since", (now() - timedelta(days=2)).date().isoformat())
    assert result.exit_code == 0, result.output
    assert "compared: 1 checkouts" in result.output
    assert f"repaired: {session}" in result.output
    shop.stripe.set_faults(Fault("server_error", times=99))
    failed = command()
    assert failed.exit_code == 1
    assert "Stripe is temporarily unavailable" in failed.output


def test_the_command_names_a_key_that_stripe_rejects(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_of_nobody_0123456789")
    get_settings.cache_clear()
    refused = command()
    assert refused.exit_code == 1
    assert "Stripe rejected STRIPE_API_KEY" in refused.output


@pytest.mark.parametrize("name", ["check-ledger", "reconcile"])
def test_without_postgresql_a_command_ends_with_one_sentence(shop: Shop, name: str) -> None:
    with socket.socket() as closed:
        # Bound, but not listening: connections are refused.
        closed.bind(("127.0.0.1", 0))
        url = f"postgresql://nobody@127.0.0.1:{closed.getsockname()[1]}/nothing"
        done = subprocess.run(
            [sys.executable, "-m", "backend.cli", name],
            cwd=CHECKOUT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "PostgreSQL is unreachable" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


class Backup:
    """A copy of the test's database, which replaces it later."""

    def __init__(self, servers: dict[str, str], app: APIFlask, engine: sa.Engine) -> None:
        self._server = postgres.GivenPostgres(servers["postgres"])
        self._app = app
        self._engine = engine
        self._name = get_settings().database_url.rpartition("/")[2]
        self._copy = f"{self._name}_backup"

    def _disconnect(self) -> None:
        """End all connections to the database, those of commands that have ended included."""
        with self._app.app_context():
            db.engine.dispose()
        with self._engine.connect() as connection:
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        self._engine.dispose()

    def take(self) -> None:
        self._disconnect()
        self._server.create_database(self._copy, template=self._name)

    def restore(self) -> None:
        self._disconnect()
        self._server.drop_database(self._name)
        self._server.create_database(self._name, template=self._copy)

    def drop(self) -> None:
        self._server.drop_database(self._copy)


@pytest.fixture
def backup(servers: dict[str, str], app: APIFlask, engine: sa.Engine) -> Iterator[Backup]:
    backup = Backup(servers, app, engine)
    yield backup
    backup.drop()


def test_after_a_restore_the_purchases_and_refunds_since_then_are_rebuilt(
    client: Client, shop: Shop, backup: Backup
) -> None:
    kept, kept_events = shop.buy(client, "chf-5", "card", key="before")
    shop.deliver(*kept_events)
    shop.work()
    backup.take()
    session, events = shop.buy(client, "chf-25", "twint", key="after")
    intent = shop.intent_of(session)
    events += shop.stripe.account.refund(intent, 500)
    events += shop.stripe.account.refund(shop.intent_of(kept), 100)
    disputed = shop.stripe.account.dispute(intent, 300)
    events += [*disputed, *shop.stripe.account.lose(disputed[0]["data"]["object"]["id"])]
    shop.deliver(*events)
    shop.work()
    shop.stripe.account.mark_delivered(*(each["id"] for each in [*kept_events, *events]))
    before = shop.balance(client.user_id)
    assert before == CreditBalance(paid=5_000 - 1_000 + 25_000 - 5_000 - 3_000, free=0, held=0)
    columns = "stripe_session_id, amount_rappen, credits, method, paid_at, payer_email"
    payments = shop.rows(f"SELECT {columns} FROM payments ORDER BY 1")

    backup.restore()
    assert shop.balance(client.user_id).paid == 5_000
    result = command("--since", (now() - timedelta(days=1)).date().isoformat())
    assert result.exit_code == 0, result.output
    assert result.output.count("repaired: ") == 4
    assert shop.balance(client.user_id) == before
    assert shop.rows(f"SELECT {columns} FROM payments ORDER BY 1") == payments
    states = dict(shop.rows("SELECT stripe_session_id, state FROM checkouts"))
    assert states == {kept: "paid", session: "paid"}
    assert run(shop).repaired == []


def test_a_restored_database_may_not_know_the_buyer(client: Client, app: APIFlask, shop: Shop, backup: Backup) -> None:
    backup.take()
    newcomer = app.test_client().sign_in("newcomer@example.org")
    session, events = shop.buy(newcomer)
    shop.stripe.account.mark_delivered(*(each["id"] for each in events))
    backup.restore()
    assert run(shop).problems == [(session, "unknown_user")]
    assert shop.rows("SELECT 1 FROM payments") == []
