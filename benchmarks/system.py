"""The real system under test: PostgreSQL, Redis, API, workers, and a language model on loopback."""

import contextlib
import json
import os
import queue
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psycopg2

from backend.settings import Settings
from config.local.client import ApiClient
from config.local.folders import CHECKOUT
from config.local.postgres import LocalPostgres
from config.local.process import LocalProcess
from config.local.redis import LocalRedis
from config.local.stack import LocalStack

CALLS_AT_ONCE = 32
MODEL_S = 1.0

_PATIENCE_S = 180.0
_POLL_S = 0.01
_SET_BY_THE_STACK = {"environment", "database_url", "redis_url", "port"}

T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T | None], poll_s: float = _POLL_S) -> T:
    """Return the first true value of the condition. Raises TimeoutError with ``what``."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(poll_s)
    raise TimeoutError(f"{what}: not within {_PATIENCE_S:.0f} s")


class ModelServer:
    """An OpenAI-compatible server in its own process. Each response takes ``MODEL_S`` seconds."""

    def __init__(self, folder: Path) -> None:
        lines: queue.Queue[str] = queue.Queue()
        self._process = LocalProcess(
            "model",
            [sys.executable, "-m", "tests.stand_ins.openai_server", "--delay", str(MODEL_S)],
            env=dict(os.environ),
            log=folder / "model.log",
            on_line=lines.put,
            folder=CHECKOUT,
        )
        self._process.start()
        self.url = lines.get(timeout=_PATIENCE_S)

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls since ``forget_calls``, in order of arrival."""
        return list(json.loads(self._ask("GET")))

    def forget_calls(self) -> None:
        self._ask("DELETE")

    def _ask(self, method: str) -> bytes:
        request = urllib.request.Request(self.url.removesuffix("/v1") + "/__calls", method=method)
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
            return bytes(answer.read())

    def close(self) -> None:
        self._process.stop()


class System:
    """The running system with one signed-in student."""

    def __init__(self, stack: LocalStack, model: ModelServer) -> None:
        self.stack = stack
        self.model = model
        self.api = ApiClient(stack.api_url)
        self.api.sign_in("student@example.org")
        self._connection = psycopg2.connect(stack.postgres.url)
        self._connection.autocommit = True

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement on the database. Cheaper than an API request, so it disturbs the measurement less."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    def upload(self, file: Path) -> str:
        """Upload a file to a new study set. Returns the study set's id."""
        study_set = str(self.api.post("/study-sets", {"title": "Notes"})["id"])
        self.api.upload(f"/study-sets/{study_set}/documents", file)
        return study_set

    def wait_until_read(self, study_sets: Sequence[str]) -> None:
        """Wait until the documents of the study sets have been read. Raises TimeoutError."""
        waiting = "SELECT 1 FROM documents WHERE study_set_id = ANY(%s::uuid[]) AND state <> 'done'"
        wait_for("reading", lambda: not self.query(waiting, list(study_sets)))

    def reading_s(self, study_set: str, since: float) -> float:
        """Return how long the worker read the study set's document, counting only time after ``since`` (Unix time)."""
        moments = "SELECT extract(epoch FROM started_at)::float, extract(epoch FROM ended_at)::float FROM documents"
        ((started, ended),) = self.query(f"{moments} WHERE study_set_id = %s", study_set)
        return float(max(0.0, ended - max(started, since)))

    def start_run(self, study_set: str, **wish: Any) -> str:
        """Start a run. Returns its id."""
        return str(self.api.post(f"/study-sets/{study_set}/runs", wish)["id"])

    def wait_until_ended(self, runs: Sequence[str], poll_s: float = _POLL_S) -> None:
        """Wait until runs have ended. Raises TimeoutError, or ValueError if a run or a section failed."""
        waiting = "SELECT 1 FROM runs WHERE id = ANY(%s::uuid[]) AND ended_at IS NULL"
        wait_for("the end of a run", lambda: not self.query(waiting, list(runs)), poll_s)
        for run in runs:
            view = self.api.get(f"/runs/{run}")
            state, failed = view["state"], view["failed_sections"]
            if state != "done" or failed:
                raise ValueError(f"a run ended as {state}, {failed} sections failed: {view['error']}")

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def running_system(folder: Path, *, workers: int = 1, sweeper: bool = True) -> Iterator[System]:
    """Start the system with throw-away data and default settings, ignoring this process's environment.

    Only the limit on runs in progress is raised, because one student starts all runs.
    """
    with contextlib.ExitStack() as ending:
        model = ModelServer(folder)
        ending.callback(model.close)
        unset = {name.upper(): None for name in Settings.model_fields if name not in _SET_BY_THE_STACK}
        stack = LocalStack(
            workers=workers,
            sweeper=sweeper,
            env={
                **unset,
                "ENVIRONMENT": "development",
                "OPENAI_API_KEY": "sk-loopback",
                "OPENAI_BASE_URL": model.url,
                "MAX_ACTIVE_RUNS_PER_USER": "100",
            },
            logs=folder / "logs",
            postgres=LocalPostgres(),
            redis=LocalRedis(),
        )
        ending.enter_context(stack)
        for number in range(workers):
            stack.wait_for_worker(f"worker-{number + 1}")
        system = System(stack, model)
        ending.callback(system.close)
        yield system
