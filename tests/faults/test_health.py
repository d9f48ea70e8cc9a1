"""Health and liveness respond within a second, no matter what breaks (faults 10, 11, 15, 17 and 30)."""

import http.client
import json
import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import pytest
import redis

from config.local.postgres import LocalPostgres
from config.local.redis import LocalRedis
from tests.faults import slow_clients
from tests.faults.conftest import Scene
from tests.patience import HANG_S, Stopwatch, measure_promise, pause, rounds, wait_for

pytestmark = pytest.mark.faults

THREADS = 8
UPLOADS = 4
# The platform's timeout for a probe.
PROBE_S = 1.0
# Health caches its observations for a second.
LONGER_THAN_REMEMBERED_S = 1.5
# The limit for a request while the broker is frozen, and how long nothing is sent after a failed attempt.
FROZEN_BROKER_S = 2.0
PAUSE_S = 2.0


@pytest.fixture(scope="module")
def database_server() -> LocalPostgres:
    """A server for this module alone, which it may break."""
    return LocalPostgres()


class Answered(NamedTuple):
    status: int
    body: Any
    took_s: float


def ask(scene: Scene, path: str, method: str = "GET", body: Any = None) -> Answered:
    """Send one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", scene.stack.port, timeout=HANG_S)
    headers = {"Authorization": f"Bearer {scene.token}", "Content-Type": "application/json"}
    watch = Stopwatch()
    try:
        connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return Answered(answer.status, json.loads(answer.read() or b"null"), watch.took_s)
    finally:
        connection.close()


def check_probes(scene: Scene, status: int = 200) -> Any:
    """Ask both probes for longer than a result is cached; check that they respond in time. Returns health's body.

    This judges the median of the best of three rounds: it looks for a request that is blocked, not for a busy machine.
    """
    bodies = []

    def ask_for_a_while() -> float:
        took_s = []
        for _ in rounds(LONGER_THAN_REMEMBERED_S, pause_s=0.1):
            health, live = ask(scene, "/health"), ask(scene, "/health/live")
            took_s += [health.took_s, live.took_s]
            assert (live.status, live.body) == (200, {"status": "ok"})
            assert health.status == status, health.body
            bodies.append(health.body)
        return statistics.median(took_s)

    measure_promise("a probe", ask_for_a_while, PROBE_S)
    return bodies[-1]


def wait_for_health(scene: Scene, **parts: str) -> None:
    """Wait until health reports these parts; it caches its observations for a second."""
    wait_for(f"health {parts}", lambda: parts.items() <= ask(scene, "/health").body.items())


@pytest.fixture
def broker(scene: Scene) -> LocalRedis:
    """The scene's Redis, which this module may break."""
    assert isinstance(scene.stack.redis, LocalRedis)
    return scene.stack.redis


def test_fifty_concurrent_requests_are_answered(scene: Scene) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: ask(scene, "/health"), range(50)))
    assert {(answer.status, answer.body["status"]) for answer in answers} == {(200, "ok")}


def test_10_a_frozen_broker_delays_no_request(scene: Scene, broker: LocalRedis, tmp_path: Path) -> None:
    study_set = scene.upload(tmp_path, 1)
    scene.wait_until_read(study_set)
    runs = []

    def start_run() -> float:
        if runs:
            pause(PAUSE_S + 0.5, "nothing is sent for a while after a failure")
        started = ask(scene, f"/study-sets/{study_set}/runs", "POST", {"flashcards": 2, "questions": 1})
        assert started.status == 202
        runs.append(started.body["id"])
        return started.took_s

    def sign_in() -> float:
        answer = ask(scene, "/auth/dev-login", "POST", {"email": "student@example.org"})
        assert answer.status == 200
        return answer.took_s

    broker.freeze()
    try:
        measure_promise("starting a run", start_run, FROZEN_BROKER_S)
        measure_promise("signing in", sign_in, FROZEN_BROKER_S)
        wait_for_health(scene, status="degraded", broker="down", database="ok")
        assert check_probes(scene)["status"] == "degraded"
    finally:
        broker.thaw()
    wait_for_health(scene, status="ok", broker="ok")
    for run in runs:
        scene.check_done_once(run)


def test_11_a_full_broker_keeps_its_queue_and_runs_continue_when_there_is_room(
    scene: Scene, broker: LocalRedis, tmp_path: Path
) -> None:
    study_set, other = scene.upload(tmp_path, 1), scene.upload(tmp_path, 1)
    scene.wait_until_read(study_set)
    scene.wait_until_read(other)
    scene.stack.stop_worker("worker-1")
    log = scene.stack.logs / "api.log"
    before = log.stat().st_size
    with redis.Redis.from_url(broker.url) as server:
        try:
            queued = scene.start_run(study_set, flashcards=2, questions=1)
            wait_for("the message", lambda: server.llen("steps"))
            server.config_set("maxmemory", "1")
            messages = server.lrange("steps", 0, -1)
            unsent = ask(scene, f"/study-sets/{other}/runs", "POST", {"flashcards": 2, "questions": 1})
            assert unsent.status == 202
            wait_for_health(scene, status="degraded", broker="full", database="ok")
            assert check_probes(scene)["queued_messages"] == len(messages)
            assert server.lrange("steps", 0, -1) == messages
        finally:
            server.config_set("maxmemory", "0")
            scene.stack.start_worker("worker-1")
    new_lines = log.read_bytes()[before:].decode()
    assert "core.queue.send_failed" in new_lines
    assert "core.queue.broker_full" in new_lines
    wait_for_health(scene, status="ok", broker="ok")
    scene.check_done_once(queued)
    scene.check_done_once(unsent.body["id"])


