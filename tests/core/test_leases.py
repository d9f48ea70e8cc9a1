"""Leases are renewed during the work, by one thread and one statement for the whole process."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import TimeoutError as PoolTimeout

from backend.core.database.database import CALLING_POOL, LEASES, configure_database, db, dispose_engines
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.work import jobs
from backend.core.work.jobs import Claim, Job, JobState
from backend.core.work.leases import _find_renewer, lease
from backend.core.work.runner import record
from backend.core.work.sweep import sweep
from backend.library.models import Conversion, Document
from backend.settings import Settings, get_settings
from tests.patience import HANG_S, join, patient_s, wait_for

APP = "leases-test"


@pytest.fixture
def _short_lease(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leases of three seconds: a busy machine may keep their renewal waiting for two thirds of it."""
    monkeypatch.setenv("LEASE_S", str(patient_s(3)))
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def own_app(app: Flask, settings: Settings, _short_lease: None) -> Iterator[Flask]:
    """An app with its own connections and its own renewer, with its context pushed."""
    own = Flask(APP)
    configure_database(own, settings)
    with own.app_context():
        yield own
        db.engine.dispose()


@pytest.fixture
def document_ids(client, own_app: Flask) -> list[UUID]:
    """Three documents that wait to be read."""
    files = [(f"notes-{number}.txt", f"Cells divide {number} times.".encode()) for number in range(3)]
    answer = client.upload(client.make_study_set(), *files)
    return [UUID(document["id"]) for document in answer.json["documents"]]


@pytest.fixture
def document_id(document_ids: list[UUID]) -> UUID:
    return document_ids[0]


@pytest.fixture
def conversion_ids(document_ids: list[UUID]) -> list[UUID]:
    """Rows of another table that wait to be worked on."""
    made = [new_id() for _ in document_ids]
    with transaction():
        for row_id, document_id in zip(made, document_ids, strict=True):
            db.session.add(Conversion(id=row_id, document_id=document_id))
    return made


def row(row_id: UUID, model: type[Job] = Document) -> Job:
    """Return the current row."""
    with transaction():
        return db.session.get_one(model, row_id)


def change(row_id: UUID, **values: object) -> None:
    with transaction():
        db.session.execute(sa.update(Document).where(Document.id == row_id).values(**values))


def held(row_id: UUID, model: type[Job] = Document) -> Claim:
    """Claim a row."""
    with transaction():
        found = jobs.claim(model, row_id)
    assert found is not None
    return found


def wait_for_renewals(row_id: UUID, count: int, model: type[Job] = Document) -> None:
    """Wait until a row's lease has been renewed ``count`` times."""
    for _ in range(count):
        before = row(row_id, model).lease_until
        wait_for("a renewal", lambda before=before: row(row_id, model).lease_until > before)


def lease_connections(engine: sa.Engine) -> list[int]:
    """Return PostgreSQL's processes that serve the leases."""
    query = sa.text("SELECT pid FROM pg_stat_activity WHERE application_name = :name")
    with engine.connect() as connection:
        return list(connection.scalars(query, {"name": f"{APP}-{LEASES}"}))


def lease_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "leases"]


@contextmanager
def noted_renewals() -> Iterator[list[str]]:
    """Note the statements over the connection for leases, and an empty one where a transaction begins."""
    noted: list[str] = []

    def begin(_connection: sa.Connection) -> None:
        noted.append("")

    def execute(*found: object) -> None:
        noted.append(str(found[2]))

    engine = db.engines[LEASES]
    listeners = (("begin", begin), ("before_cursor_execute", execute))
    for name, listener in listeners:
        sa.event.listen(engine, name, listener)
    yield noted
    for name, listener in listeners:
        sa.event.remove(engine, name, listener)


def test_a_lease_is_renewed_during_the_work(document_id: UUID) -> None:
    claimed = held(document_id)
    with lease(Document, claimed) as lost:
        wait_for_renewals(document_id, 2)
        assert not lost.is_set()
        assert sweep().taken_back == 0
    with transaction():
        jobs.finish(Document, claimed)


def test_a_lease_is_not_renewed_after_the_work(document_id: UUID) -> None:
    with lease(Document, held(document_id)):
        pass
    assert wait_for("the end of the lease", lambda: sweep().taken_back) == 1


