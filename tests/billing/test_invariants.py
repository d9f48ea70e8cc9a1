"""The invariants of the ledger: each kind of damage is found, reported and not repaired."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from click.testing import CliRunner

from backend import cli
from backend.billing import hooks
from backend.billing.audits import check_ledger, plan_audits
from backend.billing.ledger import invariants
from backend.billing.ledger.holds import close, reserve
from backend.billing.ledger.lots import book_taken
from backend.billing.models import BillingAudit
from backend.billing.types import EntryKind, LotSource
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from tests.billing.ledger_rows import add_cause, add_user
from tests.credits import add_lot
from tests.triggers import disabled_triggers

# What each statement breaks. Triggers are disabled first: only the owner of the tables can do this.
_DAMAGE = {
    "UPDATE credit_entries SET number = number + 10 WHERE kind = 'released'": {"entries_follow_each_other"},
    "UPDATE credit_entries SET paid_after = paid_after + 1, free_after = free_after - 1 WHERE kind = 'reserved'": {
        "entries_follow_each_other"
    },
    "UPDATE credit_entries SET held_after = held_after + 1 WHERE kind = 'captured'": {"entries_follow_each_other"},
    "UPDATE credit_entries SET lot_after = lot_after + 1 WHERE kind = 'refunded'": {
        "entries_of_lots_follow_each_other"
    },
    "UPDATE credit_entries SET lot_after = lot_after + 1 WHERE kind = 'released'": {
        "entries_of_lots_follow_each_other",
        "sum_of_lots_is_balance",
    },
    "UPDATE credit_entries SET lot_held_after = lot_held_after + 1 WHERE kind = 'reserved'": {
        "entries_of_lots_follow_each_other"
    },
    "UPDATE credit_lots SET amount = amount + 1 WHERE source = 'goodwill'": {"entries_of_lots_follow_each_other"},
    "UPDATE credit_entries SET amount = amount + 1 WHERE kind = 'refunded'": {
        "entries_follow_each_other",
        "entries_of_lots_follow_each_other",
        "sum_of_entries_is_balance",
    },
    "UPDATE credit_entries SET held = held + 1 WHERE kind = 'reserved'": {
        "entries_follow_each_other",
        "entries_of_lots_follow_each_other",
        "sum_of_entries_is_balance",
        "held_by_open_holds",
    },
    "INSERT INTO credit_lots (id, user_id, number, source, priority, amount, grant_key)"
    " SELECT gen_random_uuid(), user_id, 99, 'goodwill', 10, 7, 'lost' FROM credit_accounts LIMIT 1": {
        "sum_of_lots_is_balance"
    },
    "UPDATE payments SET credits = credits + 10": {"purchase_has_one_grant"},
    "UPDATE credit_lots SET payment_id = NULL, source = 'goodwill' WHERE source = 'purchase'": {
        "purchase_has_one_grant",
        "entries_follow_each_other",
        "sum_of_lots_is_balance",
    },
    "DELETE FROM refunds": {"taken_credits_have_a_cause"},
    "UPDATE credit_holds SET amount = amount + 1": {"held_by_open_holds"},
}


@pytest.fixture
def ledger(app: APIFlask, billing: None) -> Iterator[UUID]:
    """An account with a purchase, a refund, a goodwill lot and a closed hold. Yields its user."""
    with app.app_context():
        with transaction():
            user = add_user()
            add_lot(user, 50, LotSource.GOODWILL)
            lot = add_lot(user, 500, LotSource.PURCHASE)
            payment = db.session.scalars(sa.text("SELECT id FROM payments")).one()
            add_cause(user, payment, "re_1", EntryKind.REFUNDED)
            book_taken(user, lot, "re_1", EntryKind.REFUNDED, 100)
            run = new_id()
            reserve(user, run, 100)
            close(run, 60)
        yield user


def damage(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection, disabled_triggers(connection, "credit_entries", "credit_lots", "payments"):
        assert connection.exec_driver_sql(statement).rowcount


def violated(report: dict[str, Any]) -> set[str]:
    return {name for name, count in report["counts"].items() if count}


def test_a_sound_ledger_has_no_violations(ledger: UUID) -> None:
    report = check_ledger()
    assert (report["violations"], violated(report)) == ([], set())
    assert set(report["counts"]) == set(invariants.INVARIANTS)


@pytest.mark.parametrize(("statement", "expected"), list(_DAMAGE.items()), ids=range(len(_DAMAGE)))
def test_damage_is_found_and_not_repaired(ledger: UUID, engine: sa.Engine, statement: str, expected: set[str]) -> None:
    damage(engine, statement)
    for _ in range(2):
        report = check_ledger()
        assert violated(report) == expected
        assert {each["user_id"] for each in report["violations"]} == {str(ledger)}


def test_refunds_of_more_than_was_paid_are_found(ledger: UUID) -> None:
    with transaction():
        lot = db.session.scalars(sa.text("SELECT id FROM credit_lots WHERE source = 'purchase'")).one()
        payment = db.session.scalars(sa.text("SELECT id FROM payments")).one()
        add_cause(ledger, payment, "re_2", EntryKind.REFUNDED)
        book_taken(ledger, lot, "re_2", EntryKind.REFUNDED, 400)
    assert violated(check_ledger()) == set()
    with transaction():
        book_taken(ledger, lot, "re_2", EntryKind.REFUNDED, 401)
    assert violated(check_ledger()) == {"refunds_within_grant"}


def test_a_second_lot_for_a_payment_is_impossible(ledger: UUID) -> None:
    again = (
        "INSERT INTO credit_lots (id, user_id, number, source, priority, amount, grant_key, payment_id)"
        " SELECT gen_random_uuid(), user_id, 99, 'purchase', 20, 500, 'again', id FROM payments"
    )
    with pytest.raises(sa.exc.IntegrityError, match="uq_credit_lots_payment_id"), transaction():
        db.session.execute(sa.text(again))


def test_a_hold_of_an_ended_run_is_found(ledger: UUID) -> None:
    ended, active = new_id(), new_id()
    with transaction():
        reserve(ledger, ended, 10)
        reserve(ledger, active, 10)
    receivers = hooks.find_ended_runs._receivers
    before = list(receivers)

    def find(run_ids: Any) -> set[UUID]:
        return {ended} & set(run_ids)

    receivers[:] = [find]
    try:
        report = check_ledger()
    finally:
        receivers[:] = before
    assert violated(report) == {"ended_run_has_no_hold"}
    assert [each["detail"] for each in report["violations"]] == [f"run {ended}"]


def test_accounts_and_holds_are_checked_in_batches(ledger: UUID, engine: sa.Engine, monkeypatch: Any) -> None:
    monkeypatch.setattr(invariants, "_ACCOUNTS", 2)
    with transaction():
        users = [ledger, *(add_user() for _ in range(4))]
        for user in users[1:]:
            add_lot(user, 10, LotSource.SIGN_UP)
    damage(engine, "UPDATE credit_entries SET held_after = held_after + 1 WHERE number = 1")
    found = [each["user_id"] for each in check_ledger()["violations"] if each["invariant"].startswith("entries_f")]
    assert set(found) == {str(user) for user in users}


def test_the_command_prints_each_violation_and_fails(ledger: UUID, engine: sa.Engine) -> None:
    sound = CliRunner().invoke(cli.main, ["check-ledger"])
    assert (sound.exit_code, sound.output) == (0, "The ledger is consistent.\n")
    damage(engine, "UPDATE payments SET credits = credits + 10")
    broken = CliRunner().invoke(cli.main, ["check-ledger"])
    assert broken.exit_code == 1
    assert broken.stdout.startswith(f"purchase_has_one_grant: account {ledger}: payment ")
    assert len(broken.stdout.splitlines()) == 2


def test_the_ledger_is_checked_once_a_day_also_without_billing(
    app: APIFlask, client: Any, engine: sa.Engine, run_pending_jobs: Callable[[], int], grant_credits: Any, scrape: Any
) -> None:
    grant_credits(client, 100)
    assert scrape().value("ledger_check_age_seconds") is None
    with app.app_context():
        for expected in (1, 0):
            with transaction():
                assert plan_audits() == expected
        assert run_pending_jobs() == 1
        with transaction():
            audit = db.session.scalars(sa.select(BillingAudit)).one()
    assert (audit.kind, audit.state, audit.report["violations"]) == ("invariants", "done", [])
    scraped = scrape()
    assert scraped.value("ledger_violations", invariant="purchase_has_one_grant") == 0
    assert (scraped.value("ledger_check_age_seconds") or 0) >= 0
    damage(engine, "UPDATE payments SET credits = credits + 10")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE billing_audits SET day = day - 1")
    with app.app_context():
        with transaction():
            assert plan_audits() == 1
        assert run_pending_jobs() == 1
    assert scrape().value("ledger_violations", invariant="purchase_has_one_grant") == 1
