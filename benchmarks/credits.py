"""The cost of credits: reservations, balances of long accounts, and the start of a run."""

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from apiflask import APIFlask

from backend.accounts.models import User
from backend.billing import service as billing
from backend.billing.models import CreditEntry, CreditHold
from backend.billing.types import LotSource
from backend.core.database.database import Base, db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.library.models import StudySet
from backend.settings import get_settings
from benchmarks.application import running_application
from benchmarks.figures import Measurement
from benchmarks.rows import add_document

_USERS = 200
_CONNECTIONS = 8
_RESERVATIONS = 400
_ROUNDS = 21
_FEW, _MANY = 10, 100_000
_READS = 1000
_STARTS = 150
_WARM_UP = 15
_API = "/api/v1"
_BILLING = {
    "STRIPE_API_KEY": "sk_test_benchmark0123456789",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_benchmark0123456789",
    "STRIPE_WEBHOOK_SECRET": "whsec_benchmark0123456789",
}
_LIMITS = {"MAX_ACTIVE_RUNS_PER_USER": "1000", "RATE_LIMIT_RUN": "100000/minute", "RATE_LIMIT_WRITE": "100000/minute"}
_MODEL = {"OPENAI_API_KEY": "sk-loopback", "OPENAI_MODEL": "gpt-6-luna", "DAILY_MODEL_BUDGET_CHF": "1000000"}

_holds, _entries = (Base.metadata.tables[model.__tablename__] for model in (CreditHold, CreditEntry))


def measure_reservations(folder: Path) -> Measurement:
    """Measure reservations a second, with 200 users on 8 connections ÷ those of the same INSERTs without the ledger."""
    with running_application() as app:
        with app.app_context(), transaction():
            users = [_add_user(10**9) for _ in range(2 * _USERS)]
        spending, bare = users[:_USERS], _Bare(app, users[_USERS:])

        def reserve(user: UUID) -> None:
            billing.reserve(user, new_id(), 7)

        rates: tuple[list[float], list[float]] = ([], [])
        for _ in range(_ROUNDS):
            rates[0].append(_per_second(app, reserve, spending))
            rates[1].append(_per_second(app, bare.insert, bare.users))
    ratios = [ours / theirs for ours, theirs in zip(*rates, strict=True)]
    parts = {
        "reservations_per_s": round(median(rates[0])),
        "inserts_per_s": round(median(rates[1])),
        "rounds": [round(ratio, 3) for ratio in ratios],
    }
    return Measurement(median(ratios), parts)


def _add_user(credits: int) -> UUID:
    user = User(id=new_id(), language="en")
    db.session.add(user)
    db.session.flush()
    billing.grant(user.id, LotSource.GOODWILL, credits, f"goodwill:{user.id}")
    return user.id


class _Bare:
    """The two INSERTs of a reservation, without a lock, a read or a check."""

    def __init__(self, app: APIFlask, users: Sequence[UUID]) -> None:
        self.users = users
        with app.app_context(), transaction():
            lots = sa.select(_entries.c.user_id, _entries.c.lot_id).where(_entries.c.user_id.in_(users))
            self._lots = dict(db.session.execute(lots).tuples().all())
        self._numbers = count(2)

    def insert(self, user: UUID) -> None:
        hold, run = new_id(), new_id()
        db.session.execute(sa.insert(_holds), {"id": hold, "user_id": user, "run_id": run, "amount": 7})
        entry = {
            "id": new_id(),
            "user_id": user,
            "number": next(self._numbers),
            "kind": "reserved",
            "lot_id": self._lots[user],
            "hold_id": hold,
            "amount": 0,
            "held": 7,
            "lot_after": 10**9,
            "lot_held_after": 7,
            "paid_after": 0,
            "free_after": 10**9,
            "held_after": 7,
            "stripe_id": None,
            "run_id": run,
            "key": f"reserved:{hold}:{self._lots[user]}",
        }
        db.session.execute(sa.insert(_entries), [entry])


def _per_second(app: APIFlask, act: Callable[[UUID], None], users: Sequence[UUID]) -> float:
    """Return how many times a second ``act`` runs, each in its own transaction, users in turn, on 8 connections."""

    def work(mine: Sequence[UUID]) -> None:
        with app.app_context():
            for user in mine:
                with transaction():
                    act(user)

    turns = list(islice(cycle(users), _RESERVATIONS))
    gc.collect()
    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        started = time.perf_counter()
        list(threads.map(work, [turns[number::_CONNECTIONS] for number in range(_CONNECTIONS)]))
        return _RESERVATIONS / (time.perf_counter() - started)


