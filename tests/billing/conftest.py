"""Fixtures for tests of billing: it is turned on, and users can be given credits."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from backend.billing.ledger.accounts import lock_account
from backend.billing.ledger.holds import close, reserve
from backend.billing.ledger.lots import book_taken, grant
from backend.billing.models import Dispute, Refund
from backend.billing.types import EntryKind, LotSource
from backend.core.database.database import db
from backend.core.ids import new_id
from tests import credits
from tests.billing.statement_files import at, time_of_entries
from tests.conftest import Client
from tests.operations.conftest import bearer, scrape

__all__ = ["bearer", "scrape"]


@pytest.fixture
def billing(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Billing is on during the test. Sign-up credits are off, so that balances are what the test grants."""
    with credits.billing_on(monkeypatch, SIGNUP_CREDITS="0"):
        yield


@pytest.fixture
def grant_credits(app: Any) -> Callable[..., UUID]:
    """Give the user of a client a lot of credits. Returns the lot's id."""

    def grant(client: Client, amount: int, source: LotSource | str = LotSource.PURCHASE) -> UUID:
        assert client.user_id is not None
        return credits.grant_credits(app, client.user_id, amount, source)

    return grant


@pytest.fixture
def count_queries(app: Any) -> Callable[[Callable[[], object]], int]:
    """Return how many statements are sent to the database during an action."""

    def count(action: Callable[[], object]) -> int:
        statements: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            statements.append(statement)

        with app.app_context():
            engine = db.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            action()
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        return len(statements)

    return count


@pytest.fixture
def book(app: Any, client: Client) -> SimpleNamespace:
    """Book payments, refunds, disputes and runs of the client's user at given times."""

    def pay(moment: str, credits_bought: int, **columns: object) -> SimpleNamespace:
        with app.app_context(), time_of_entries(moment):
            lock_account(client.user_id)
            payment_id = credits.add_payment(client.user_id, credits_bought, paid_at=at(moment), **columns)
            lot = grant(
                client.user_id, LotSource.PURCHASE, credits_bought, f"purchase:{payment_id}", payment_id=payment_id
            )
            return SimpleNamespace(id=payment_id, lot=lot)

    def give(moment: str, amount: int, source: LotSource = LotSource.SIGN_UP) -> None:
        with app.app_context(), time_of_entries(moment):
            grant(client.user_id, source, amount, f"{source}:{new_id()}")

    def spend(moment: str, amount: int) -> None:
        with app.app_context(), time_of_entries(moment):
            run = new_id()
            reserve(client.user_id, run, amount + 1)
            close(run, amount)

    def refund(moment: str, payment: SimpleNamespace, rappen: int, status: str = "succeeded") -> None:
        with app.app_context(), time_of_entries(moment):
            stripe_id = f"re_{new_id().hex}"
            db.session.add(_returned(Refund, payment.id, stripe_id, rappen, moment, status=status))
            if status == "succeeded":
                book_taken(client.user_id, payment.lot, stripe_id, EntryKind.REFUNDED, rappen * 10)

    def dispute(moment: str, payment: SimpleNamespace, withdrawn: int) -> None:
        with app.app_context(), time_of_entries(moment):
            stripe_id = f"dp_{new_id().hex}"
            more = {"status": "lost", "withdrawn_rappen": withdrawn, "is_open": False}
            db.session.add(_returned(Dispute, payment.id, stripe_id, withdrawn, moment, **more))
            if withdrawn:
                book_taken(client.user_id, payment.lot, stripe_id, EntryKind.DISPUTED, withdrawn * 10)

    def _returned(table, payment_id, stripe_id, rappen, moment, **more):
        return table(
            user_id=client.user_id,
            payment_id=payment_id,
            stripe_id=stripe_id,
            amount_rappen=rappen,
            created_at=at(moment),
            **more,
        )

    return SimpleNamespace(pay=pay, give=give, spend=spend, refund=refund, dispute=dispute)
