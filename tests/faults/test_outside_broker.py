"""An external broker over TLS, like managed Valkey, shared by two APIs and two workers."""

import http.client
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography import x509

from config.local.client import ApiClient
from config.local.folders import CHECKOUT
from config.local.postgres import PostgresServer
from config.local.process import LocalProcess
from tests.faults.another_api import AnotherApi
from tests.faults.conftest import Scene, make_stack
from tests.patience import HANG_S, join, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn
from tests.stand_ins.tls_redis import Authority, TlsRedis

pytestmark = pytest.mark.faults

ENDED = ("done", "failed", "cancelled")


@dataclass
class Outside:
    """The system, its second API and its broker. ``clients`` are the same student at each API."""

    scene: Scene
    second: AnotherApi
    broker: TlsRedis
    logs: Path

    def __post_init__(self) -> None:
        """Sign the student in at the second API too."""
        self.ports = (self.scene.stack.port, self.second.port)
        other = ApiClient(self.second.api_url)
        other.sign_in("student@example.org")
        self.clients = (self.scene.api, other)

    def read_logs(self) -> str:
        """Return the output of all processes."""
        return "\n".join(file.read_text() for file in sorted(self.logs.glob("*.log")))


@pytest.fixture(scope="module")
def standing_outside(tmp_path_factory: pytest.TempPathFactory, database_server: PostgresServer) -> Iterator[Outside]:
    """Two APIs, a sweep and two workers on a broker that uses TLS."""
    logs = tmp_path_factory.mktemp("logs")
    broker = TlsRedis(Authority(tmp_path_factory.mktemp("authority")))
    with (
        OpenAIStandIn() as model,
        make_stack(model, logs, database_server, redis=broker, workers=2, LOG_LEVEL="DEBUG") as stack,
    ):
        stack.wait_for_worker("worker-1")
        stack.wait_for_worker("worker-2")
        with AnotherApi(stack, logs / "second-api.log") as second:
            yield Outside(Scene(stack, model), second, broker, logs)


@pytest.fixture
def outside(standing_outside: Outside) -> Outside:
    """The system, with a well-behaved model that has forgotten earlier calls."""
    standing_outside.scene.model.set_script([])
    standing_outside.scene.model.forget_calls()
    return standing_outside