@pytest.mark.parametrize("end", ["taken back", "ended", "deleted", "claimed again"])
def test_only_the_work_whose_lease_is_lost_is_told(document_ids: list[UUID], end: str) -> None:
    claims = [held(document_id) for document_id in document_ids]
    with ExitStack() as leases:
        lost = [leases.enter_context(lease(Document, claimed)) for claimed in claims]
        if end == "taken back":
            change(document_ids[1], state=JobState.QUEUED, lease_until=None)
        elif end == "ended":
            change(document_ids[1], state=JobState.DONE, lease_until=None)
        elif end == "claimed again":
            change(document_ids[1], attempt=claims[1].attempt + 1)
        else:
            with transaction():
                db.session.execute(sa.delete(Document).where(Document.id == document_ids[1]))
        until = None if end == "deleted" else row(document_ids[1]).lease_until
        assert lost[1].wait(HANG_S)
        assert end == "deleted" or row(document_ids[1]).lease_until == until
        wait_for_renewals(document_ids[0], 1)
        wait_for_renewals(document_ids[2], 1)
        assert [event.is_set() for event in lost] == [False, True, False]


def test_leases_of_several_tables_cost_one_statement_and_one_thread(
    document_ids: list[UUID], conversion_ids: list[UUID]
) -> None:
    before = set(lease_threads())
    with noted_renewals() as noted, ExitStack() as leases:
        # 32 leases: one for each row, and 26 of attempts that hold no row any more.
        lost = [leases.enter_context(lease(Document, held(row_id))) for row_id in document_ids]
        lost += [leases.enter_context(lease(Conversion, held(row_id, Conversion))) for row_id in conversion_ids]
        zombies = [
            leases.enter_context(lease(Document, Claim(document_ids[0], attempt, 0, None))) for attempt in range(2, 28)
        ]
        assert len(lost) + len(zombies) == 32
        started = [row(document_ids[0]).lease_until, row(conversion_ids[0], Conversion).lease_until]
        assert all(event.wait(HANG_S) for event in zombies)
        # The first statement found the zombies, so it has also renewed the rows.
        begin, statement = noted[:2]
        assert begin == ""
        assert "UPDATE documents" in statement
        assert "UPDATE conversions" in statement
        wait_for_renewals(document_ids[0], 1)
        wait_for_renewals(conversion_ids[0], 1, Conversion)
        # Each transaction has had one statement.
        assert noted[2] == ""
        assert row(document_ids[0]).lease_until > started[0]
        assert row(conversion_ids[0], Conversion).lease_until > started[1]
        assert not any(event.is_set() for event in lost)
        assert len(set(lease_threads()) - before) == 1


def test_a_row_that_is_being_written_delays_no_other(document_ids: list[UUID], engine: sa.Engine) -> None:
    locked, free, _ = document_ids
    with ExitStack() as leases:
        lost = [leases.enter_context(lease(Document, held(row_id))) for row_id in (locked, free)]
        with engine.begin() as other:
            other.execute(sa.select(Document.id).where(Document.id == locked).with_for_update())
            before = row(locked).lease_until
            wait_for_renewals(free, 1)
            assert row(locked).lease_until == before
        wait_for_renewals(locked, 1)
        assert not any(event.is_set() for event in lost)


@pytest.fixture
def stopped_backend(engine: sa.Engine) -> Iterator[Callable[[], None]]:
    """Stop the PostgreSQL process that serves the leases, so that a renewal gets no answer."""
    stopped: list[int] = []

    def stop() -> None:
        (pid,) = lease_connections(engine)
        os.kill(pid, signal.SIGSTOP)
        stopped.append(pid)

    yield stop
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)


def test_a_renewal_without_an_answer_delays_nobody_and_is_given_up(
    document_ids: list[UUID], stopped_backend: Callable[[], None]
) -> None:
    first, second, _ = document_ids
    with lease(Document, held(first)) as lost:
        wait_for_renewals(first, 1)
        stopped_backend()
        # Over another connection.
        with lease(Document, held(second)) as also_lost:
            wait_for_renewals(second, 1)
        wait_for_renewals(first, 1)
        assert not lost.is_set()
        assert not also_lost.is_set()


