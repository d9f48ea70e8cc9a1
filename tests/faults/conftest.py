"""The real system, hurt on purpose: PostgreSQL, Redis, API, workers and sweep as processes, a model on loopback.

Leases and pauses are short so that the tests are; what must hold does not depend on how long they are.
"""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import psycopg2
import pytest

from config.local.client import ApiClient
from config.local.postgres import LocalPostgres, PostgresServer
from config.local.redis import LocalRedis
from config.local.stack import LocalStack
from tests.generation.conftest import notes
from tests.stand_ins.openai_server import OpenAIStandIn

ENVIRONMENT = {
    "ENVIRONMENT": "development",
    "OPENAI_API_KEY": "sk-test-0123456789",
    "OPENAI_TIMEOUT_S": "40",
    "SECTION_CHARS": "1500",
    "CELERY_CONCURRENCY": "4",
    "GUNICORN_WORKERS": "1",
    "LEASE_S": "3",
    "SWEEP_INTERVAL_S": "0.5",
    "RESEND_AFTER_S": "3",
    "STEPS_IN_FLIGHT_PER_RUN": "32",
    "LOG_LEVEL": "INFO",
}

# Far above what is needed: it ends a test that hangs, and says nothing about speed.
_PATIENCE_S = 90.0


def wait_for(what: str, condition: Callable[[], Any], patience_s: float = _PATIENCE_S) -> Any:
    """Return the first true value of ``condition``; fail, naming ``what``, when it does not come."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    pytest.fail(f"{what}: not within {patience_s:.0f} s")


class Scene:
    """A running system with one student, and ways to hurt it and to look at what is left."""

    def __init__(self, stack: LocalStack, model: OpenAIStandIn) -> None:
        self.stack = stack
        self.model = model
        self.api = ApiClient(stack.api_url)
        self.api.sign_in("student@example.org")
        self.token = str(self.api.post("/auth/dev-login", {"email": "student@example.org"})["access_token"])

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement on the database, past the app."""
        with psycopg2.connect(self.stack.postgres.url) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def upload(self, tmp: Any, pages: int) -> str:
        """Make a study set with notes of so many pages; return its id."""
        study_set = str(self.api.post("/study-sets", {"title": "Notes"})["id"])
        file = tmp / f"notes-{os.urandom(4).hex()}.txt"
        file.write_bytes(notes(pages))
        self.api.upload(f"/study-sets/{study_set}/documents", file)
        return study_set

    def start_run(self, study_set: str, **wish: Any) -> str:
        """Start a run; return its id."""
        return str(self.api.post(f"/study-sets/{study_set}/runs", wish)["id"])

    def wait_until_read(self, study_set: str) -> None:
        """Wait until the study set's documents have been read."""
        path = f"/study-sets/{study_set}/documents"
        wait_for("reading", lambda: all(d["status"] == "ready" for d in self.api.items(path)))

    def wait_for_call(self, count: int = 1) -> None:
        """Wait until the model has been asked so often since its script was set."""
        wait_for("a model call", lambda: len(self.model.calls) >= count)

    def wait_until_ended(self, run: str) -> Any:
        """Wait for the end of a run; return it."""

        def ended() -> Any:
            view = self.api.get(f"/runs/{run}")
            return view if view["state"] in ("done", "failed", "cancelled") else None

        return wait_for("the end of the run", ended)

    def check_done_once(self, run: str) -> Any:
        """Wait for the run's end, and check that every step was recorded by exactly one attempt, and its call."""
        view = self.wait_until_ended(run)
        assert (view["state"], view["failed_sections"]) == ("done", 0), view
        paid = self.query(
            "SELECT s.id, count(c.id) FROM steps s LEFT JOIN model_calls c "
            "ON c.step_id = s.id AND c.outcome = 'ok' AND c.attempt = s.attempt "
            "WHERE s.run_id = %s AND s.state = 'done' AND s.kind <> 'plan' GROUP BY s.id",
            run,
        )
        assert paid
        assert {count for _, count in paid} == {1}
        ((cards,),) = self.query("SELECT count(*) FROM flashcards WHERE run_id = %s", run)
        ((questions,),) = self.query("SELECT count(*) FROM questions WHERE run_id = %s", run)
        assert {"flashcards": cards, "questions": questions} == view["delivered"]
        ((events, last),) = self.query("SELECT count(*), max(number) FROM run_events WHERE run_id = %s", run)
        assert events == last
        ((ends,),) = self.query("SELECT count(*) FROM run_events WHERE run_id = %s AND kind = 'run.done'", run)
        assert ends == 1
        return view

    def attempts(self, run: str) -> list[int]:
        """Return how often each section of a run was claimed."""
        return [n for (n,) in self.query("SELECT attempt FROM steps WHERE run_id = %s AND kind = 'section'", run)]

    def busy_child(self, worker: str = "worker-1") -> psutil.Process:
        """Return a process of the pool that is waiting for the model, once there is one."""
        port = int(self.model.url.rsplit(":", 1)[1].split("/")[0])

        def find() -> psutil.Process | None:
            waiting = {call.get("client_port") for call in self.model.calls if "at_out" not in call}
            for pid in self.stack.pool_pids(worker):
                process = psutil.Process(pid)
                for connection in process.net_connections():
                    if connection.raddr and connection.raddr.port == port and connection.laddr.port in waiting:
                        return process
            return None

        return wait_for("a busy pool process", find)


def make_stack(
    model: OpenAIStandIn, logs: Any, postgres: PostgresServer | None = None, *, workers: int = 1, **changes: str
) -> LocalStack:
    """Return a stack, not started, whose worker asks the model on loopback; ``changes`` are to its environment."""
    environment = {**ENVIRONMENT, "OPENAI_BASE_URL": model.url, **changes}
    return LocalStack(
        workers=workers, env=environment, logs=logs, postgres=postgres or LocalPostgres(), redis=LocalRedis()
    )


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The system that the tests of a module share; each leaves it running."""
    with OpenAIStandIn() as model, make_stack(model, tmp_path_factory.mktemp("logs")) as stack:
        stack.wait_for_worker("worker-1")
        yield Scene(stack, model)


@pytest.fixture
def scene(standing: Scene) -> Scene:
    """The system, its model well-behaved and without memory."""
    standing.model.set_script([])
    standing.model.forget_calls()
    return standing
