"""The real system, broken on purpose: PostgreSQL, Redis, API, workers and sweep as processes, and a model on loopback.

Leases and pauses are short to keep the tests short; the results do not depend on their length.
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

# Explains the failed assertions of a module that tests share.
pytest.register_assert_rewrite("tests.faults.shop")

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
    # One student here sends as many requests as many users do elsewhere, and polls twenty times a second.
    "RATE_LIMIT_READ": "100000/minute",
    "RATE_LIMIT_WRITE": "100000/minute",
    "MAX_ACTIVE_RUNS_PER_USER": "100",
}


class Scene(Work):
    """A running system with one student, with ways to break it and inspect what is left."""

    model: OpenAIStandIn

    def __init__(self, stack: LocalStack, model: OpenAIStandIn) -> None:
        api = ApiClient(stack.api_url)
        api.sign_in("student@example.org")
        super().__init__(api, stack.postgres.url, model)
        self.stack = stack
        self.token = str(self.api.post("/auth/dev-login", {"email": "student@example.org"})["access_token"])

    def busy_child(self, pool: Callable[[], list[int]] | None = None) -> psutil.Process:
        """Wait for a process of a pool (default: worker-1's) that is waiting for the model, and return it."""
        list_pids = pool or (lambda: self.stack.pool_pids("worker-1"))
        port = int(self.model.url.rsplit(":", 1)[1].split("/")[0])

        def find() -> psutil.Process | None:
            waiting = {call.get("client_port") for call in self.model.calls if "at_out" not in call}
            for pid in list_pids():
                # A pool process may end between being listed and being inspected.
                with contextlib.suppress(psutil.NoSuchProcess):
                    process = psutil.Process(pid)
                    for connection in process.net_connections():
                        if connection.raddr and connection.raddr.port == port and connection.laddr.port in waiting:
                            return process
            return None

        return wait_for("a busy pool process", find)

    @contextlib.contextmanager
    def frozen_database(self) -> Iterator[None]:
        """Freeze PostgreSQL: it accepts connections but answers none of them."""
        assert isinstance(self.stack.postgres, LocalPostgres)
        server = psutil.Process(self.stack.postgres.pid)
        with contextlib.ExitStack() as frozen:
            # The main process first, so that it starts no more processes.
            for list_processes in (lambda: [server], lambda: server.children(recursive=True)):
                for process in list_processes():
                    with contextlib.suppress(psutil.NoSuchProcess):
                        frozen.callback(freeze(process))
            yield


class Migrated(GivenPostgres):
    """A new migrated database on the server that the whole test run shares, which no test may break."""


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
    """Return a stack, not started, whose worker calls the model on loopback. ``changes`` override its environment."""
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
    """The server of a module's database. A module that breaks the server overrides this with its own."""
    return Migrated(new_database())


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, database_server: PostgresServer) -> Iterator[Scene]:
    """The system that a module's tests share; each test leaves it running."""
    logs = tmp_path_factory.mktemp("logs")
    with OpenAIStandIn() as model, make_stack(model, logs, database_server) as stack:
        stack.wait_for_worker("worker-1")
        yield Scene(stack, model)


@pytest.fixture
def scene(standing: Scene) -> Scene:
    """The system, with a well-behaved model that has forgotten earlier calls."""
    standing.model.set_script([])
    standing.model.forget_calls()
    return standing
