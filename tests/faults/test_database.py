"""PostgreSQL restarts, and connections are cut right after COMMIT (faults 15 and 16)."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.local.postgres import GivenPostgres, LocalPostgres
from tests.faults.conftest import Scene, make_stack
from tests.patience import HANG_S, wait_for
from tests.stand_ins.cutting_proxy import CuttingProxy
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def database_server() -> LocalPostgres:
    """A server for this module alone, which it may break."""
    return LocalPostgres()


def request(scene: Scene, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, Any]:
    """Send a request. Returns status, content type and JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", scene.stack.port, timeout=HANG_S)
    sent = {"Authorization": f"Bearer {scene.token}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), json.loads(answer.read() or b"null")
    finally:
        connection.close()


def test_15_requests_get_a_problem_while_the_database_is_unreachable_and_then_recover(scene: Scene) -> None:
    postgres = scene.stack.postgres
    assert isinstance(postgres, LocalPostgres)
    postgres.stop()
    try:
        status, kind, body = request(scene, "GET", "/study-sets")
        assert (status, kind, body["code"]) == (503, "application/problem+json", "unavailable")
        # Health caches its observations for a second.
        wait_for("what health says", lambda: request(scene, "GET", "/health")[2]["database"] == "down")
        status, _, body = request(scene, "GET", "/health")
        assert (status, body["status"], body["database"]) == (503, "unavailable", "down")
    finally:
        postgres.start()
    wait_for("recovery", lambda: request(scene, "GET", "/study-sets")[0] == 200)


def test_15_a_step_survives_a_database_that_restarts_under_it(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1, 2], "seconds": 3}])
    run = scene.start_run(scene.upload(tmp_path, 2), flashcards=4, questions=2)
    scene.wait_for_call(2)
    scene.stack.postgres.restart()
    wait_for("recovery", lambda: request(scene, "GET", "/health")[0] == 200)
    scene.check_done_once(run)
    scene.stack.check()


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scene, CuttingProxy]]:
    """A system that connects to its database through a proxy that cuts connections."""
    with LocalPostgres() as postgres, CuttingProxy(postgres.url) as proxy, OpenAIStandIn() as model:
        logs = tmp_path_factory.mktemp("logs")
        with make_stack(model, logs, GivenPostgres(postgres.url), DATABASE_URL=proxy.url) as stack:
            stack.wait_for_worker("worker-1")
            yield Scene(stack, model), proxy


def test_16_a_request_cut_after_its_commit_is_repeated_without_a_second_effect(
    cut_off: tuple[Scene, CuttingProxy],
) -> None:
    scene, proxy = cut_off
    cuts = proxy.cuts
    proxy.arm("INSERT INTO study_sets")
    key = {"Idempotency_Key": "cut-after-commit"}
    status, _, body = request(scene, "POST", "/study-sets", {"title": "Once"}, **key)
    assert (status, body["code"]) == (503, "unavailable")
    assert proxy.cuts == cuts + 1
    status, _, body = request(scene, "POST", "/study-sets", {"title": "Once"}, **key)
    assert status == 201
    made = scene.query("SELECT id::text FROM study_sets WHERE title = 'Once'")
    assert made == [(body["id"],)]


@pytest.mark.parametrize("statement", ["INSERT INTO flashcards", "INSERT INTO pages", "UPDATE steps SET state"])
def test_16_work_cut_after_its_commit_is_not_done_twice(
    cut_off: tuple[Scene, CuttingProxy], tmp_path: Path, statement: str
) -> None:
    scene, proxy = cut_off
    scene.model.set_script([])
    scene.model.forget_calls()
    cuts = proxy.cuts
    proxy.arm(statement)
    run = scene.start_run(scene.upload(tmp_path, 2), flashcards=4, questions=2)
    scene.check_done_once(run)
    assert proxy.cuts == cuts + 1
