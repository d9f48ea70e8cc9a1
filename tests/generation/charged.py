"""Runs that cost credits: what tests ask of the API and of the database."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from tests.conftest import Client

Finish = Callable[[], None]
Grant = Callable[..., None]


class Ledger:
    """What the database says about credits."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def query(self, statement: str, **values: Any) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(sa.text(statement), values).all())

    def balance(self, client: Client) -> tuple[int, int]:
        """Return the balance, and what is held."""
        rows = self.query(
            "SELECT paid_after + free_after, held_after FROM credit_entries WHERE user_id = :user"
            " ORDER BY number DESC LIMIT 1",
            user=client.user_id,
        )
        return tuple(rows[0]) if rows else (0, 0)

    def open_holds(self) -> int:
        return self.query("SELECT count(*) FROM credit_holds WHERE closed_at IS NULL")[0][0]

    def exact(self, run: Any) -> Decimal:
        """Return the exact charge of a run."""
        query = "SELECT coalesce(sum(charged_credits), 0) FROM model_calls WHERE run_id = :run"
        return self.query(query, run=run["id"])[0][0]

    def calls(self, run: Any) -> list[Any]:
        query = (
            "SELECT steps.kind, calls.* FROM model_calls calls JOIN steps ON steps.id = step_id"
            " WHERE calls.run_id = :run ORDER BY calls.id"
        )
        return self.query(query, run=run["id"])


def start(client: Client, study_set: str, **wish: Any) -> Any:
    return client.post(f"/api/v1/study-sets/{study_set}/runs", json=wish)


def estimate(client: Client, study_set: str, **wish: Any) -> Any:
    answer = client.post(f"/api/v1/study-sets/{study_set}/runs/estimate", json=wish)
    assert answer.status_code == 200, answer.text
    return answer.json
