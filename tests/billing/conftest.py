"""Fixtures for tests of billing: it is turned on, and users can be given credits."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from backend.billing.types import LotSource
from backend.core.database.database import db
from tests import credits
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
