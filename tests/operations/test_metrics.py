"""``GET /metrics``: access, content, and what remains if the database or the broker is down."""

import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from pydantic import SecretStr

from backend.app import create_app
from backend.core.database.database import db
from backend.core.work.jobs import list_kinds
from backend.core.work.queue import configure_queue
from backend.settings import Settings
from tests.architecture.source_tree import CHECKOUT
from tests.operations.conftest import Scraped
from tests.operations.ended_rows import ONE_OF_EVERYTHING
from tests.patience import Stopwatch, measure_promise

Scrape = Callable[[], Scraped]

# The rules of `promtool check metrics` that concern names and types.
_FOREIGN_UNITS = ("milliseconds", "ms", "minutes", "hours", "days", "percent", "kilobytes", "megabytes", "kb", "mb")
_RESERVED = {"le": ("histogram",), "quantile": ("summary",)}


@pytest.fixture
def worked(client: Any, run_pending_jobs: Callable[[], int]) -> None:
    """A finished run, and a run that is waiting for its document."""
    for text in (b"A cell divides. Mitosis is the division of a cell nucleus. ", b"Osmosis is the flow of water. "):
        study_set = client.make_study_set()
        client.upload(study_set, ("notes.txt", text * 30))
        assert client.post(f"/api/v1/study-sets/{study_set}/runs", json={}).status_code == 202
        if b"Mitosis" in text:
            run_pending_jobs()


def lint(scraped: Scraped) -> list[str]:
    """Return problems with names and types, as promtool would."""
    found = []
    for family in scraped.families:
        name = family.name
        if not family.documentation.endswith("."):
            found.append(f"{name} has no help")
        if not re.fullmatch(r"hackthestudy(_[a-z]+)+", name):
            found.append(f"{name} is not in snake case")
        if set(name.split("_")) & {*_FOREIGN_UNITS, "counter", "gauge", "histogram"}:
            found.append(f"{name} names another unit than a base one, or its type")
        if family.type == "unknown":
            found.append(f"{name} has no type")
        ends = name.endswith(("_total", "_count", "_sum", "_bucket"))
        if family.type == "gauge" and ends:
            found.append(f"{name} ends like a counter")
        for sample in family.samples:
            if family.type == "counter" and not sample.name.endswith("_total"):
                found.append(f"{sample.name} does not end like a counter")
            for label, types in _RESERVED.items():
                if label in sample.labels and family.type not in types:
                    found.append(f"{name} has the label {label}")
    return found


@pytest.mark.usefixtures("worked")
def test_names_and_types_follow_the_conventions(scrape: Scrape) -> None:
    assert lint(scrape()) == []


@pytest.mark.parametrize(
    "text",
    [
        "# TYPE hackthestudy_x gauge\nhackthestudy_x 1\n",
        "# HELP hackthestudy_runs_total Runs.\n# TYPE hackthestudy_runs_total gauge\nhackthestudy_runs_total 1\n",
        "# HELP hackthestudy_wait_ms Wait.\n# TYPE hackthestudy_wait_ms gauge\nhackthestudy_wait_ms 1\n",
        '# HELP hackthestudy_x X.\n# TYPE hackthestudy_x gauge\nhackthestudy_x{quantile="0.5"} 1\n',
        "# HELP hackthestudy_x X.\nhackthestudy_x 1\n",
    ],
)
def test_a_name_that_breaks_the_conventions_is_reported(text: str) -> None:
    assert len(lint(Scraped(text))) == 1


@pytest.mark.usefixtures("worked")
def test_openmetrics_is_used_if_requested(app: Any, bearer: dict[str, str], scrape: Scrape) -> None:
    wish = {**bearer, "Accept": "application/openmetrics-text;version=1.0.0"}
    answer = app.test_client().get("/metrics", headers=wish)
    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in read_openmetrics(answer.text)}
    assert names >= {family.name.removesuffix("_info") for family in scrape().families} - {"hackthestudy_build"}


def test_metrics_require_the_token(anonymous: Any, client: Any, bearer: dict[str, str]) -> None:
    assert anonymous.get("/metrics", headers=bearer).status_code == 200
    wrong = [{}, {"Authorization": bearer["Authorization"] + "x"}, {"Authorization": "Bearer "}, {"Authorization": "ü"}]
    for headers in wrong:
        answer = anonymous.get("/metrics", headers=headers)
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
        assert answer.json["code"] == "metrics_token_wrong"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "hackthestudy_" not in answer.text
    assert client.get("/metrics").status_code == 401


