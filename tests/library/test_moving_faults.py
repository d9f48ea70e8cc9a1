"""A move that is interrupted anywhere, or races with others, loses no byte and leaves no object behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from backend.library import service as library
from backend.library.errors import FileUnavailable
from tests.blocked import wait_for_blocked
from tests.conftest import CHECKOUT
from tests.library.conftest import TEXT, Bucket
from tests.patience import HANG_S, join

COMMAND = [sys.executable, "-m", "backend.cli", "move-documents"]
DISCARDED = "SELECT count(*) FROM discarded_objects"
FILE_BYTES = 50_000_000


@pytest.fixture
def begin(app) -> Callable[[], Callable[[], int]]:
    """Start another mover; the returned function waits for its end and returns how many files it moved."""

    def start() -> Callable[[], int]:
        moved: list[int] = []

        def run() -> None:
            with app.app_context():
                moved.append(library.move_documents(1, from_anywhere=True))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def end() -> int:
            join(thread)
            return moved[0]

        return end

    return start


def let_others_begin(query: Callable[..., Any]) -> None:
    """Let a quarter of an hour pass, after which any mover may take the document."""
    query("UPDATE documents SET moving_until = now() - interval '1 second'")


def test_a_move_that_cannot_be_recorded_changes_nothing(
    client, bucket: Bucket, document, move, discard, query, engine: sa.Engine
) -> None:
    query(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;"
        "CREATE TRIGGER refuse BEFORE UPDATE OF stored_in ON documents FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    try:
        assert move() == 0
    finally:
        query("DROP FUNCTION refuse CASCADE")
    assert client.get(document["file"]).data == TEXT
    # The object of the move is recorded though no document has it, so it is deleted.
    assert len(bucket.keys()) == 1
    assert query(DISCARDED) == [(1,)]
    assert discard() == 1
    assert bucket.keys() == []
    let_others_begin(query)
    assert move() == 1
    assert client.get(document["file"]).data == TEXT


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_mover_that_is_killed_loses_nothing(
    client, bucket: Bucket, document, move, discard, query, method: str
) -> None:
    bucket.gate.hold(method)
    process = subprocess.Popen(COMMAND, cwd=CHECKOUT, env=os.environ, start_new_session=True)
    try:
        assert bucket.gate.arrived.wait(HANG_S)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        bucket.gate.release()
    assert query("SELECT stored_in FROM documents") == [("postgres",)]
    assert client.get(document["file"]).data == TEXT
    # No other mover takes the document immediately, but one does later.
    assert move() == 0
    let_others_begin(query)
    assert move() == 1
    assert client.get(document["file"]).data == TEXT
    discard()
    ((key,),) = query("SELECT stored_key::text FROM documents")
    assert bucket.keys() == [f"files/{key}"]


def test_of_two_concurrent_movers_one_wins(client, bucket: Bucket, document, move, begin, discard, query) -> None:
    bucket.gate.hold("GET")
    end = begin()
    assert bucket.gate.arrived.wait(HANG_S)
    assert move() == 0
    let_others_begin(query)
    assert move() == 1
    assert len(bucket.keys()) == 2
    bucket.gate.release()
    assert end() == 0
    assert client.get(document["file"]).data == TEXT
    assert discard() == 1
    ((key,),) = query("SELECT stored_key::text FROM documents")
    assert bucket.keys() == [f"files/{key}"]
    assert client.get(document["file"]).data == TEXT


def test_of_two_movers_to_postgres_one_wins(
    client, bucket: Bucket, document, move, move_anywhere, begin, discard, query, configure
) -> None:
    move()
    configure(DOCUMENT_STORAGE="postgres")
    bucket.gate.hold("GET")
    end = begin()
    assert bucket.gate.arrived.wait(HANG_S)
    let_others_begin(query)
    assert move_anywhere() == 1
    bucket.gate.release()
    assert end() == 0
    assert client.get(document["file"]).data == TEXT
    assert discard() == 1
    assert bucket.keys() == []


def test_many_movers_move_each_file_once(client, bucket: Bucket, begin, query, run_pending_jobs) -> None:
    contents = [f"Cell number {number} divides.".encode() for number in range(6)]
    made = client.upload(client.make_study_set(), *((f"{n}.txt", text) for n, text in enumerate(contents)))
    run_pending_jobs()
    ends = [begin() for _ in contents]
    assert sum(end() for end in ends) == len(contents)
    assert query(DISCARDED) == [(0,)]
    assert len(bucket.keys()) == len(contents)
    for document, content in zip(made.json["documents"], contents, strict=True):
        assert client.get(f"/api/v1/documents/{document['id']}/file").data == content


def test_no_document_gets_an_object_that_is_being_deleted(
    client, bucket: Bucket, document, begin, discard, query, engine: sa.Engine
) -> None:
    # The mover has made its copy and waits to record it while its object is deleted as abandoned.
    bucket.gate.hold("GET")
    end = begin()
    assert bucket.gate.arrived.wait(HANG_S)
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT 1 FROM documents FOR UPDATE"))
        bucket.gate.release()
        wait_for_blocked(engine)
        bucket.gate.hold("DELETE")
        deleting = threading.Thread(target=discard, daemon=True)
        deleting.start()
        assert bucket.gate.arrived.wait(HANG_S)
    assert end() == 0
    bucket.gate.release()
    join(deleting)
    assert bucket.keys() == []
    assert query(DISCARDED) == [(0,)]
    assert query("SELECT stored_in FROM documents") == [("postgres",)]
    assert client.get(document["file"]).data == TEXT


def test_a_document_deleted_during_its_move_leaves_no_object(
    client, bucket: Bucket, document, begin, discard, query
) -> None:
    bucket.gate.hold("GET")
    end = begin()
    assert bucket.gate.arrived.wait(HANG_S)
    assert client.delete(document["path"]).status_code == 204
    bucket.gate.release()
    assert end() == 0
    assert discard() == 1
    assert bucket.keys() == []
    assert query(DISCARDED) == [(0,)]


def test_a_move_waits_for_an_unreachable_bucket(client, bucket: Bucket, document, move) -> None:
    bucket.gate.shut()
    with pytest.raises(FileUnavailable):
        move()
    assert client.get(document["file"]).data == TEXT
    bucket.gate.reopen()
    assert move() == 1


def test_a_copy_that_differs_is_rejected(client, bucket: Bucket, document, begin, query) -> None:
    bucket.gate.hold("GET")
    end = begin()
    assert bucket.gate.arrived.wait(HANG_S)
    bucket.damage(bucket.keys()[0], TEXT[:-1] + b"?")
    bucket.gate.release()
    assert end() == 0
    assert query("SELECT stored_in FROM documents") == [("postgres",)]
    assert client.get(document["file"]).data == TEXT


def test_a_damaged_file_does_not_delay_others(client, bucket: Bucket, document, move, query, run_pending_jobs) -> None:
    client.upload(client.make_study_set(), ("other.txt", b"Plants grow."))
    run_pending_jobs()
    query("UPDATE documents SET sha256 = 'another' WHERE id = :id", id=document["id"])
    assert move() == 1
    assert query("SELECT stored_in FROM documents ORDER BY id") == [("postgres",), (bucket.place,)]


def run_command(**environment: str) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run the mover as operators do; return how it ended and its peak of memory in bytes."""
    # Measures the child of the shell, not the shell.
    script = (
        "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode;"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *COMMAND],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )
    *lines, peak = done.stdout.splitlines()
    done.stdout = "\n".join(lines)
    return done, int(peak) * 1024