def measure_balance(folder: Path) -> Measurement:
    """Measure reading the balance of an account with 100,000 entries ÷ that of one with 10."""
    with running_application() as app, app.app_context():
        with transaction():
            short, long = _add_user(_FEW), _add_user(_MANY)
            for user, entries in ((short, _FEW), (long, _MANY)):
                _add_entries(user, entries)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE credit_entries")
        seconds = _interleave([lambda: _read(long, _MANY), lambda: _read(short, _FEW)], _READS)
    long_s, short_s = seconds
    return Measurement(long_s / short_s, {"long_ms": round(1000 * long_s, 3), "short_ms": round(1000 * short_s, 3)})


def _add_entries(user_id: UUID, entries: int) -> None:
    """Continue an account that was granted ``entries`` credits: each further entry removes one."""
    db.session.execute(
        sa.text(
            """
            INSERT INTO credit_entries (id, user_id, number, kind, lot_id, amount, held, lot_after, lot_held_after,
                paid_after, free_after, held_after, key)
            SELECT gen_random_uuid(), user_id, n, 'adjusted', lot_id, -1, 0, free_after - n + 1, 0, 0,
                free_after - n + 1, 0, 'adjusted:' || user_id || n
            FROM credit_entries, generate_series(2, :entries) AS n WHERE user_id = :user
            """
        ),
        {"user": user_id, "entries": entries},
    )


def _read(user_id: UUID, entries: int) -> None:
    with transaction():
        balance = billing.read_balance(user_id)
    if balance.balance != 1:
        raise ValueError(f"after {entries} entries the balance is {balance.balance}, not 1")


def measure_start(folder: Path) -> Measurement:
    """Measure starting a run over HTTP with credits ÷ without."""
    with _environment({**_LIMITS, **_MODEL}), running_application() as app:
        client = app.test_client()
        answer = client.post(f"{_API}/auth/dev-login", json={"email": "reader@example.org"}).get_json()
        headers, user = {"Authorization": f"Bearer {answer['access_token']}"}, UUID(answer["user_id"])
        with app.app_context(), transaction():
            billing.grant(user, LotSource.GOODWILL, 10**9, "goodwill:benchmark")

        def start(environment: dict[str, str | None]) -> float:
            """Return the seconds of one start. Its study set is made before, and the run ends afterwards."""
            with app.app_context(), transaction():
                study_set = StudySet(id=new_id(), user_id=user, title="Notes")
                db.session.add(study_set)
                db.session.flush()
                add_document(study_set.id, 1)
                url = f"{_API}/study-sets/{study_set.id}/runs"
            with _environment(environment):
                started = time.perf_counter()
                run = client.post(url, json={"flashcards": 10, "questions": 5}, headers=headers)
                took_s = time.perf_counter() - started
                if run.status_code != 202 or bool(run.get_json()["credits"]["reserved"]) != bool(
                    environment["STRIPE_API_KEY"]
                ):
                    raise ValueError(f"a run started with {run.status}: {run.text}")
                client.delete(f"{_API}/study-sets/{study_set.id}", headers=headers)
            return took_s

        without: dict[str, str | None] = dict.fromkeys(_BILLING)
        with_s, without_s = _take_turns([lambda: start(dict(_BILLING)), lambda: start(without)], _STARTS)
    return Measurement(
        with_s / without_s, {"with_credits_ms": round(1000 * with_s, 2), "without_ms": round(1000 * without_s, 2)}
    )


@contextlib.contextmanager
def _environment(changes: dict[str, Any]) -> Iterator[None]:
    """Change environment variables, and so the settings, during the block. None removes one."""
    before = {name: os.environ.get(name) for name in changes}
    _set(changes)
    try:
        yield
    finally:
        _set(before)


def _set(values: dict[str, Any]) -> None:
    for name, value in values.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    get_settings.cache_clear()


def _interleave(actions: Sequence[Callable[[], None]], times: int) -> list[float]:
    def timed(action: Callable[[], None]) -> Callable[[], float]:
        def measure() -> float:
            started = time.perf_counter()
            action()
            return time.perf_counter() - started

        return measure

    return _take_turns([timed(action) for action in actions], times)


def _take_turns(measures: Sequence[Callable[[], float]], times: int) -> list[float]:
    """Measure in turn. Returns the median of each in seconds."""
    gc.collect()
    taken = [[measure() for measure in measures] for _ in range(_WARM_UP + times)][_WARM_UP:]
    return [median(seconds) for seconds in zip(*taken, strict=True)]
