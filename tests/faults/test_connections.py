"""A worker's container opens no more connections to PostgreSQL than docs/operations.md says, however busy it is."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from backend.core.database.database import CALLING_POOL, COMPUTING_POOL, UPKEEP_POOL
from tests.faults.conftest import Migrated, Scene, make_stack
from tests.faults.container_process import ContainerProcess
from tests.patience import HANG_S, join, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.faults

MAX_CONNECTIONS = 12
CHILDREN = 2
NAME = "worker-container"
# What the programs of a container need besides those of a worker that ContainerProcess sets.
SHARED = ("REDIS_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_TIMEOUT_S", "SECTION_CHARS", "LEASE_S")
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"
UNFINISHED = f"{COUNT} AND state LIKE 'idle in transaction%%'"
LEASES = "SELECT id, lease_until FROM steps WHERE state = 'running'"


@pytest.fixture
def scene(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[Scene]:
    """A system without worker and sweep."""
    database = Migrated(new_database())
    with (
        OpenAIStandIn() as model,
        make_stack(model, tmp_path / "logs", database, workers=0, sweeper=False) as stack,
    ):
        yield Scene(stack, model)


@pytest.fixture
def container(scene: Scene, tmp_path: Path) -> Iterator[ContainerProcess]:
    """All programs of a worker's container, whose connections have a name."""
    changes = {name: scene.stack.env[name] for name in SHARED}
    with ContainerProcess(
        "worker",
        tmp_path / "container",
        DATABASE_URL=f"{scene.database_url}?application_name={NAME}",
        CELERY_CONCURRENCY=str(CHILDREN),
        # The watchdog and its sweep are as busy as they can be.
        SWEEP_INTERVAL_S="0.05",
        WATCHDOG_INTERVAL_S="0.05",
        **changes,
    ) as running:
        yield running


@contextmanager
def counted(database_url: str) -> Iterator[list[int]]:
    """Count the container's connections again and again while the block runs."""
    counts: list[int] = []
    over = threading.Event()

    def count() -> None:
        with closing(psycopg2.connect(database_url)) as connection:
            while not over.wait(0.01):
                with connection, connection.cursor() as cursor:
                    cursor.execute(COUNT, (NAME,))
                    counts.append(cursor.fetchone()[0])

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield counts
    finally:
        over.set()
        join(thread)


def test_the_pools_and_leases_of_a_container_add_up() -> None:
    computing, calling = CHILDREN * (sum(COMPUTING_POOL) + 1), sum(CALLING_POOL) + 1
    assert computing + calling + sum(UPKEEP_POOL) == MAX_CONNECTIONS


def test_a_busy_worker_container_opens_few_connections(
    scene: Scene, container: ContainerProcess, tmp_path: Path
) -> None:
    scene.model.set_script([{"do": "hold", "on": list(range(1, CHILDREN + 1))}])
    with counted(scene.database_url) as counts:
        run = scene.start_run(scene.upload(tmp_path, 12), flashcards=24, questions=12)
        scene.wait_for_call(CHILDREN)
        held = dict(scene.query(LEASES))
        # Calls that wait keep their leases, and no transaction.
        wait_for(
            "renewals",
            lambda: sum(until > held[step] for step, until in scene.query(LEASES) if step in held) >= CHILDREN,
        )
        wait_for("no transaction that waits", lambda: scene.query(UNFINISHED, NAME) == [(0,)])
        scene.model.release()
        scene.upload(tmp_path, 12)
        scene.check_done_once(run)
    assert set(scene.attempts(run)) == {1}
    # The children's sessions, their leases, and the sweep.
    assert max(counts) > 2 * CHILDREN
    assert max(counts) <= MAX_CONNECTIONS
    container.process.ask_to_stop()
    assert container.process.wait(HANG_S) == 0
    wait_for("the end of all connections", lambda: scene.query(COUNT, NAME) == [(0,)])
