"""The real system, hurt on purpose: PostgreSQL, Redis, API, workers and sweep as processes, a model on loopback.

Leases and pauses are short so that the tests are; what must hold does not depend on how long they are.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.local.client import ApiClient
from config.local.postgres import GivenPostgres, LocalPostgres, PostgresServer
from config.local.redis import LocalRedis, RedisServer
from config.local.stack import LocalStack
from tests.faults.work import Work, freeze
from tests.patience import patient_s, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

ENVIRONMENT = {
    "ENVIRONMENT": "development",
    "OPENAI_API_KEY": "sk-test-0123456789",
    "OPENAI_TIMEOUT_S": str(patient_s(40)),
    "SECTION_CHARS": "1500",
    "CELERY_CONCURRENCY": "4",
    "GUNICORN_WORKERS": "1",
    "LEASE_S": str(patient_s(3)),
    "SWEEP_INTERVAL_S": "0.5",
    "RESEND_AFTER_S": str(patient_s(3)),
    "STEPS_IN_FLIGHT_PER_RUN": "32",
    "LOG_LEVEL": "INFO",
    # One student does here what many do elsewhere, and asks twenty times a second how it goes.
    "RATE_LIMIT_READ": "100000/minute",
    "RATE_LIMIT_WRITE": "100000/minute",
    "MAX_ACTIVE_RUNS_PER_USER": "100",
}


class Scene(Work):
    """A running system with one student, and ways to hurt it and to look at what is left."""

    model: OpenAIStandIn

    def __init__(self, stack: LocalStack, model: OpenAIStandIn) -> None:
        api = ApiClient(stack.api_url)
        api.sign_in("student@example.org")
        super().__init__(api, stack.postgres.url, model)
        self.stack = stack
        self.token = str(self.api.post("/auth/dev-login", {"email": "student@example.org"})["access_token"])

    def busy_child(self, pool: Callable[[], list[int]] | None = None) -> psutil.Process:
        """Return a process of a pool, else of worker-1's, that is waiting for the model, once there is one."""
        list_pids = pool or (lambda: self.stack.pool_pids("worker-1"))
        port = int(self.model.url.rsplit(":", 1)[1].split("/")[0])

        def find() -> psutil.Process | None:
            waiting = {call.get("client_port") for call in self.model.calls if "at_out" not in call}
            for pid in list_pids():
                # A process of the pool may end between being listed and being looked at.
                with contextlib.suppress(psutil.NoSuchProcess):
                    process = psutil.Process(pid)
                    for connection in process.net_connections():
                        if connection.raddr and connection.raddr.port == port and connection.laddr.port in waiting:
                            return process
            return None

        return wait_for("a busy pool process", find)

    @contextlib.contextmanager
    def frozen_database(self) -> Iterator[None]:
        """Stop PostgreSQL in its tracks: it takes connections, and answers none of them."""
        assert isinstance(self.stack.postgres, LocalPostgres)
        server = psutil.Process(self.stack.postgres.pid)
        with contextlib.ExitStack() as frozen:
            # The server itself first, so that it makes no further processes.
            for list_processes in (lambda: [server], lambda: server.children(recursive=True)):
                for process in list_processes():
                    with contextlib.suppress(psutil.NoSuchProcess):
                        frozen.callback(freeze(process))
            yield


class Migrated(GivenPostgres):
    """A new database with the newest schema on the server that the whole run shares, which nobody may hurt."""


def make_stack(
    model: OpenAIStandIn,
    logs: Any,
    postgres: PostgresServer,
    *,
    workers: int = 1,
    sweeper: bool = True,
    redis: RedisServer | None = None,
    code: Mapping[str, Path] | None = None,
    **changes: str,
) -> LocalStack:
    """Return a stack, not started, whose worker asks the model on loopback; ``changes`` are to its environment."""
    return LocalStack(
        workers=workers,
        sweeper=sweeper,
        migrate=not isinstance(postgres, Migrated),
        env={**ENVIRONMENT, "OPENAI_BASE_URL": model.url, **changes},
        logs=logs,
        postgres=postgres,
        redis=redis or LocalRedis(),
        code=code,
    )


@pytest.fixture(scope="module")
def database_server(new_database: Callable[[], str]) -> PostgresServer:
    """Where a module's system has its database. A module that hurts the server has one of its own instead."""
    return Migrated(new_database())


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, database_server: PostgresServer) -> Iterator[Scene]:
    """The system that the tests of a module share; each leaves it running."""
    logs = tmp_path_factory.mktemp("logs")
    with OpenAIStandIn() as model, make_stack(model, logs, database_server) as stack:
        stack.wait_for_worker("worker-1")
        yield Scene(stack, model)


@pytest.fixture
def scene(standing: Scene) -> Scene:
    """The system, its model well-behaved and without memory."""
    standing.model.set_script([])
    standing.model.forget_calls()
    return standing
