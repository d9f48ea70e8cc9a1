"""Upkeep between two sweeps."""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from backend.core.database.database import db
from backend.core.database.locks import SWEEP_LOCK
from backend.core.manifest import Chore, Room, open_rooms
from backend.operations.upkeep import housekeeping
from backend.operations.upkeep.housekeeping import forget_temporary_files, keep_house, keep_machine
from backend.operations.upkeep.sweep_loop import sweep_until
from backend.rooms import ROOMS
from backend.settings import Settings, get_settings
from tests.patience import HANG_S, join, wait_for
from tests.stand_ins.object_store import KEY_ID, REGION, SECRET, Gate, ObjectStore

_HOURS_AGO = 7 * 3600


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def age(path: Path, seconds: float = _HOURS_AGO) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment), follow_symlinks=False)


def test_temporary_files_of_killed_processes_are_deleted(temporary: Path) -> None:
    precious = temporary / "precious"
    precious.mkdir()
    (precious / "kept").write_text("kept")
    for name in ("upload-old", "upload-new", "other-old"):
        (temporary / name).write_text("x")
    for name in ("document-old", "document-new"):
        (temporary / name).mkdir()
        (temporary / name / "document.pdf").write_text("x")
    (temporary / "document-old" / "link").symlink_to(precious)
    (temporary / "upload-link").symlink_to(precious)
    for name in ("upload-old", "document-old", "other-old", "upload-link", "precious"):
        age(temporary / name)
    assert forget_temporary_files() == 3
    assert sorted(path.name for path in temporary.iterdir()) == [
        "document-new",
        "other-old",
        "precious",
        "upload-new",
    ]
    assert (precious / "kept").read_text() == "kept"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can create a file of another user")
def test_files_of_other_programs_are_kept(temporary: Path) -> None:
    path = temporary / "upload-theirs"
    path.write_text("x")
    os.chown(path, 65534, 65534)
    age(path)
    assert forget_temporary_files() == 0
    assert path.exists()


_FORGOTTEN = ("workers", "idempotency_keys", "sessions", "sign_in_codes", "activities", "export_pieces")
# For each kind, one row to delete and one to keep.
_OLD_ROWS = (
    "INSERT INTO sessions SELECT (jsonb_populate_record(s, jsonb_build_object("
    "'id', gen_random_uuid(), 'ended_at', now() - interval '31 days'))).* FROM sessions s",
    "INSERT INTO sign_in_codes (code_hash, browser_hash, user_id, provider, is_fresh, expires_at)"
    " SELECT sha256(n::text::bytea), '', id, 'google', true, now() - n * interval '1 minute'"
    " FROM users, unnest(ARRAY[1, -1]) n",
    "INSERT INTO activities (id, user_id, kind, data)"
    " SELECT '01800000-0000-7000-8000-000000000000', id, 'signed_in', '{}' FROM users",
    "INSERT INTO data_exports (id, user_id, state, attempt, failures, size_bytes, expires_at, stored_in)"
    " SELECT gen_random_uuid(), id, 'done', 1, 0, 1, now() - n * interval '1 minute', 'postgres'"
    " FROM users, unnest(ARRAY[1, -1]) n",
    "INSERT INTO export_pieces SELECT id, 1, 0, 'x' FROM data_exports",
)


def test_old_rows_are_deleted_periodically(app: Flask, client, engine: sa.Engine, temporary: Path) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO workers (name, places, leases_lost, seen_at)"
                " VALUES ('old', 1, 0, now() - interval '31 days'), ('new', 1, 0, now())"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO idempotency_keys (user_id, route, key, fingerprint, status, body, created_at)"
                " SELECT id, 'r', 'k', 'f', 200, '', now() - interval '25 hours' FROM users"
            )
        )
        for statement in _OLD_ROWS:
            connection.execute(sa.text(statement))
    left = temporary / "upload-old"
    left.write_text("x")
    age(left)

    def count() -> tuple[int, ...]:
        with engine.connect() as connection:
            rows = (connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) for table in _FORGOTTEN)
            return (*rows, left.exists())

    with app.app_context():
        keep_house(1)
        keep_machine(1)
        assert count() == (2, 1, 2, 2, 2, 2, True)
        keep_machine(100)
        assert count() == (2, 1, 2, 2, 2, 2, False)
        keep_house(100)
        assert count() == (1, 0, 1, 1, 1, 1, False)