def test_a_lease_survives_a_lost_connection(document_id: UUID, engine: sa.Engine) -> None:
    kill = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with lease(Document, held(document_id)) as lost:
        wait_for_renewals(document_id, 1)
        with engine.connect() as connection:
            connection.execute(kill)
        wait_for_renewals(document_id, 2)
        assert not lost.is_set()
        assert sweep().taken_back == 0


@contextmanager
def unreachable() -> Iterator[None]:
    """Let new connections for leases go where no database listens."""

    def refuse(dialect: object, record: object, arguments: object, options: dict[str, object]) -> None:
        options["port"] = "1"

    engine = db.engines[LEASES]
    sa.event.listen(engine, "do_connect", refuse)
    yield
    sa.event.remove(engine, "do_connect", refuse)


def test_work_goes_on_while_the_database_is_unreachable(
    document_ids: list[UUID], caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as leases:
        with unreachable():
            lost = [leases.enter_context(lease(Document, held(document_id))) for document_id in document_ids]
            expired = row(document_ids[0]).lease_until
            assert expired is not None
            # A try takes place every tenth of a lease.
            wait_for("tries for longer than a lease", lambda: caplog.text.count("core.lease.renewal_failed") > 11)
            assert not any(event.is_set() for event in lost)
        wait_for("a renewal", lambda: (row(document_ids[0]).lease_until or expired) > expired)
        assert not any(event.is_set() for event in lost)


def test_work_that_takes_too_long_is_taken_back(document_id: UUID) -> None:
    with lease(Document, held(document_id)):
        (kept,) = _find_renewer()._leases
        kept.renew_until = 0.0
        before = row(document_id).lease_until
        wait_for("the sweep to take it back", lambda: sweep().taken_back)
        assert row(document_id).lease_until != before


def test_a_process_without_leases_has_neither_thread_nor_connection(document_id: UUID, engine: sa.Engine) -> None:
    before = set(lease_threads())
    for _ in range(2):
        with lease(Document, held(document_id)):
            wait_for_renewals(document_id, 1)
            assert len(lease_connections(engine)) == 1
        (thread,) = set(lease_threads()) - before
        join(thread)
        wait_for("the end of the connection", lambda: not lease_connections(engine))
        change(document_id, state=JobState.QUEUED, lease_until=None, available_at=sa.func.now())


def _renew_in_child(claimed: Claim) -> None:
    """Hold a lease until it is lost, and end this process with 0."""
    status = 1
    try:
        # As a worker does: the parent's connections stay the parent's.
        dispose_engines()
        with lease(Document, claimed) as lost:
            status = 0 if lost.wait(HANG_S) else 1
    finally:
        os._exit(status)


def test_a_forked_child_renews_its_own_leases_only(document_ids: list[UUID]) -> None:
    first, second, _ = document_ids
    with lease(Document, held(first)) as lost:
        wait_for_renewals(first, 1)
        child_claim = held(second)
        child = os.fork()
        if child == 0:
            _renew_in_child(child_claim)
        wait_for_renewals(second, 1)
        wait_for_renewals(first, 1)
        assert not lost.is_set()
    # A renewal that was under way has ended by the child's next one.
    wait_for_renewals(second, 1)
    before = row(first).lease_until
    wait_for_renewals(second, 2)
    assert row(first).lease_until == before
    change(second, state=JobState.QUEUED, lease_until=None)
    assert os.waitpid(child, 0)[1] == 0


def test_many_threads_share_the_connections_of_a_calling_process(app: Flask, settings: Settings) -> None:
    calling = Flask("calling")
    configure_database(calling, settings, CALLING_POOL)
    together, seen, most = threading.Barrier(32), [], []

    def call() -> None:
        with calling.app_context():
            together.wait(HANG_S)
            with transaction():
                seen.append(db.session.scalar(sa.text("SELECT pg_backend_pid()")))
                most.append(db.engine.pool.checkedout())

    threads = [threading.Thread(target=call) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    with calling.app_context():
        db.engine.dispose()
    assert len(seen) == 32
    assert len(set(seen)) <= CALLING_POOL.kept
    assert max(most) <= CALLING_POOL.kept


def test_an_outcome_is_recorded_although_no_connection_was_free_at_first(app: Flask) -> None:
    tries: list[None] = []

    def write() -> None:
        tries.append(None)
        if len(tries) == 1:
            raise PoolTimeout

    with app.app_context():
        record(write, threading.Event())
    assert len(tries) == 2
