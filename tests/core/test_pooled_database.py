"""The database behind a real PgBouncer in transaction mode: nothing relies on keeping the same connection."""

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psycopg2
import pytest
import sqlalchemy as sa
from flask import Flask

from backend.core.database.database import LIMITS, configure_database, db, is_passing
from backend.core.database.locks import MIGRATION_LOCK, SWEEP_LOCK
from backend.core.database.transaction import transaction
from backend.core.work.jobs import JobState, claim
from backend.core.work.leases import lease
from backend.core.work.sweep import Swept, sweep
from backend.library.models import Document
from backend.settings import Settings, get_settings
from config.local.postgres import GivenPostgres
from tests.patience import HANG_S, patient_s, pause, wait_for
from tests.stand_ins.pgbouncer import PgBouncer

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pool(settings: Settings) -> Iterator[PgBouncer]:
    """A PgBouncer with three connections for all clients."""
    with PgBouncer(settings.database_url) as running:
        yield running


def app_behind(url: str, settings: Settings, *, pooled: bool = True) -> Flask:
    """Return an app with the database at the URL."""
    app = Flask("pooled")
    configure_database(app, settings.model_copy(update={"database_url": url, "database_pooled": pooled}))
    return app


@pytest.fixture
def pooled_app(app: Flask, pool: PgBouncer, settings: Settings) -> Iterator[Flask]:
    """An app that uses a database with empty tables through the pool, with its context pushed."""
    behind = app_behind(pool.url, settings)
    with behind.app_context():
        yield behind
        db.engine.dispose()


@pytest.fixture
def document_id(client, pooled_app: Flask) -> UUID:
    """A queued job that was never sent."""
    answer = client.upload(client.make_study_set(), ("notes.txt", b"Cells divide."))
    document_id = UUID(answer.json["documents"][0]["id"])
    with transaction():
        db.session.execute(sa.update(Document).values(sent_at=None))
    return document_id


SHOWN = sa.text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")


def limits_of(connection: sa.Connection | sa.orm.Session) -> dict[str, int]:
    """Return the limits in force, in milliseconds."""
    return {name: int(value) for name, value in connection.execute(SHOWN, {"names": list(LIMITS)})}


EXPECTED = {name: int(value.removesuffix("s")) * 1000 for name, value in LIMITS.items()}


def test_limits_apply_in_every_transaction(pooled_app: Flask) -> None:
    for _ in range(3):
        with transaction():
            assert limits_of(db.session) == EXPECTED
    # Like the thread that renews a lease.
    with db.engine.begin() as connection:
        assert limits_of(connection) == EXPECTED


def test_limits_do_not_affect_the_next_client(app: Flask, settings: Settings) -> None:
    with PgBouncer(settings.database_url, size=1) as pool:
        behind = app_behind(pool.url, settings)
        with behind.app_context(), closing(psycopg2.connect(pool.url)) as other:
            pids = set()
            for _ in range(3):
                with transaction():
                    pids.add(db.session.scalar(sa.text("SELECT pg_backend_pid()")))
                    assert limits_of(db.session) == EXPECTED
                with other, other.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid(), current_setting('statement_timeout')")
                    pid, limit = cursor.fetchone()
                # Both used the pool's only connection.
                assert pids == {pid}
                assert limit == "0"
            db.engine.dispose()


def test_a_statement_over_its_limit_is_cancelled(pooled_app: Flask) -> None:
    def hold() -> None:
        with transaction():
            db.session.execute(sa.text("SET LOCAL statement_timeout = '50ms'"))
            db.session.execute(sa.text("SELECT pg_sleep(60)"))

    with pytest.raises(sa.exc.OperationalError, match="statement timeout"):
        hold()
    with transaction():
        assert limits_of(db.session) == EXPECTED


def test_a_pool_without_a_free_connection_is_a_transient_failure(app: Flask, settings: Settings) -> None:
    def read() -> int | None:
        with transaction():
            return db.session.scalar(sa.select(1))

    with PgBouncer(settings.database_url, size=1, options={"query_wait_timeout": "1"}) as pool:
        behind = app_behind(pool.url, settings)
        with behind.app_context(), closing(psycopg2.connect(pool.url)) as other:
            # The second time, the engine has an open connection and tests it before use.
            for _ in range(2):
                other.cursor().execute("SELECT 1")
                with pytest.raises(sa.exc.DBAPIError) as caught:
                    read()
                assert is_passing(caught.value)
                other.rollback()
                assert read() == 1
            db.engine.dispose()


def test_without_a_pool_connections_start_with_their_limits(app: Flask, settings: Settings) -> None:
    statements: list[str] = []
    behind = app_behind(settings.database_url, settings, pooled=False)
    with behind.app_context():
        with transaction():
            assert limits_of(db.session) == EXPECTED
        sa.event.listen(db.engine, "before_cursor_execute", lambda *found: statements.append(found[2]))
        with transaction():
            db.session.execute(sa.select(1))
        db.engine.dispose()
    assert statements == ["SELECT 1"]


