"""Metrics and error reports of the real processes: gunicorn with two processes, a worker with a pool."""

import json
import signal
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from config.local.postgres import PostgresServer
from config.local.redis import LocalRedis
from tests.faults.conftest import Scene, make_stack
from tests.operations.conftest import Scraped
from tests.patience import HANG_S, Stopwatch, measure_promise, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn
from tests.stand_ins.sentry_server import SentryStandIn

pytestmark = pytest.mark.faults

TOKEN = "test-metrics-token-1234567890-klmnopqr"
CANARY = "canary-7f3a"
REQUESTS, THREADS = 60, 6
# A scrape gives a part up after 0.8 seconds; a call that waits for Redis lasts until Redis is thawed.
FROZEN_BROKER_S = 5.0
ROUTE = "/api/v1/study-sets"
# The database's message quotes the student's text, as a library's error might.
REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'refused: %%', NEW; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON flashcards FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER refuse BEFORE UPDATE ON study_sets FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.fixture(scope="module")
def sentry() -> Iterator[SentryStandIn]:
    with SentryStandIn() as server:
        yield server


@pytest.fixture(scope="module")
def standing(
    tmp_path_factory: pytest.TempPathFactory, sentry: SentryStandIn, database_server: PostgresServer
) -> Iterator[Scene]:
    """A system with two API processes that reports errors."""
    changes = {"GUNICORN_WORKERS": "2", "METRICS_TOKEN": TOKEN, "SENTRY_DSN": sentry.dsn}
    logs = tmp_path_factory.mktemp("logs")
    with OpenAIStandIn() as model, make_stack(model, logs, database_server, **changes) as stack:
        stack.wait_for_worker("worker-1")
        yield Scene(stack, model)


def ask(
    scene: Scene,
    path: str,
    token: str = TOKEN,
    method: str = "GET",
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Send a request on a new connection, so that any process may accept it."""
    connection = HTTPConnection("127.0.0.1", scene.stack.port, timeout=HANG_S)
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {token}", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def scrape(scene: Scene) -> Scraped:
    status, text = ask(scene, "/metrics")
    assert status == 200, text
    return Scraped(text)


def counted(scraped: Scraped) -> tuple[float, float]:
    """Return how many requests of the route were counted and how many were timed."""
    series = {"method": "GET", "route": ROUTE}
    return (
        scraped.total("http_requests_total", status="200", **series),
        scraped.total("http_request_duration_seconds_count", **series),
    )


def send_requests(scene: Scene) -> None:
    """Send requests from several threads, each on a new connection."""

    def send() -> None:
        for _ in range(REQUESTS // THREADS):
            assert ask(scene, ROUTE, scene.token)[0] == 200

    threads = [threading.Thread(target=send) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def processes(scene: Scene) -> list[psutil.Process]:
    """Return the API's serving processes."""
    return psutil.Process(scene.stack.part("api").pid).children()


def folders(scene: Scene) -> list[Path]:
    """Return the folders in which this API's processes store their counts."""
    return list(Path("/dev/shm").glob(f"hackthestudy-metrics-{scene.stack.part('api').pid}-*"))


def test_every_request_is_counted_once_whichever_process_is_scraped(scene: Scene) -> None:
    before = counted(scrape(scene))
    sending = threading.Thread(target=send_requests, args=(scene,))
    sending.start()
    seen = [before[0]]
    while sending.is_alive():
        seen.append(counted(scrape(scene))[0])
    sending.join()
    assert seen == sorted(seen)
    expected = (before[0] + REQUESTS, before[1] + REQUESTS)
    assert {counted(scrape(scene)) for _ in range(20)} == {expected}


def test_counts_of_an_ended_process_are_kept(scene: Scene) -> None:
    send_requests(scene)
    before = counted(scrape(scene))
    assert before[0] >= REQUESTS
    old = processes(scene)
    assert len(old) == 2
    for process in old:
        process.send_signal(signal.SIGKILL)
        process.wait(HANG_S)
    wait_for("new processes", lambda: len(processes(scene)) == 2)
    assert {counted(scrape(scene)) for _ in range(10)} == {before}


def test_a_restarted_api_counts_from_zero(scene: Scene) -> None:
    send_requests(scene)
    old = folders(scene)
    assert len(old) == 1
    scene.stack.restart("api")
    assert counted(scrape(scene)) == (0, 0)
    assert len(folders(scene)) == 1
    assert not old[0].exists()


def test_a_frozen_broker_is_reported_immediately(scene: Scene) -> None:
    redis = scene.stack.redis
    assert isinstance(redis, LocalRedis)
    assert scrape(scene).value("broker_up") == 1
    found = []

    def measure() -> float:
        watch = Stopwatch()
        found.append(scrape(scene))
        return watch.took_s

    redis.freeze()
    try:
        measure_promise("a scrape", measure, FROZEN_BROKER_S)
        wait_for("the database", lambda: scrape(scene).value("database_up") == 1)
    finally:
        redis.thaw()
    assert {scraped.value("broker_up") for scraped in found} == {0}
    wait_for("the broker", lambda: scrape(scene).value("broker_up") == 1)


def test_metrics_show_a_run_during_and_after_it(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "seconds": 2}])
    run = scene.start_run(scene.upload(tmp_path, 3))

    def is_seen() -> bool:
        scraped = scrape(scene)
        step = scraped.value("steps", kind="section", state="running")
        return bool(step) and scraped.value("runs", state="making") == 1

    wait_for("a running step of a run", is_seen)
    scene.wait_until_ended(run)
    ((calls, tokens),) = scene.query("SELECT count(*), sum(input_tokens) FROM model_calls WHERE outcome = 'ok'")
    # A scrape may omit the database when it is slow.
    scraped = wait_for("figures", lambda: (now := scrape(scene)).value("database_up") and now)
    assert scraped.total("recent_model_calls", outcome="ok") == calls > 0
    assert scraped.total("recent_model_tokens", type="input") == tokens > 0
    assert scraped.value("runs", state="making") == 0


@pytest.fixture
def refused(scene: Scene) -> Iterator[None]:
    """Make the database refuse cards and new titles of study sets with an unexpected error."""
    scene.query(REFUSE)
    yield
    scene.query("DROP FUNCTION refuse CASCADE")


def test_a_crash_in_any_process_is_reported_without_user_content(
    scene: Scene, sentry: SentryStandIn, tmp_path: Path, refused: None
) -> None:
    study_set = scene.upload(tmp_path, 1)
    body = json.dumps({"title": f"{CANARY} title"})
    headers = {"Content-Type": "application/json", "X-Request-Id": "request-of-the-crash"}
    status, _ = ask(scene, f"{ROUTE}/{study_set}", scene.token, "PATCH", body, headers)
    assert status == 500
    run = scene.start_run(study_set, flashcards=2)
    assert scene.wait_until_ended(run)["error"]["code"] == "internal_error"
    events = {event["logger"]: event for event in sentry.wait_for(2)}
    crashed, step = events["http.request.crashed"], events["generation.step.crashed"]
    assert crashed["tags"] == {
        "component": "api",
        "method": "PATCH",
        "route": "/api/v1/study-sets/<uuid:study_set_id>",
        "request_id": "request-of-the-crash",
    }
    assert (step["tags"]["component"], step["tags"]["run_id"]) == ("worker", run)
    for event in (crashed, step):
        assert event["exception"]["values"][-1]["type"] == "InternalError"
    everything = "".join(sentry.texts)
    for written in (CANARY, "refused", "In experiment", "student@example.org", scene.token, TOKEN, "sk-test"):
        assert written not in everything
