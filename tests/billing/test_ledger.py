"""Grants, holds and refunds on the ledger."""

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.billing.errors import InsufficientCredits
from backend.billing.ledger.accounts import read_balance
from backend.billing.ledger.holds import close, reserve, settle
from backend.billing.ledger.lots import book_taken, grant
from backend.billing.types import CreditBalance, EntryKind, LotSource
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from tests.conftest import Client


def test_a_run_is_charged_and_the_rest_released(app: APIFlask, client: Client) -> None:
    user, run = client.user_id, new_id()
    assert user is not None
    with app.app_context():
        with transaction():
            grant(user, LotSource.GOODWILL, 100, "first")
            grant(user, LotSource.GOODWILL, 100, "first")
        with transaction():
            reserve(user, run, 70)
            assert read_balance(user) == CreditBalance(paid=0, free=100, held=70)
        with transaction(), pytest.raises(InsufficientCredits) as refused:
            reserve(user, new_id(), 31)
        assert refused.value.facts == {"required": 31, "available": 30}
        with transaction():
            settle(run, 12)
            settle(run, 12)
            assert read_balance(user) == CreditBalance(paid=0, free=88, held=58)
        with transaction():
            close(run, 20)
            close(run, 60)
            assert read_balance(user) == CreditBalance(paid=0, free=80, held=0)


def test_a_refund_makes_the_balance_negative_and_its_return_mends_it(app: APIFlask, client: Client) -> None:
    user = client.user_id
    assert user is not None
    with app.app_context(), transaction():
        lot = grant(user, LotSource.GOODWILL, 100, "first")
        run = new_id()
        reserve(user, run, 60)
        close(run, 60)
        book_taken(user, lot, "re_1", EntryKind.REFUNDED, 100)
        book_taken(user, lot, "re_1", EntryKind.REFUNDED, 100)
        assert read_balance(user).available == -60
        book_taken(user, lot, "re_1", EntryKind.REFUNDED, 0)
        assert read_balance(user).available == 40


@pytest.mark.parametrize("table", ["credit_entries", "credit_lots"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET amount = 1", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_entries_and_lots_refuse_changes(app: APIFlask, engine: sa.Engine, table: str, statement: str) -> None:
    with engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError, match="append-only"):
        connection.exec_driver_sql(statement.format(table))