def test_a_lease_is_renewed_through_the_pool(
    pooled_app: Flask, document_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEASE_S", str(patient_s(3)))
    get_settings.cache_clear()
    until = sa.select(Document.lease_until)
    try:
        with transaction():
            held = claim(Document, document_id)
            first = db.session.scalar(until)
        assert held

        def is_renewed() -> bool:
            with transaction():
                return db.session.scalar(until) > first

        with lease(Document, held) as lost:
            wait_for("a renewal", is_renewed)
            assert not lost.is_set()
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def held_locks(url: str, number: int) -> list[tuple[int, bool]]:
    """Return the process ids that hold or await an advisory lock, and whether each holds it."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, granted FROM pg_locks WHERE locktype = 'advisory' AND objid = %s "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (number,),
        )
        return cursor.fetchall()


def test_two_sweeps_at_once_are_one(pooled_app: Flask, pool: PgBouncer, settings: Settings, document_id: UUID) -> None:
    with closing(psycopg2.connect(pool.url)) as other:
        other.cursor().execute("SELECT pg_advisory_xact_lock(%s)", (SWEEP_LOCK,))
        assert sweep() is None
        other.rollback()
    assert sweep() == Swept(sent=1)
    # Neither sweep has left a lock on the pool's connections.
    assert held_locks(settings.database_url, SWEEP_LOCK) == []


def test_sweeps_in_many_threads_send_once(pooled_app: Flask, document_id: UUID) -> None:
    barrier = threading.Barrier(5)
    done: list[Swept | None] = []

    def run() -> None:
        with pooled_app.app_context():
            barrier.wait()
            done.append(sweep())

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 5
    assert sum(swept.sent for swept in done if swept) == 1


def migrations(url: str, *, pooled: bool, count: int = 1) -> list["subprocess.Popen[str]"]:
    """Start the migrate command ``count`` times concurrently."""
    environment = {**os.environ, "DATABASE_URL": url, "DATABASE_POOLED": str(pooled)}
    command = [sys.executable, "-m", "backend.cli", "migrate"]
    return [
        subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=-1, stderr=subprocess.STDOUT, text=True)
        for _ in range(count)
    ]


@pytest.fixture
def empty_database(servers: dict[str, str]) -> Iterator[str]:
    """The name of a database without tables."""
    server, name = GivenPostgres(servers["postgres"]), f"{servers['template']}_{secrets.token_hex(4)}"
    server.create_database(name)
    yield name
    server.drop_database(name)


@pytest.mark.parametrize("pooled", [True, False])
def test_concurrent_migrations_wait_for_each_other_without_a_limit(
    pool: PgBouncer, empty_database: str, servers: dict[str, str], pooled: bool
) -> None:
    server = GivenPostgres(servers["postgres"])
    direct = server.url_of(empty_database)
    with closing(psycopg2.connect(direct)) as other, other.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {empty_database} SET lock_timeout = '50ms'")
        other.commit()
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        started = migrations(pool.url_of(empty_database) if pooled else direct, pooled=pooled, count=2)
        try:
            wait_for("two that wait", lambda: [has for _, has in held_locks(direct, MIGRATION_LOCK)].count(False) == 2)
            pause(0.5, "longer than the server's own limit")
        finally:
            other.rollback()
            output = [process.communicate(timeout=HANG_S)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], output
    with closing(psycopg2.connect(direct)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM alembic_version")
        assert cursor.fetchone() == (1,)
    assert held_locks(direct, MIGRATION_LOCK) == []


def test_a_pool_without_the_setting_is_explained(pool: PgBouncer, app: Flask, settings: Settings, caplog) -> None:
    (command,) = migrations(pool.url, pooled=False)
    output = command.communicate(timeout=HANG_S)[0]
    assert command.returncode == 1
    assert output.splitlines()[-1].startswith("Refusing to migrate: ")
    assert "DATABASE_POOLED=true" in output.splitlines()[-1]

    def read() -> None:
        with transaction():
            db.session.execute(sa.select(1))

    with app_behind(pool.url, settings, pooled=False).app_context(), pytest.raises(sa.exc.OperationalError):
        read()
    assert "core.database.limits_refused" in caplog.text
    assert "DATABASE_POOLED=true" in caplog.text


def test_an_expired_lease_is_taken_back_even_if_the_sweep_loses_its_lock(
    pooled_app: Flask, document_id: UUID, settings: Settings
) -> None:
    ended: list[int] = []

    def end_the_guard(*found: object) -> None:
        if "UPDATE documents" in str(found[2]) and not ended:
            for pid, _ in held_locks(settings.database_url, SWEEP_LOCK):
                with closing(psycopg2.connect(settings.database_url)) as other, other, other.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
                    ended.append(pid)

    with transaction():
        assert claim(Document, document_id)
        late = sa.text("clock_timestamp() - interval '1 second'")
        db.session.execute(sa.update(Document).values(lease_until=late))
    sa.event.listen(db.engine, "before_cursor_execute", end_the_guard)
    assert sweep() == Swept(sent=1, taken_back=1)
    assert len(ended) == 1
    with transaction():
        assert db.session.get_one(Document, document_id).state == JobState.QUEUED
    assert sweep() == Swept()