def test_the_token_grants_nothing_else(anonymous: Any, bearer: dict[str, str]) -> None:
    assert anonymous.get("/api/v1/study-sets", headers=bearer).status_code == 401
    assert anonymous.get("/api/v1/metrics", headers=bearer).status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_without_a_configured_token_the_page_is_not_found(
    settings: Settings, bearer: dict[str, str], method: str
) -> None:
    stranger = create_app(settings.model_copy(update={"metrics_token": None})).test_client()
    answer, unknown = (stranger.open(path, method=method, headers=bearer) for path in ("/metrics", "/nowhere"))
    assert answer.status_code == unknown.status_code == 404
    texts = [each.text.replace(each.headers["X-Request-Id"], "") for each in (answer, unknown)]
    assert texts[0] == texts[1]
    assert answer.headers.get("Allow") is None


def test_requests_are_counted_by_route_and_never_by_path(client: Any, scrape: Scrape) -> None:
    path = "/api/v1/study-sets/<uuid:study_set_id>"
    study_set, before = client.make_study_set(), scrape()
    for _ in range(3):
        client.get(f"/api/v1/study-sets/{study_set}")
    client.get("/api/v1/study-sets/018f0000-0000-7000-8000-000000000000")
    client.get("/wp-login.php")
    client.open("/.env", method="BREW")
    client.open("/api/v1/health", method="BREW")
    after = scrape()

    def grown(**labels: str) -> float:
        return after.total("http_requests_total", **labels) - before.total("http_requests_total", **labels)

    assert grown(method="GET", route=path, status="200") == 3
    assert grown(method="GET", route=path, status="404") == 1
    assert grown(method="GET", route="other", status="404") == 1
    assert grown(method="other", route="other") == 2
    timed = "http_request_duration_seconds"
    assert after.total(f"{timed}_count", route=path) - before.total(f"{timed}_count", route=path) == 4
    assert after.total(f"{timed}_sum", route=path) > before.total(f"{timed}_sum", route=path)
    for raw in (study_set, "wp-login", ".env", "BREW", "018f0000"):
        assert raw not in after.text


def test_a_refused_body_and_a_crash_are_counted_too(client: Any, scrape: Scrape, crash_on: Callable[..., None]) -> None:
    crash_on("study_sets", times=1)
    before = scrape()
    assert client.post("/api/v1/study-sets", json={"title": "Biology"}).status_code == 500
    assert client.post("/api/v1/study-sets", data="x", content_type="text/plain").status_code == 415
    after = scrape()
    for status in ("500", "415"):
        series = {"method": "POST", "route": "/api/v1/study-sets", "status": status}
        assert after.total("http_requests_total", **series) == before.total("http_requests_total", **series) + 1


@pytest.mark.usefixtures("worked")
def test_open_and_ended_counts_match_the_rows(scrape: Scrape) -> None:
    scraped = scrape()
    assert scraped.value("database_up") == scraped.value("broker_up") == 1
    assert scraped.value("runs", state="reading") == 1
    assert scraped.value("runs", state="making") == 0
    assert scraped.value("documents", kind="txt", state="queued") == 1
    assert scraped.value("documents", kind="pdf", state="running") == 0
    assert scraped.value("steps", kind="section", state="queued") == 0
    assert scraped.value("oldest_due_step_age_seconds") == 0
    assert 0 < (scraped.value("oldest_due_document_age_seconds") or 0) < 300
    assert 0 < (scraped.value("oldest_open_run_age_seconds") or 0) < 300
    assert scraped.value("recent_runs", model="builtin-1", state="done", error_code="") == 1
    assert scraped.value("recent_steps", kind="section", state="done", error_code="") == 1
    assert scraped.value("recent_documents", kind="txt", state="done", error_code="") == 1
    assert scraped.value("recent_model_calls", model="builtin-1", outcome="ok") == 1
    assert (scraped.value("broker_messages", queue="steps") or 0) >= 1
    assert scraped.value("broker_messages", queue="calls") == 0
    longest, median = (
        scraped.value("recent_step_duration_seconds", kind="section", percentile=p) for p in ("100", "50")
    )
    assert longest is not None
    assert longest == median > 0


