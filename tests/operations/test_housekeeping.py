"""What is done between two sweeps."""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from backend.operations.housekeeping import forget_temporary_files, keep_house
from backend.settings import Settings, get_settings
from tests.stand_ins.object_store import KEY_ID, REGION, SECRET, Gate, ObjectStore

_PATIENCE_S = 60.0
_HOURS_AGO = 7 * 3600


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder, empty."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def age(path: Path, seconds: float = _HOURS_AGO) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment), follow_symlinks=False)


def test_what_killed_processes_left_is_deleted(temporary: Path) -> None:
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of somebody else's")
def test_files_of_others_are_left_alone(temporary: Path) -> None:
    path = temporary / "upload-theirs"
    path.write_text("x")
    os.chown(path, 65534, 65534)
    age(path)
    assert forget_temporary_files() == 0
    assert path.exists()


def test_what_is_old_is_forgotten_now_and_then(app: Flask, client, engine: sa.Engine, temporary: Path) -> None:
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
    left = temporary / "upload-old"
    left.write_text("x")
    age(left)

    def count() -> tuple[int, int, bool]:
        with engine.connect() as connection:
            workers = connection.scalar(sa.text("SELECT count(*) FROM workers"))
            answers = connection.scalar(sa.text("SELECT count(*) FROM idempotency_keys"))
        return workers, answers, left.exists()

    with app.app_context():
        keep_house(1)
        assert count() == (2, 1, True)
        keep_house(100)
        assert count() == (1, 0, False)


@pytest.fixture
def gate(tmp_path: Path, settings: Settings) -> Iterator[Gate]:
    """A bucket where files belong, behind a gate."""
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


def test_files_move_while_the_sweep_goes_on(
    app: Flask, client, gate: Gate, run_pending_jobs: Callable[[], int], engine: sa.Engine
) -> None:
    client.upload(client.make_study_set(), ("notes.txt", b"Cells divide."))
    run_pending_jobs()

    def moved() -> Any:
        with engine.connect() as connection:
            return connection.scalar(sa.text("SELECT stored_in FROM documents")) == "s3://house/files"

    gate.hold("PUT")
    with app.app_context():
        keep_house(1)
        assert gate.arrived.wait(_PATIENCE_S)
        # A slow bucket keeps nobody waiting, and has one mover only.
        keep_house(2)
        assert [thread.name for thread in threading.enumerate()].count("mover") == 1
        assert not moved()
        gate.release()
        deadline = time.monotonic() + _PATIENCE_S
        while not moved():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_objects_are_deleted_though_nothing_can_be_moved(
    app: Flask, client, gate: Gate, run_pending_jobs: Callable[[], int], engine: sa.Engine, settings: Settings
) -> None:
    client.upload(client.make_study_set(), ("notes.txt", b"Cells divide."))
    run_pending_jobs()
    with engine.begin() as connection:
        # The file is in a bucket of which the server says each time that there is none.
        connection.execute(
            sa.text("UPDATE documents SET stored_in = 's3://no-such-bucket/files', stored_key = gen_random_uuid()")
        )
        connection.execute(
            sa.text(
                "INSERT INTO discarded_objects (key, place, claimed, due_at)"
                " VALUES (gen_random_uuid(), 's3://house/files', false, now() - interval '1 day')"
            )
        )
    old = sa.text("SELECT count(*) FROM discarded_objects WHERE due_at < now() + interval '10 minutes'")
    with app.app_context():
        keep_house(1)
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with engine.connect() as connection:
                if connection.scalar(old) == 0:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.02)
