"""The real system, hurt on purpose: PostgreSQL, Redis, API, workers and sweep as processes, a model on loopback.

Leases and pauses are short so that the tests are; what must hold does not depend on how long they are.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from config.local.client import ApiClient
from config.local.postgres import LocalPostgres, PostgresServer
from config.local.redis import LocalRedis
from config.local.stack import LocalStack
from tests.faults.work import Work, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

__all__ = ["ENVIRONMENT", "Scene", "make_stack", "wait_for"]

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