def report(place: str, *, moved: int, left: int) -> str:
    """Return what the command prints."""
    return f"Files moved to {place}: {moved}. Files left to move: {left}."


def test_the_command_moves_everything_and_back(client, bucket: Bucket, document, query) -> None:
    done, _ = run_command()
    assert (done.returncode, done.stdout) == (0, report(bucket.place, moved=1, left=0)), done.stderr
    done, _ = run_command()
    assert (done.returncode, done.stdout) == (0, report(bucket.place, moved=0, left=0)), done.stderr
    done, _ = run_command(DOCUMENT_STORAGE="postgres")
    assert (done.returncode, done.stdout) == (0, report("postgres", moved=1, left=0)), done.stderr
    assert query("SELECT stored_in FROM documents") == [("postgres",)]
    assert client.get(document["file"]).data == TEXT


def test_the_command_reports_files_that_were_not_moved(client, bucket: Bucket, document) -> None:
    bucket.gate.shut()
    done, _ = run_command()
    assert (done.returncode, done.stdout) == (1, report(bucket.place, moved=0, left=1))
    assert "The bucket is unreachable or rejected our credentials." in done.stderr
    assert "Some files were not moved" in done.stderr
    assert "Traceback" not in done.stderr


def test_memory_stays_flat_while_a_large_file_moves(client, bucket: Bucket, query, run_pending_jobs) -> None:
    client.upload(client.make_study_set(), ("small.txt", b"Cells divide."))
    run_pending_jobs()
    peaks = {"small": run_command()[1], "small back": run_command(DOCUMENT_STORAGE="postgres")[1]}
    query("DELETE FROM documents")
    large = (b"Cells divide. " * 80_000)[: FILE_BYTES // 50] * 50
    client.upload(client.make_study_set(), ("large.txt", large))
    query("UPDATE documents SET state = 'failed', error_code = 'damaged'")
    for way, place in (("large", bucket.place), ("large back", "postgres")):
        done, peaks[way] = run_command(DOCUMENT_STORAGE=place)
        assert (done.returncode, done.stdout) == (0, report(place, moved=1, left=0)), done.stderr
    assert query("SELECT sum(length(data)) FROM stored_pieces") == [(FILE_BYTES,)]
    assert peaks["large"] - peaks["small"] < 16_000_000
    assert peaks["large back"] - peaks["small back"] < 16_000_000