def follow(outside: Outside, api: int, run: str, found: list[tuple[str, str]]) -> threading.Thread:
    """Collect a run's events from one API until its stream ends the run. Returns the thread."""

    def read() -> None:
        last = "0"
        while ("end", "") not in found:
            connection = http.client.HTTPConnection("127.0.0.1", outside.ports[api], timeout=HANG_S)
            headers = {"Authorization": f"Bearer {outside.scene.token}", "Last-Event-ID": last}
            headers["Accept"] = "text/event-stream"
            connection.request("GET", f"/api/v1/runs/{run}/events", headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200
            for raw in answer:
                line = raw.decode().rstrip("\n")
                if line.startswith("id: "):
                    last = line.removeprefix("id: ")
                elif line.startswith("data: ") and line != "data: {}":
                    found.append((last, line.removeprefix("data: ")))
                elif line == "event: end":
                    found.append(("end", ""))
            connection.close()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def test_the_broker_accepts_tls_only_and_its_queue_is_counted(outside: Outside) -> None:
    plain = outside.broker.url_trusting(None).replace("rediss://", "redis://")
    with redis.Redis.from_url(plain, socket_timeout=5) as client, pytest.raises(redis.RedisError):
        client.ping()
    for api in outside.clients:
        health = api.get("/health")
        assert (health["status"], health["broker"]) == ("ok", "ok")
        assert health["queued_messages"] is not None


def test_a_run_is_worked_on_by_both_workers_and_followed_at_both_apis(outside: Outside, tmp_path: Path) -> None:
    scene = outside.scene
    study_set = scene.upload(tmp_path, 12)
    scene.wait_until_read(study_set)
    scene.model.set_script([{"do": "sleep", "seconds": 2}])
    run = scene.start_run(study_set, flashcards=24, questions=12)
    seen: tuple[list[tuple[str, str]], ...] = ([], [])
    threads = [follow(outside, api, run, found) for api, found in enumerate(seen)]
    working = "SELECT count(DISTINCT worker) FROM steps WHERE run_id = %s AND state = 'running'"
    wait_for("work at both workers", lambda: scene.query(working, run) == [(2,)])
    scene.check_done_once(run)
    for thread in threads:
        join(thread)
    assert seen[0] == seen[1]
    assert seen[0][-1] == ("end", "")
    views = [client.get(f"/runs/{run}") for client in outside.clients]
    assert views[0] == views[1]
    events = [client.get(f"/runs/{run}/events", after="0") for client in outside.clients]
    assert events[0] == events[1]
    assert [str(event["number"]) for event in events[0]["items"]] == [number for number, _ in seen[0][:-1]]


def test_a_run_started_at_one_api_is_cancelled_at_the_other(outside: Outside, tmp_path: Path) -> None:
    first, second = outside.clients
    study_set = outside.scene.upload(tmp_path, 12)
    outside.scene.wait_until_read(study_set)
    outside.scene.model.set_script([{"do": "sleep", "seconds": 3}])
    run = outside.scene.start_run(study_set, flashcards=24, questions=12)
    seen: list[tuple[str, str]] = []
    thread = follow(outside, 0, run, seen)
    outside.scene.wait_for_call()
    assert second.post(f"/runs/{run}/cancel", {})["state"] in ("cancelling", "cancelled")
    wait_for("the end at the first API", lambda: first.get(f"/runs/{run}")["state"] in ENDED)
    join(thread)
    assert seen[-1] == ("end", "")
    assert [client.get(f"/runs/{run}")["state"] for client in outside.clients] == ["cancelled", "cancelled"]


def test_a_key_used_at_one_api_is_known_at_the_other(outside: Outside, tmp_path: Path) -> None:
    study_set = outside.scene.upload(tmp_path, 1)
    outside.scene.wait_until_read(study_set)
    answers: list[tuple[int, Any, str | None]] = []
    for port in outside.ports:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_S)
        headers = {"Authorization": f"Bearer {outside.scene.token}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = "the same at both"
        body = json.dumps({"flashcards": 2, "questions": 1})
        connection.request("POST", f"/api/v1/study-sets/{study_set}/runs", body, headers)
        answer = connection.getresponse()
        answers.append((answer.status, json.loads(answer.read())["id"], answer.headers["Idempotency-Replayed"]))
        connection.close()
    (status, run, replayed), again = answers
    assert (status, replayed) == (202, None)
    assert again == (202, run, "true")
    outside.scene.check_done_once(run)


def test_an_api_refuses_a_broker_with_an_untrusted_certificate(outside: Outside, tmp_path: Path) -> None:
    scene = outside.scene
    study_set = scene.upload(tmp_path, 1)
    scene.wait_until_read(study_set)
    unknown = outside.broker.url_trusting(Authority(tmp_path / "unknown"))
    with AnotherApi(scene.stack, outside.logs / "untrusting-api.log", REDIS_URL=unknown) as untrusting:
        status, health = untrusting.health()
        assert (status, health["status"], health["broker"]) == (200, "degraded", "down")
        client = ApiClient(untrusting.api_url)
        client.sign_in("student@example.org")
        run = str(client.post(f"/study-sets/{study_set}/runs", {"flashcards": 2, "questions": 1})["id"])
    assert "core.queue.send_failed" in untrusting.log.read_text()
    # The row exists, so the sweep, which trusts the broker, sends the message that this API could not.
    scene.check_done_once(run)


def test_a_worker_refuses_a_broker_with_an_untrusted_certificate(outside: Outside, tmp_path: Path) -> None:
    refuse(outside, outside.broker, outside.broker.url_trusting(Authority(tmp_path / "unknown")))


def test_a_worker_refuses_a_broker_with_another_hosts_certificate(outside: Outside, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "known")
    with NamedOtherwise(authority, host=x509.DNSName("elsewhere.example.org")) as other:
        refuse(outside, other, other.url_trusting(authority))


class NamedOtherwise(TlsRedis):
    """A Redis with another host's certificate."""

    @property
    def url(self) -> str:
        """Its URL for a client that does not check the host name."""
        return f"{super().url}&ssl_check_hostname=false"


def refuse(outside: Outside, broker: TlsRedis, url: str) -> None:
    """Start a worker with the broker at the URL; check that it retries and does not connect."""
    log = outside.logs / f"untrusting-worker-{len(list(outside.logs.iterdir()))}.log"
    command = [sys.executable, "-m", "celery", "-A", "backend.worker.computing", "worker", "-n", "untrusting@%h"]
    environment = {**outside.scene.stack.env, "REDIS_URL": url, "CELERY_CONCURRENCY": "1"}
    with LocalProcess("worker", command, env=environment, log=log, folder=CHECKOUT) as worker:
        wait_for("a refusal", lambda: log.exists() and log.read_text().count("Cannot connect to rediss://") >= 2)
        assert worker.running
    text = log.read_text()
    assert "CERTIFICATE_VERIFY_FAILED" in text
    assert "Connected to rediss://" not in text
    assert broker.password not in text


def test_no_process_has_printed_the_password(outside: Outside, tmp_path: Path) -> None:
    # Failures log more than successes.
    study_set = outside.scene.upload(tmp_path, 1)
    outside.scene.wait_until_read(study_set)
    outside.broker.kill()
    try:
        run = outside.scene.start_run(study_set, flashcards=2, questions=1)
        wait_for("what health says", lambda: outside.clients[1].get("/health")["status"] == "degraded")
        wait_for("workers that notice", lambda: outside.read_logs().count("Cannot connect to rediss://") >= 2)
    finally:
        outside.broker.start()
    outside.scene.check_done_once(run)
    text = outside.read_logs()
    assert "Connected to rediss://" in text
    assert "core.queue.send_failed" in text
    assert outside.broker.password not in text