def test_a_failing_chore_stops_no_other_and_undoes_none(
    app: Flask, engine: sa.Engine, request: pytest.FixtureRequest
) -> None:
    insert = "INSERT INTO workers (name, places, leases_lost) VALUES (:name, 1, 0)"

    def work(name: str) -> None:
        db.session.execute(sa.text(insert), {"name": name})

    def fail() -> None:
        work("undone")
        raise ZeroDivisionError

    chores = [lambda: work("before"), fail, lambda: work("after")]
    open_rooms([*ROOMS, Room("chores", chores=tuple(Chore(chore, every=7) for chore in chores))])
    request.addfinalizer(lambda: open_rooms(ROOMS))
    with app.app_context():
        keep_house(7)
    with engine.connect() as connection:
        names = set(connection.scalars(sa.text("SELECT name FROM workers")))
    assert names == {"before", "after"}


@pytest.fixture
def gate(tmp_path: Path, settings: Settings) -> Iterator[Gate]:
    """A gate in front of the bucket that DOCUMENT_STORAGE names."""
    with ObjectStore(tmp_path) as store, Gate(store.port) as made, pytest.MonkeyPatch.context() as patch:
        store.client().create_bucket(Bucket="house")
        patch.setenv("DOCUMENT_STORAGE", "s3://house/files")
        patch.setenv("S3_ENDPOINT_URL", made.url)
        patch.setenv("S3_REGION", REGION)
        patch.setenv("S3_ACCESS_KEY_ID", KEY_ID)
        patch.setenv("S3_SECRET_ACCESS_KEY", SECRET)
        get_settings.cache_clear()
        yield made
    get_settings.cache_clear()


def test_files_move_while_the_sweep_continues(
    app: Flask, client, gate: Gate, run_pending_jobs: Callable[[], int], engine: sa.Engine
) -> None:
    client.upload(client.make_study_set(), ("notes.txt", b"Cells divide."))
    run_pending_jobs()

    def moved() -> Any:
        with engine.connect() as connection:
            return connection.scalar(sa.text("SELECT stored_in FROM documents")) == "s3://house/files"

    gate.hold("PUT")
    with app.app_context():
        keep_machine(1)
        assert gate.arrived.wait(HANG_S)
        # A slow bucket does not delay the sweep, and there is only one mover.
        keep_machine(2)
        assert [thread.name for thread in threading.enumerate()].count("mover") == 1
        assert not moved()
        gate.release()
        wait_for("the move", moved)


def test_objects_are_deleted_even_if_nothing_can_be_moved(
    app: Flask, client, gate: Gate, run_pending_jobs: Callable[[], int], engine: sa.Engine
) -> None:
    client.upload(client.make_study_set(), ("notes.txt", b"Cells divide."))
    run_pending_jobs()
    statements = (
        "INSERT INTO discarded_objects (key, place, claimed, due_at)"
        " VALUES (gen_random_uuid(), 's3://house/files', false, now())",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
        "CREATE TRIGGER refuse BEFORE UPDATE OF moving_until ON documents FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    left = sa.text("SELECT count(*) FROM discarded_objects")

    def are_deleted() -> bool:
        with engine.connect() as connection:
            return connection.scalar(left) == 0

    try:
        with app.app_context():
            keep_machine(1)
        wait_for("the deletion", are_deleted)
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("DROP FUNCTION refuse CASCADE"))


def test_chores_wait_for_the_sweep_lock(
    app: Flask,
    client,
    engine: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
    temporary: Path,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(housekeeping, "_FORGET_EVERY", 2)
    often = [replace(room, chores=tuple(replace(chore, every=2) for chore in room.chores)) for room in ROOMS]
    open_rooms(often)
    request.addfinalizer(lambda: open_rooms(ROOMS))
    monkeypatch.setenv("SWEEP_INTERVAL_S", "0.01")
    get_settings.cache_clear()
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO workers (name, places, leases_lost, seen_at)"
                " VALUES ('old', 1, 0, now() - interval '31 days')"
            )
        )
    left = temporary / "upload-old"
    left.write_text("x")
    age(left)
    old = sa.text("SELECT count(*) FROM workers WHERE name = 'old'")
    stop = threading.Event()

    def run() -> None:
        with app.app_context():
            sweep_until(stop)

    def is_forgotten() -> bool:
        with engine.connect() as connection:
            return connection.scalar(old) == 0

    sweeping = threading.Thread(target=run, daemon=True)
    try:
        with engine.begin() as other:
            other.execute(sa.select(sa.func.pg_advisory_xact_lock(SWEEP_LOCK)))
            sweeping.start()
            # Each machine has a folder of its own, so this does not wait; two rounds of it are over.
            wait_for("a round", lambda: not left.exists())
            left.write_text("x")
            age(left)
            wait_for("a round", lambda: not left.exists())
            assert not is_forgotten()
        wait_for("the other round", is_forgotten)
    finally:
        stop.set()
        join(sweeping)
        monkeypatch.undo()
        get_settings.cache_clear()