def test_failures_are_counted_by_code_and_tokens_by_type(
    client: Any, engine: sa.Engine, worked: None, scrape: Scrape
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE steps SET state = 'failed', error_code = 'timeout' WHERE kind = 'section'")
        connection.exec_driver_sql("UPDATE runs SET state = 'failed', error_code = 'no_items' WHERE state = 'done'")
        connection.exec_driver_sql("UPDATE documents SET state = 'failed', error_code = 'bad' WHERE state = 'done'")
        connection.exec_driver_sql(
            "UPDATE model_calls SET model = 'm', outcome = 'truncated', requests = 2, input_tokens = 90, "
            "cached_tokens = 30, output_tokens = 7"
        )
        connection.exec_driver_sql(
            "INSERT INTO workers (name, program, places, leases_lost, restart_reason) VALUES "
            "('a', 'computing', 8, 0, NULL), ('b', 'computing', 4, 0, NULL), ('c', 'computing', 8, 1, 'silent'), "
            "('d', 'computing', 8, 0, 'silent'), ('e', 'calling', 32, 0, NULL)"
        )
    scraped = scrape()
    assert scraped.value("recent_steps", kind="section", state="failed", error_code="timeout") == 1
    assert scraped.value("recent_runs", model="builtin-1", state="failed", error_code="no_items") == 1
    assert scraped.value("recent_documents", kind="txt", state="failed", error_code="bad") == 1
    assert scraped.value("recent_model_calls", model="m", outcome="truncated") == 1
    assert scraped.value("recent_model_requests", model="m") == 2
    tokens = {
        kind: scraped.value("recent_model_tokens", model="m", type=kind) for kind in ("input", "cached", "output")
    }
    assert tokens == {"input": 90, "cached": 30, "output": 7}
    assert [scraped.value("worker_places", program=program) for program in ("computing", "calling")] == [12, 32]
    assert scraped.value("watchdog_restarts", reason="silent") == 2


def test_old_rows_are_not_counted_as_recent(engine: sa.Engine, worked: None, scrape: Scrape) -> None:
    with engine.begin() as connection:
        for table in ("steps", "runs", "documents"):
            connection.exec_driver_sql(f"UPDATE {table} SET ended_at = ended_at - interval '61 minutes'")
        # The call's id dates it to 1970.
        connection.exec_driver_sql("UPDATE model_calls SET id = '00000000-0000-7000-8000-000000000000'")
    scraped = scrape()
    for name in ("recent_steps", "recent_runs", "recent_documents", "recent_model_calls"):
        assert f"# TYPE hackthestudy_{name} gauge" in scraped.text
        assert scraped.total(name) == 0


def test_the_age_of_a_row_counts_from_its_due_time(
    client: Any, engine: sa.Engine, run_pending_jobs: Callable[[], int], scrape: Scrape, worked: None
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE steps SET state = 'queued', ended_at = NULL, available_at = now() - interval '90 seconds'"
        )
        connection.exec_driver_sql(
            "UPDATE documents SET available_at = now() + interval '1 hour' WHERE state = 'queued'"
        )
    scraped = scrape()
    assert 90 <= (scraped.value("oldest_due_step_age_seconds") or 0) < 300
    assert scraped.value("oldest_due_document_age_seconds") == 0
    assert scraped.value("documents", kind="txt", state="queued") == 1


@pytest.mark.usefixtures("worked")
def test_no_query_scans_a_whole_table(app: Any, scrape: Scrape, engine: sa.Engine) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", note)
        scrape()
        sa.event.remove(db.engine, "before_cursor_execute", note)
    queries = [(text, values) for text, values in asked if text.startswith("SELECT")]
    # A further kind of job costs no further query.
    assert len(queries) <= 10
    with engine.connect() as connection:
        # On such small tables PostgreSQL scans everything, unless that costs more.
        connection.exec_driver_sql("SET enable_seqscan = off")
        plans = {
            text: "\n".join(line for (line,) in connection.exec_driver_sql(f"EXPLAIN {text}", values))
            for text, values in queries
        }
    for table in {"runs", "model_calls", *(kind.model.__tablename__ for kind in list_kinds())}:
        assert any(f" on {table}" in plan for plan in plans.values())
        assert not any(f"Seq Scan on {table}" in plan for plan in plans.values()), plans


def test_a_slow_scraper_holds_no_database_connection(app: Any, bearer: dict[str, str]) -> None:
    answer = app.test_client().get("/metrics", headers=bearer, buffered=False)
    with app.app_context():
        assert db.engine.pool.checkedout() == 0
    assert b"hackthestudy_database_up 1.0" in answer.data


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections but never answers, like a frozen one."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def scrape_app(settings: Settings, bearer: dict[str, str]) -> Iterator[Callable[..., Scraped]]:
    """Scrape an app with other settings, after one request for an unknown path."""

    def run(**changes: object) -> Scraped:
        stranger = create_app(settings.model_copy(update=changes)).test_client()
        stranger.get("/nowhere")
        answer = stranger.get("/metrics", headers=bearer)
        assert answer.status_code == 200
        return Scraped(answer.text)

    yield run
    # The whole process shares one queue.
    configure_queue(settings, answers_requests=True)


@pytest.mark.parametrize("port", ["refused", "silent"])
def test_all_other_metrics_are_there_if_the_database_is_down(
    scrape_app: Callable[..., Scraped], silent: str, port: str, app: Any
) -> None:
    address = silent if port == "silent" else "127.0.0.1:1"
    found = []

    def measure() -> float:
        watch = Stopwatch()
        found.append(scrape_app(database_url=f"postgresql://nobody@{address}/nothing"))
        return watch.took_s

    # A connection attempt alone would time out after three seconds.
    measure_promise("a scrape", measure, 2.5)
    scraped = found[-1]
    assert scraped.value("database_up") == 0
    assert scraped.value("broker_up") == 1
    assert scraped.total("http_requests_total", route="other") >= 1
    assert scraped.value("build_info", version="0.1.0") == 1
    assert "hackthestudy_runs" not in scraped.text
    assert lint(scraped) == []


@pytest.mark.parametrize("port", ["refused", "silent"])
def test_all_other_metrics_are_there_if_the_broker_is_down(
    scrape_app: Callable[..., Scraped], silent: str, port: str, app: Any
) -> None:
    address = silent if port == "silent" else "127.0.0.1:1"
    scraped = scrape_app(redis_url=f"redis://{address}/0")
    assert scraped.value("broker_up") == 0
    assert "broker_messages" not in scraped.text
    assert scraped.value("database_up") == 1
    assert scraped.value("runs", state="reading") == 0


def test_an_empty_token_counts_as_unset(settings: Settings) -> None:
    # Empty environment variables count as unset, so an empty bearer token is never accepted.
    app = create_app(settings.model_copy(update={"metrics_token": SecretStr("only-this")}))
    assert app.test_client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


@pytest.mark.usefixtures("worked")
def test_the_documented_table_of_metrics_is_complete(
    scrape: Scrape, engine: sa.Engine, client: Any, run_pending_jobs: Callable[[], int]
) -> None:
    # A series without a value has no labels, so one of everything must have ended.
    client.post("/api/v1/users/me/export")
    run_pending_jobs()
    text = (CHECKOUT / "docs/operations.md").read_text()
    documented = {
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in re.findall(r"^\| `(hackthestudy_\w+)` \| (\w+) \| ([^|]*)\|", text, re.M)
    }
    with engine.begin() as connection:
        for statement in ONE_OF_EVERYTHING:
            connection.exec_driver_sql(statement)
    exposed = set()
    for family in scrape().families:
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        exposed.add((name, family.type, tuple(sorted(labels))))
    assert {(name, kind, tuple(sorted(labels))) for name, kind, labels in documented} == exposed


def test_the_cost_is_the_sum_of_what_each_call_costs(engine: sa.Engine, worked: None, scrape: Scrape) -> None:
    """Together, many short requests are not a long one, which would cost double."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE model_calls SET model = 'gpt-6-luna', input_tokens = 200000, cost_usd = 0.02 WHERE outcome = 'ok'"
        )
        another = "overlay(id::text placing 'ffffffff' from 29)"
        connection.exec_driver_sql(
            f"INSERT INTO model_calls SELECT (jsonb_populate_record(m, jsonb_build_object('id', {another},"
            " 'attempt', 9))).* FROM model_calls m WHERE outcome = 'ok'"
        )
        calls = connection.scalar(sa.text("SELECT count(*) FROM model_calls WHERE outcome = 'ok'"))
    assert calls > 1
    assert scrape().value("recent_model_cost_dollars", model="gpt-6-luna") == pytest.approx(calls * 0.02)


def test_there_is_no_cost_without_a_price(worked: None, scrape: Scrape) -> None:
    assert scrape().value("recent_model_cost_dollars", model="builtin-1") is None