def test_11_a_broker_that_fills_up_during_work_loses_nothing(scene: Scene, broker: LocalRedis, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "seconds": 1}])
    run = scene.start_run(scene.upload(tmp_path, 12))
    scene.wait_for_call(2)
    with redis.Redis.from_url(broker.url) as server:
        server.config_set("maxmemory", "1")
        try:
            wait_for_health(scene, status="degraded", broker="full")
            pause(3, "steps end while there is no room")
        finally:
            server.config_set("maxmemory", "0")
    wait_for_health(scene, status="ok", broker="ok")
    scene.stack.check()
    scene.check_done_once(run)


def test_15_an_api_with_a_frozen_database_is_alive_but_not_ready(scene: Scene) -> None:
    with scene.frozen_database():
        wait_for_health(scene, status="unavailable", database="down")
        assert check_probes(scene, 503)["broker"] == "ok"
    wait_for_health(scene, status="ok", database="ok")
    assert ask(scene, "/study-sets").status == 200


def test_17_requests_blocked_by_a_lock_time_out_and_delay_no_probe(scene: Scene) -> None:
    with (
        psycopg2.connect(scene.stack.postgres.url) as holder,
        ThreadPoolExecutor(THREADS * 2) as pool,
    ):
        # Every row that belongs to the account locks the account's row.
        holder.cursor().execute("SELECT 1 FROM users FOR UPDATE")
        waiting = [pool.submit(ask, scene, "/study-sets", "POST", {"title": "Locked"}) for _ in range(THREADS * 2)]
        wait_for("requests that wait for the lock", lambda: count_waiting(scene) >= THREADS)
        body = check_probes(scene)
        assert (body["status"], body["database"]) == ("ok", "ok")
        assert {(each.result().status, each.result().body["code"]) for each in waiting} == {(503, "unavailable")}
        holder.rollback()
    assert ask(scene, "/study-sets", "POST", {"title": "Free"}).status == 201
    wait_for("the end of all waiting", lambda: count_waiting(scene) == 0)


def count_waiting(scene: Scene) -> int:
    """Return how many connections wait for a lock."""
    ((count,),) = scene.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return int(count)


@pytest.fixture
def unending_run(scene: Scene, tmp_path: Path) -> Iterator[str]:
    """A run that waits for the model until the test ends."""
    scene.model.set_script([{"do": "sleep", "seconds": 60}])
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=1)
    scene.wait_for_call()
    yield run
    scene.api.post(f"/runs/{run}/cancel", {})


@pytest.mark.parametrize("sort", slow_clients.SORTS)
def test_30_slow_clients_delay_no_probe(scene: Scene, sort: str) -> None:
    with slow_clients.connected(scene.stack.port, [slow_clients.SORTS[sort]] * THREADS * 2):
        assert check_probes(scene)["status"] == "ok"
        # Other requests also succeed: a thread is assigned to a request, not to a connection.
        assert ask(scene, "/study-sets").status == 200
    assert ask(scene, "/study-sets", "POST", {"title": "Afterwards"}).status == 201


def test_30_streams_and_slow_clients_together_delay_no_probe(scene: Scene, unending_run: str) -> None:
    stream = slow_clients.stream_of(unending_run, scene.token)
    beginnings = [each for each in [*slow_clients.SORTS.values(), stream] for _ in range(THREADS * 2)]
    with slow_clients.connected(scene.stack.port, beginnings) as sockets:
        streams = sockets[-THREADS * 2 :]
        answers = [sock.recv(12) for sock in streams]
        assert answers.count(b"HTTP/1.1 200") == THREADS // 4
        assert answers.count(b"HTTP/1.1 503") == len(streams) - THREADS // 4
        assert check_probes(scene)["status"] == "ok"
        assert ask(scene, "/study-sets").status == 200
    assert ask(scene, "/study-sets", "POST", {"title": "Afterwards"}).status == 201


def test_30_uploads_continue_after_earlier_ones_stall(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "large.txt"
    file.write_text("Mitochondria make most of the energy of a cell. " * 5000)
    study_set = str(scene.api.post("/study-sets", {"title": "Notes"})["id"])
    with slow_clients.connected(scene.stack.port, [slow_clients.large_body_of(scene.api.token)] * UPLOADS) as sockets:
        # All upload threads are taken. These clients never leave by themselves; the server drops them.
        scene.api.upload(f"/study-sets/{study_set}/documents", file)
        answers = [sock.recv(12) for sock in sockets]
    assert answers == [b"HTTP/1.1 400"] * UPLOADS


def test_successful_probes_are_not_logged(scene: Scene) -> None:
    log = scene.stack.logs / "api.log"
    before = log.stat().st_size
    check_probes(scene)
    ask(scene, "/study-sets")

    def lines() -> list[str]:
        new = log.read_bytes()[before:].decode().splitlines()
        return [line for line in new if "http.request.answered" in line]

    wait_for("the request's line", lambda: any("path=/api/v1/study-sets" in line for line in lines()))
    assert not [line for line in lines() if "/health" in line]
    assert all("duration_ms=" in line for line in lines())
