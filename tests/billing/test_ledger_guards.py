"""Each guard of the ledger by itself: order of lots, keys, holds, expiry, and triggers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.billing.audits import check_ledger
from backend.billing.errors import InsufficientCredits, SpendingFrozen
from backend.billing.ledger.accounts import LedgerMisused, lock_account, read_balance
from backend.billing.ledger.holds import (
    _release_silent,
    close,
    find_hold,
    note_sign_of_life,
    release_silent_holds,
    reserve,
    settle,
)
from backend.billing.ledger.lots import MAX_GRANT, adjust_down, book_taken, expire_lots, grant
from backend.billing.models import CreditEntry
from backend.billing.types import EntryKind, LotSource
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from tests.billing.ledger_rows import add_cause, add_user, let_expire
from tests.credits import add_lot

_LATER = now() + timedelta(days=1)


@pytest.fixture
def user(app: APIFlask, billing: None) -> Iterator[UUID]:
    """A user without credits, and an app context."""
    with app.app_context():
        with transaction():
            added = add_user()
        yield added


def lots_of(user: UUID) -> dict[UUID, tuple[int, int]]:
    """What is left of each lot, and what is held of it."""
    with transaction():
        return {lot.id: (lot.balance, lot.held) for lot in lock_account(user).lots}


def taken_lots(kind: EntryKind) -> list[UUID]:
    with transaction():
        entries = sa.select(CreditEntry.lot_id).where(CreditEntry.kind == kind).order_by(CreditEntry.number)
        return list(db.session.scalars(entries))


def test_free_lots_are_spent_before_paid_ones_and_then_the_oldest(user: UUID) -> None:
    sources = [LotSource.PURCHASE, LotSource.GOODWILL, LotSource.PURCHASE, LotSource.SIGN_UP]
    with transaction():
        paid_1, free_1, paid_2, free_2 = (add_lot(user, 10, source) for source in sources)
        run = new_id()
        reserve(user, run, 35)
    order = [free_1, free_2, paid_1, paid_2]
    assert taken_lots(EntryKind.RESERVED) == order
    with transaction():
        settle(run, 15)
        close(run, 25)
    assert taken_lots(EntryKind.CAPTURED) == [free_1, free_2, free_2, paid_1]
    assert taken_lots(EntryKind.RELEASED) == [paid_1, paid_2]
    assert lots_of(user) == {free_1: (0, 0), free_2: (0, 0), paid_1: (5, 0), paid_2: (10, 0)}


def test_an_adjustment_takes_lots_in_the_same_order(user: UUID) -> None:
    with transaction():
        paid, free = (add_lot(user, 10, source) for source in (LotSource.PURCHASE, LotSource.GOODWILL))
        adjust_down(user, 15, "adjustment:1")
    assert lots_of(user) == {free: (0, 0), paid: (5, 0)}


def test_a_refund_takes_its_own_lot_then_paid_ones_then_free_ones_and_returns_to_them(user: UUID) -> None:
    with transaction():
        free = add_lot(user, 10, LotSource.GOODWILL)
        other, own, third = (add_lot(user, 10, LotSource.PURCHASE) for _ in range(3))
        run = new_id()
        reserve(user, run, 6, paid_only=True)
        close(run, 6)
        assert book_taken(user, own, "re_1", EntryKind.REFUNDED, 35) == -35
    assert taken_lots(EntryKind.REFUNDED) == [own, other, third, free, own]
    assert lots_of(user) == {free: (0, 0), other: (0, 0), own: (-1, 0), third: (0, 0)}
    with transaction():
        # Partly returned: to the lot that was taken from last.
        assert book_taken(user, own, "re_1", EntryKind.REFUNDED, 24) == 11
    assert lots_of(user) == {free: (0, 0), other: (0, 0), own: (10, 0), third: (0, 0)}
    with transaction():
        assert book_taken(user, own, "re_1", EntryKind.REFUNDED, 0) == 24
    assert lots_of(user) == {free: (10, 0), other: (4, 0), own: (10, 0), third: (10, 0)}


@pytest.mark.parametrize("kind", [EntryKind.REFUNDED, EntryKind.DISPUTED])
def test_a_run_goes_on_if_its_credits_are_taken_back(user: UUID, kind: EntryKind) -> None:
    run = new_id()
    with transaction():
        lot = add_lot(user, 100, LotSource.PURCHASE)
        payment = db.session.scalars(sa.text("SELECT id FROM payments")).one()
        add_cause(user, payment, "re_1", kind)
        reserve(user, run, 60)
        book_taken(user, lot, "re_1", kind, 100)
        assert read_balance(user).available == -60
    assert lots_of(user) == {lot: (0, 60)}
    with transaction():
        assert settle(run, 40).captured == 40
        close(run, 50)
        assert read_balance(user).available == -50
    assert lots_of(user) == {lot: (-50, 0)}
    assert check_ledger()["violations"] == []


def test_too_few_credits_are_told_as_they_are_if_the_balance_is_negative(user: UUID) -> None:
    with transaction():
        lot = add_lot(user, 100, LotSource.PURCHASE)
        adjust_down(user, 60, "adjustment:1")
        book_taken(user, lot, "re_1", EntryKind.REFUNDED, 100)
        with pytest.raises(InsufficientCredits) as refused:
            reserve(user, new_id(), 30)
        # Required − available is what must be bought.
        assert refused.value.facts == {"required": 30, "available": -60}
        with pytest.raises(InsufficientCredits) as refused:
            adjust_down(user, 30, "adjustment:2")
        assert refused.value.facts == {"required": 30, "available": -60}
        add_lot(user, 90, LotSource.GOODWILL)
        reserve(user, new_id(), 30)


def test_new_credits_pay_for_what_was_refunded(user: UUID) -> None:
    with transaction():
        lot = add_lot(user, 100, LotSource.PURCHASE)
        adjust_down(user, 60, "adjustment:1")
        book_taken(user, lot, "re_1", EntryKind.REFUNDED, 100)
        add_lot(user, 100, LotSource.GOODWILL)
        assert read_balance(user).available == 40
        with pytest.raises(InsufficientCredits) as refused:
            reserve(user, new_id(), 41)
        assert refused.value.facts == {"required": 41, "available": 40}
        with pytest.raises(InsufficientCredits):
            adjust_down(user, 41, "adjustment:2")
        reserve(user, new_id(), 40)


def test_paid_credits_alone_can_be_reserved(user: UUID) -> None:
    with transaction():
        add_lot(user, 100, LotSource.GOODWILL)
        paid = add_lot(user, 50, LotSource.PURCHASE)
        with pytest.raises(InsufficientCredits) as refused:
            reserve(user, new_id(), 51, paid_only=True)
        assert refused.value.facts == {"required": 51, "available": 50}
        reserve(user, new_id(), 50, paid_only=True)
    assert taken_lots(EntryKind.RESERVED) == [paid]


def test_a_dispute_freezes_spending_but_not_runs_that_cost_nothing(user: UUID) -> None:
    known = new_id()
    with transaction():
        lot = add_lot(user, 100, LotSource.PURCHASE)
        reserve(user, known, 10)
        payment = db.session.scalars(sa.text("SELECT id FROM payments")).one()
        add_cause(user, payment, "dp_1", EntryKind.DISPUTED)
        db.session.execute(sa.text("UPDATE disputes SET is_open = true"))
        with pytest.raises(SpendingFrozen):
            reserve(user, new_id(), 1)
        assert reserve(user, new_id(), 0).amount == 0
        assert reserve(user, known, 10).amount == 10
        assert read_balance(user).is_frozen
        assert close(known, 10).captured == 10
    assert lots_of(user) == {lot: (90, 0)}


def test_a_hold_ends_once(user: UUID) -> None:
    run = new_id()
    with transaction():
        add_lot(user, 100, LotSource.GOODWILL)
        reserve(user, run, 60)
        assert settle(run, 500).captured == 60
        assert settle(run, 10).captured == 60
    other = new_id()
    with transaction():
        reserve(user, other, 40)
        close(other, 0)
        for again in (settle, close):
            hold = again(other, 40)
            assert (hold.captured, hold.is_open) == (0, False)
        assert reserve(user, other, 40).is_open is False
        assert read_balance(user).balance == 40
        assert (find_hold(new_id()), settle(new_id(), 1), close(new_id(), 1)) == (None, None, None)


def test_the_same_key_with_other_contents_is_refused(user: UUID) -> None:
    with transaction():
        lot = grant(user, LotSource.GOODWILL, 10, "key")
        assert grant(user, LotSource.GOODWILL, 10, "key") == lot
        other = add_user()
        lock_account(other)
        for args in ((user, LotSource.GOODWILL, 11), (user, LotSource.SIGN_UP, 10), (other, LotSource.GOODWILL, 10)):
            with pytest.raises(LedgerMisused):
                grant(*args, "key")
        adjust_down(user, 5, "adjustment")
        adjust_down(user, 5, "adjustment")
        with pytest.raises(LedgerMisused):
            adjust_down(user, 4, "adjustment")
        run = new_id()
        reserve(user, run, 1)
        with pytest.raises(LedgerMisused):
            reserve(other, run, 0)
        with pytest.raises(LedgerMisused):
            book_taken(other, lot, "re_1", EntryKind.REFUNDED, 5)
        assert read_balance(user).balance == 5


@pytest.mark.parametrize("amount", [0, -1, MAX_GRANT + 1])
def test_impossible_amounts_are_refused(user: UUID, amount: int) -> None:
    with transaction():
        lot = grant(user, LotSource.GOODWILL, MAX_GRANT, "largest")
        with pytest.raises(LedgerMisused):
            grant(user, LotSource.GOODWILL, amount, "key")
        with pytest.raises(InsufficientCredits if amount > 0 else LedgerMisused):
            adjust_down(user, amount, "key")
        with pytest.raises(LedgerMisused):
            book_taken(user, lot, "re_1", EntryKind.REFUNDED if amount < 0 else EntryKind.EXPIRED, amount)
        with pytest.raises(LedgerMisused):
            reserve(user, new_id(), -1)
        assert read_balance(user).balance == MAX_GRANT


def test_purchases_never_expire(user: UUID) -> None:
    with transaction(), pytest.raises(LedgerMisused):
        grant(user, LotSource.PURCHASE, 10, "key", payment_id=new_id(), expires_at=_LATER)


def test_expired_credits_are_booked_out_but_not_those_of_a_run(user: UUID, engine: sa.Engine) -> None:
    run = new_id()
    with transaction():
        lot = add_lot(user, 100, LotSource.GOODWILL, expires_at=_LATER)
        reserve(user, run, 60)
    assert expire_lots() == 0
    let_expire(engine, lot)
    with transaction():
        assert read_balance(user).balance == 60
    assert taken_lots(EntryKind.EXPIRED) == []
    assert (expire_lots(), expire_lots()) == (1, 0)
    assert lots_of(user) == {lot: (60, 60)}
    with transaction():
        with pytest.raises(InsufficientCredits):
            reserve(user, new_id(), 1)
        close(run, 20)
        assert read_balance(user).balance == 0
    assert (expire_lots(), expire_lots()) == (1, 0)
    assert lots_of(user) == {lot: (0, 0)}
    assert check_ledger()["violations"] == []


def test_a_silent_run_loses_its_hold_after_a_day(user: UUID, engine: sa.Engine) -> None:
    silent, alive, ended = new_id(), new_id(), new_id()
    with transaction():
        add_lot(user, 100, LotSource.GOODWILL)
        for run in (silent, alive, ended):
            reserve(user, run, 10)
        settle(silent, 4)
        close(ended, 4)

    def age(hours: int) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE credit_holds SET sign_of_life_at = now() - interval '{hours} hours'")

    age(23)
    assert release_silent_holds() == 0
    age(25)
    with transaction():
        note_sign_of_life(alive)
        note_sign_of_life(ended)
        note_sign_of_life(new_id())
    assert (release_silent_holds(), release_silent_holds()) == (1, 0)
    with transaction():
        balance = read_balance(user)
        assert [find_hold(run).is_open for run in (silent, alive, ended)] == [False, True, False]
    assert (balance.balance, balance.held) == (92, 10)


def test_a_run_that_was_heard_of_meanwhile_keeps_its_hold(user: UUID, engine: sa.Engine) -> None:
    run = new_id()
    with transaction():
        add_lot(user, 100, LotSource.GOODWILL)
        reserve(user, run, 10)
    with transaction():
        # The chore saw it silent, and the run settled before the chore had the lock.
        _release_silent(run)
        assert find_hold(run).is_open


def test_one_broken_account_does_not_stop_a_chore(user: UUID, engine: sa.Engine) -> None:
    with transaction():
        users = [user, add_user()]
        lots = [add_lot(each, 10, LotSource.GOODWILL, expires_at=_LATER) for each in users]
    for lot in lots:
        let_expire(engine, lot)
    with engine.begin() as connection:
        # Another transaction holds one account.
        connection.execute(sa.text("SELECT 1 FROM credit_accounts WHERE user_id = :user FOR UPDATE"), {"user": user})
        assert expire_lots() == 1
    assert expire_lots() == 1


def test_eight_threads_open_one_account(app: APIFlask, user: UUID) -> None:
    def add(number: int) -> None:
        with app.app_context(), transaction():
            grant(user, LotSource.GOODWILL, 10, f"goodwill:{number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(8)))
    with transaction():
        assert read_balance(user).balance == 80


_LOT = "INSERT INTO credit_lots (id, user_id, number, source, priority, amount, grant_key, payment_id)"
_DUPLICATES = {
    "INSERT INTO credit_accounts SELECT * FROM credit_accounts": "pk_credit_accounts",
    f"{_LOT} SELECT gen_random_uuid(), user_id, 99, 'goodwill', 10, 1, grant_key, NULL FROM credit_lots": (
        "uq_credit_lots_grant_key"
    ),
    f"{_LOT} SELECT gen_random_uuid(), user_id, number, 'goodwill', 10, 1, 'other', NULL FROM credit_lots": (
        "uq_credit_lots_user_id_number"
    ),
    f"{_LOT} SELECT gen_random_uuid(), user_id, 99, source, 10, 1, 'other', payment_id FROM credit_lots": (
        "uq_credit_lots_payment_id"
    ),
    "INSERT INTO credit_holds (id, user_id, run_id, amount) SELECT gen_random_uuid(), user_id, run_id, 1"
    " FROM credit_holds": "uq_credit_holds_run_id",
    "{entry} number, key || 'x'": "uq_credit_entries_user_id_number",
    "{entry} number + 99, key": "uq_credit_entries_key",
}
_ENTRY = (
    "INSERT INTO credit_entries (id, user_id, kind, lot_id, hold_id, amount, held, lot_after, lot_held_after,"
    " paid_after, free_after, held_after, number, key) SELECT gen_random_uuid(), user_id, kind, lot_id, hold_id,"
    " amount, held, lot_after, lot_held_after, paid_after, free_after, held_after, {} FROM credit_entries"
)


@pytest.mark.parametrize(("statement", "constraint"), list(_DUPLICATES.items()), ids=list(_DUPLICATES.values()))
def test_nothing_can_happen_twice(user: UUID, engine: sa.Engine, statement: str, constraint: str) -> None:
    with transaction():
        add_lot(user, 100, LotSource.PURCHASE)
        reserve(user, new_id(), 10)
    if statement.startswith("{entry}"):
        statement = _ENTRY.format(statement.removeprefix("{entry} "))
    with engine.connect() as connection, pytest.raises(sa.exc.IntegrityError, match=constraint):
        connection.exec_driver_sql(statement)


def update(engine: sa.Engine, statement: str) -> Any:
    with engine.begin() as connection:
        return connection.exec_driver_sql(statement)


_PERSONAL = ("payer_name", "payer_email", "payer_country", "receipt_url")


def test_of_a_payment_only_personal_data_can_be_removed(user: UUID, engine: sa.Engine) -> None:
    with transaction():
        add_lot(user, 100, LotSource.PURCHASE)
    with engine.connect() as connection:
        before = dict(connection.exec_driver_sql("SELECT * FROM payments").mappings().one())
    refused = [f"{name} = NULL" for name in before if name not in _PERSONAL]
    refused += [f"{name} = 'other'" for name in _PERSONAL]
    refused += ["credits = credits + 1", "payer_name = NULL, credits = 7", "user_id = gen_random_uuid()"]
    for change in refused:
        with pytest.raises(sa.exc.DBAPIError):
            update(engine, f"UPDATE payments SET {change}")
    for statement in ("DELETE FROM payments", "TRUNCATE payments CASCADE"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            update(engine, statement)
    # Replication does not switch the triggers off.
    with pytest.raises(sa.exc.DBAPIError):
        update(engine, "SET LOCAL session_replication_role = replica; UPDATE payments SET credits = 1")
    for name in _PERSONAL:
        assert update(engine, f"UPDATE payments SET {name} = NULL").rowcount == 1
    with engine.connect() as connection:
        after = dict(connection.exec_driver_sql("SELECT * FROM payments").mappings().one())
    assert after == {**before, **dict.fromkeys(_PERSONAL)}
    # What is removed cannot come back.
    with pytest.raises(sa.exc.DBAPIError):
        update(engine, "UPDATE payments SET payer_name = 'Anna Muster'")


@pytest.mark.parametrize("table", ["credit_entries", "credit_lots", "price_lists"])
def test_replication_does_not_switch_append_only_off(user: UUID, engine: sa.Engine, table: str) -> None:
    with transaction():
        add_lot(user, 100, LotSource.PURCHASE)
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET created_at = now()"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            update(engine, f"SET LOCAL session_replication_role = replica; {statement}")
