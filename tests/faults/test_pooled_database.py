"""The whole system behind a PgBouncer in transaction mode with three PostgreSQL connections in total."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local.postgres import GivenPostgres, LocalPostgres
from tests.faults.another_api import AnotherApi
from tests.faults.conftest import Scene, make_stack
from tests.patience import wait_for
from tests.stand_ins.openai_server import OpenAIStandIn
from tests.stand_ins.pgbouncer import PgBouncer

pytestmark = pytest.mark.faults

CONNECTIONS = 3


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """API, sweep and worker, which connect only to the pool; the test connects directly."""
    with LocalPostgres() as postgres, PgBouncer(postgres.url, size=CONNECTIONS) as pool, OpenAIStandIn() as model:
        logs = tmp_path_factory.mktemp("logs")
        given = GivenPostgres(postgres.url)
        with make_stack(model, logs, given, DATABASE_URL=pool.url, DATABASE_POOLED="true") as stack:
            stack.wait_for_worker("worker-1")
            yield Scene(stack, model)


def count_pooled(scene: Scene) -> int:
    """Return how many of PostgreSQL's connections belong to the pool."""
    # This connection is not the pool's.
    ((count,),) = scene.query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return count


def test_a_run_is_done_once_over_three_connections(pooled: Scene, tmp_path: Path) -> None:
    run = pooled.start_run(pooled.upload(tmp_path, 12), flashcards=24, questions=12)
    pooled.check_done_once(run)
    assert set(pooled.attempts(run)) == {1}
    assert 1 <= count_pooled(pooled) <= CONNECTIONS


def test_work_of_a_killed_worker_is_taken_back_through_the_pool(pooled: Scene, tmp_path: Path) -> None:
    pooled.model.forget_calls()
    pooled.model.set_script([{"do": "sleep", "on": [1], "seconds": 5}])
    run = pooled.start_run(pooled.upload(tmp_path, 1), flashcards=2, questions=1)
    pooled.wait_for_call()
    pooled.stack.kill_worker("worker-1")
    pooled.stack.start_worker("worker-1")
    pooled.check_done_once(run)
    assert max(pooled.attempts(run)) == 2


def test_no_lock_outlives_the_work(pooled: Scene) -> None:
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    wait_for("the end of all locks", lambda: pooled.query(held) == [(0,)])


def test_an_api_not_configured_for_its_pool_reports_it(pooled: Scene, tmp_path: Path) -> None:
    with AnotherApi(pooled.stack, tmp_path / "log", DATABASE_POOLED="false") as api:
        status, body = api.health()
    assert (status, body["database"]) == (503, "down")
    (line, *_) = [line for line in api.log.read_text().splitlines() if "core.database.limits_refused" in line]
    assert "DATABASE_POOLED=true" in line
