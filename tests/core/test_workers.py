"""The table of workers: places, lost leases, and reasons for restarts."""

from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.work import jobs, workers
from backend.core.work.jobs import WORKER_NAME
from backend.core.work.programs import Program
from backend.core.work.sweep import sweep
from backend.core.work.workers import Worker
from backend.library.models import Document


@pytest.fixture(autouse=True)
def _in_context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def note_alive(name: str, places: int = 4, program: Program = Program.COMPUTING) -> int:
    with transaction():
        return workers.note_alive(name, places, program)


def note_restart(name: str, reason: str) -> None:
    with transaction():
        workers.note_restart(name, 4, reason)


def count_places() -> int:
    with transaction():
        return workers.count_places_of_programs()[Program.COMPUTING]


def see_last(name: str, ago: str) -> None:
    with transaction():
        db.session.execute(
            sa.update(Worker).where(Worker.name == name).values(seen_at=sa.text(f"now() - interval '{ago}'"))
        )


def test_places_of_living_workers_are_summed() -> None:
    assert count_places() == 0
    note_alive("a", 4)
    note_alive("b", 3)
    note_alive("a", 4)
    assert count_places() == 7


def test_places_are_counted_for_each_program() -> None:
    note_alive("a", 2)
    note_alive("b", 32, Program.CALLING)
    with transaction():
        # The previous release names no program.
        db.session.execute(sa.text("INSERT INTO workers (name, places, leases_lost) VALUES ('c', 3, 0)"))
    with transaction():
        assert workers.count_places_of_programs() == {Program.COMPUTING: 5, Program.CALLING: 32}
        assert workers.count_places_of_programs()[Program.COMPUTING] == 5


def test_a_worker_not_seen_for_long_or_ended_has_no_places() -> None:
    for name in ("a", "b", "c"):
        note_alive(name)
    see_last("a", "2 minutes")
    note_restart("b", "heartbeat")
    assert count_places() == 4
    note_alive("a")
    assert count_places() == 8


def test_the_sweep_records_a_lost_lease_for_the_watchdog(client) -> None:
    answer = client.upload(client.make_study_set(), ("notes.txt", b"Cells divide."))
    document_id = UUID(answer.json["documents"][0]["id"])
    assert note_alive(WORKER_NAME) == note_alive("other") == 0
    with transaction():
        assert jobs.claim(Document, document_id)
        assert jobs.count_live_leases(WORKER_NAME) == 1
        assert jobs.count_live_leases("other") == 0
        db.session.execute(sa.update(Document).values(lease_until=sa.text("clock_timestamp() - interval '1 s'")))
    with transaction():
        assert jobs.count_live_leases(WORKER_NAME) == 0
    sweep()
    assert note_alive(WORKER_NAME) == 1
    assert note_alive("other") == 0


def test_a_lost_lease_of_a_worker_without_a_watchdog_is_not_an_error() -> None:
    with transaction():
        workers.note_lost_lease("nobody")
        workers.note_lost_lease(None)
    assert count_places() == 0


def test_restarts_are_counted_by_reason_and_deleted_after_a_month() -> None:
    # A worker that was never seen alive counts too: the database may have been unreachable.
    for name, reason in (("a", "heartbeat"), ("b", "canary"), ("c", "canary")):
        note_restart(name, reason)
    note_alive("d")
    with transaction():
        assert workers.count_restarts() == {"heartbeat": 1, "canary": 2}
    see_last("b", "31 days")
    with transaction():
        workers.forget_old_workers()
        assert workers.count_restarts() == {"heartbeat": 1, "canary": 1}
