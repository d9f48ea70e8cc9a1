"""Transactions lock rows in one order (docs/architecture.md), so that no two of them wait for each other.

Each test stops a transaction after its first lock, starts to delete the study set, and resumes the transaction when the
deletion is waiting. With the locks in another order, this always causes a deadlock.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.core.database.database import db
from backend.core.work.jobs import Job
from backend.core.work.queue import queue
from backend.core.work.sweep import sweep
from tests.conftest import Client
from tests.generation.conftest import notes
from tests.patience import HANG_S, wait_for

_DEADLOCK = "40P01"


class Stepped:
    """Stops a thread after its first statement that matches a pattern, until it may continue."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._holds: dict[str, str] = {}
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.deadlocks: list[str] = []
        sa.event.listen(engine, "after_cursor_execute", self._after)
        sa.event.listen(engine, "handle_error", self._note)

    def close(self) -> None:
        self.go_on.set()
        sa.event.remove(self._engine, "after_cursor_execute", self._after)
        sa.event.remove(self._engine, "handle_error", self._note)

    def hold(self, thread: str, pattern: str) -> None:
        self._holds[thread] = pattern

    def _after(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        name = threading.current_thread().name
        pattern = self._holds.get(name)
        if pattern is not None and re.search(pattern, " ".join(statement.split())):
            del self._holds[name]
            self.reached.set()
            assert self.go_on.wait(HANG_S)

    def _note(self, context: Any) -> None:
        if getattr(context.original_exception, "pgcode", None) == _DEADLOCK:
            self.deadlocks.append(str(context.original_exception))


@pytest.fixture
def stepped(app: APIFlask) -> Iterator[Stepped]:
    with app.app_context():
        engine = db.engine
    steps = Stepped(engine)
    yield steps
    steps.close()


@contextmanager
def in_thread(name: str, action: Callable[[], Any]) -> Iterator[list[Any]]:
    """Run the action in a thread with this name; the list has its result or error after the block."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(action())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run, name=name)
    thread.start()
    try:
        yield results
    finally:
        thread.join(HANG_S)
        assert not thread.is_alive()


class Meeting:
    """A study set with notes, and the actions that run while it is being deleted."""

    def __init__(self, app: APIFlask, client: Client, engine: sa.Engine) -> None:
        self.app, self.client, self.engine = app, client, engine
        self.study_set = client.make_study_set()
        answer = client.upload(self.study_set, ("notes.txt", notes(2)))
        self.document = answer.json["documents"][0]["id"]

    def query(self, statement: str) -> list[Any]:
        with self.engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return list(result.all()) if result.returns_rows else []

    def sign_in_again(self) -> Client:
        """Return another client of the same user, because a client belongs to one thread."""
        client = self.app.test_client()
        client.token = self.client.token
        return client

    def start_run(self) -> None:
        answer = self.sign_in_again().post(f"/api/v1/study-sets/{self.study_set}/runs", json={})
        assert answer.status_code in (202, 404), answer.text

    def work(self, table: str) -> None:
        """Work on the next row of a table, as a worker does."""
        row = self.query(f"SELECT id FROM {table} WHERE state = 'queued' ORDER BY created_at, id LIMIT 1")[0][0]
        task = next(model.task for model in Job.__subclasses__() if model.__tablename__ == table)
        with self.app.app_context():
            queue.tasks[task].run(str(row))

    def is_anybody_waiting(self) -> bool:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(self.query(waiting))


@pytest.fixture
def meeting(app: APIFlask, client: Client, engine: sa.Engine) -> Meeting:
    return Meeting(app, client, engine)


def read(meeting: Meeting) -> Callable[[], Any]:
    meeting.start_run()
    return lambda: meeting.work("documents")


def fail_to_read(meeting: Meeting) -> Callable[[], Any]:
    meeting.query("UPDATE stored_pieces SET data = '\\x00'")
    meeting.query("UPDATE documents SET failures = 9")
    return read(meeting)


def plan(meeting: Meeting) -> Callable[[], Any]:
    meeting.start_run()
    meeting.work("documents")
    return lambda: meeting.work("steps")


def write_section(meeting: Meeting) -> Callable[[], Any]:
    plan(meeting)()
    return lambda: meeting.work("steps")


def sweep_document(meeting: Meeting) -> Callable[[], Any]:
    meeting.start_run()
    meeting.query(
        "UPDATE documents SET state = 'running', failures = 9, lease_until = now() - interval '1 hour', worker = 'gone'"
    )

    def act() -> None:
        with meeting.app.app_context():
            sweep()

    return act


def start_run(meeting: Meeting) -> Callable[[], Any]:
    meeting.work("documents")
    return meeting.start_run


def delete_document(meeting: Meeting) -> Callable[[], Any]:
    write_section(meeting)()
    meeting.query("UPDATE runs SET state = 'done', error_code = NULL, ended_at = now()")
    client = meeting.sign_in_again()
    return lambda: client.delete(f"/api/v1/documents/{meeting.document}").status_code


def change_card(meeting: Meeting) -> Callable[[], Any]:
    made = meeting.client.post(
        f"/api/v1/study-sets/{meeting.study_set}/flashcards", json={"front": "What divides?", "back": "A cell."}
    )
    topic = "0190aaaa-0000-7000-8000-00000000000a"
    meeting.query(
        f"INSERT INTO topics (id, study_set_id, name, name_key, summary) "
        f"VALUES ('{topic}', '{meeting.study_set}', 'Cells', 'cells', '')"
    )
    client = meeting.sign_in_again()
    return lambda: client.patch(f"/api/v1/flashcards/{made.json['id']}", json={"topic_id": topic}).status_code


# The end of work on a row. A claim also writes the attempt, but in its own transaction.
_ENDED = r"^UPDATE {} SET state=(?!.* attempt=)"


@pytest.mark.parametrize(
    ("prepare", "held_after"),
    [
        (read, _ENDED.format("documents")),
        (fail_to_read, _ENDED.format("documents")),
        (sweep_document, _ENDED.format("documents")),
        (plan, _ENDED.format("steps")),
        (write_section, _ENDED.format("steps")),
        (start_run, "FROM documents WHERE documents.study_set_id = .* FOR SHARE"),
        (delete_document, "FROM documents WHERE documents.id = .* FOR UPDATE"),
        (change_card, "FROM flashcards WHERE flashcards.id = .* FOR UPDATE"),
    ],
)
def test_nothing_locks_against_the_deletion_of_a_study_set(
    meeting: Meeting, stepped: Stepped, prepare: Callable[[Meeting], Callable[[], Any]], held_after: str
) -> None:
    action = prepare(meeting)
    deleting = meeting.sign_in_again()
    stepped.hold("action", held_after)
    with in_thread("action", action) as done:
        wait_for("the first transaction", stepped.reached.is_set)
        with in_thread("delete", lambda: deleting.delete(f"/api/v1/study-sets/{meeting.study_set}")) as deleted:
            wait_for("the deletion to wait", lambda: bool(deleted) or meeting.is_anybody_waiting())
            stepped.go_on.set()
    assert stepped.deadlocks == []
    assert not isinstance(done[0], BaseException), done[0]
    assert deleted[0].status_code == 204
    assert meeting.query("SELECT 1 FROM documents UNION ALL SELECT 1 FROM runs UNION ALL SELECT 1 FROM steps") == []
