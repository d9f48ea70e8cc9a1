"""Error reports say once what crashed and where, and quote nothing that a user or an operator wrote."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import request
from pydantic import SecretStr

from backend.app import create_app
from backend.core.errors import NotFound
from backend.core.process.logging import configure_logging, get_logger, log_context
from backend.operations.monitoring.sentry import MAX_PER_PERIOD, PERIOD_S, _Limiter, configure_sentry
from backend.settings import Settings, SettingsRefused
from tests.patience import promised
from tests.stand_ins.sentry_server import SentryStandIn

REQUEST_ID = "request-0123456789"
CANARY = "canary-7f3a"


@pytest.fixture
def sentry() -> Iterator[SentryStandIn]:
    """A stand-in for Sentry on loopback."""
    with SentryStandIn() as server:
        yield server


@pytest.fixture
def reporting(sentry: SentryStandIn, settings: Settings) -> Iterator[Settings]:
    """Settings that report to it. Logging is restored after the test."""
    yield settings.model_copy(update={"sentry_dsn": SecretStr(sentry.dsn)})
    configure_logging(settings)


@pytest.fixture
def crashing(reporting: Settings) -> Any:
    """A client of an app with a route that crashes and needs no authentication."""
    app = create_app(reporting)

    @app.post("/crash/<name>")
    def crash(name: str) -> str:
        kept = request.get_data(as_text=True)
        try:
            raise KeyError(kept, name)
        except KeyError as error:
            raise RuntimeError(f"{kept} {name} {request.headers}") from error

    @app.post("/refuse")
    def refuse() -> str:
        raise NotFound

    app.before_request_funcs[None] = [each for each in app.before_request_funcs[None] if each.__name__ == "begin"]
    return app.test_client()


def crash(client: Any, **headers: str) -> Any:
    return client.post(
        f"/crash/{CANARY}-path?token={CANARY}-query",
        json={"text": f"{CANARY}-body", "email": f"{CANARY}@example.org"},
        headers={
            "Authorization": f"Bearer {CANARY}-token",
            "Cookie": f"session={CANARY}-cookie",
            "X-Forwarded-For": f"{CANARY}-address",
            "User-Agent": f"{CANARY}-browser",
            "X-Request-Id": REQUEST_ID,
            **headers,
        },
    )


def test_a_crash_is_reported_with_types_lines_and_ids(crashing: Any, sentry: SentryStandIn) -> None:
    assert crash(crashing).status_code == 500
    (event,) = sentry.wait_for(1)
    assert [each["type"] for each in event["exception"]["values"]] == ["KeyError", "RuntimeError"]
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["filename"].endswith("test_sentry.py")
    assert frames[-1]["function"].endswith("crash")
    assert frames[-1]["lineno"] > 0
    assert event["logger"] == "http.request.crashed"
    assert event["release"] == "0.1.0"
    assert event["environment"] == "test"
    assert event["tags"] == {
        "component": "api",
        "method": "POST",
        "route": "/crash/<name>",
        "request_id": REQUEST_ID,
    }


def test_no_user_or_operator_text_is_reported(
    crashing: Any, sentry: SentryStandIn, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("SOME_VARIABLE", f"{CANARY}-environment")
    get_logger("test").info("core.test.happened", text=f"{CANARY}-breadcrumb")
    logging.getLogger("library").warning("%s-breadcrumb", CANARY)
    crash(crashing)
    sentry.wait_for(1)
    (text,) = sentry.texts
    assert CANARY not in text
    assert "example.org" not in text
    assert socket.gethostname() not in text
    assert os.getcwd() not in text
    for secret in (settings.jwt_secret, settings.flask_secret_key):
        assert secret.get_secret_value() not in text
    assert sentry.item_types == ["event"]
    known = {
        "event_id",
        "timestamp",
        "level",
        "platform",
        "logger",
        "release",
        "environment",
        "exception",
        "tags",
        "sdk",
    }
    assert set(sentry.events[0]) <= known
    for value in sentry.events[0]["exception"]["values"]:
        assert set(value) == {"type", "module", "mechanism", "stacktrace"}
        for frame in value["stacktrace"]["frames"]:
            assert set(frame) <= {"module", "filename", "function", "lineno", "in_app"}


def test_the_contents_of_an_error_are_not_reported(reporting: Settings, sentry: SentryStandIn) -> None:
    configure_logging(reporting)
    configure_sentry(reporting, "worker")
    inner = OSError(2, f"{CANARY}-message", f"{CANARY}-file")
    inner.add_note(f"{CANARY}-note")
    # The SDK copies ``errno`` into its report, whatever its value.
    inner.errno = f"{CANARY}-number"
    get_logger("test").error("core.test.failed", exc_info=ExceptionGroup(f"{CANARY}-group", [inner]))
    (event,) = sentry.wait_for(1)
    assert [each["type"] for each in event["exception"]["values"]] == ["FileNotFoundError", "ExceptionGroup"]
    assert CANARY not in "".join(sentry.texts)


def test_refusals_are_not_reported(crashing: Any, sentry: SentryStandIn) -> None:
    assert crashing.post("/refuse").status_code == 404
    assert crashing.post("/refuse", data="x", content_type="text/plain").status_code == 415
    assert crashing.get("/nowhere").status_code == 404
    assert crashing.get("/refuse").status_code == 405
    get_logger("test").error("core.test.failed", code="quota_exhausted")
    get_logger("test").warning("core.test.failed", exc_info=RuntimeError("a warning is not an error"))
    crash(crashing)
    assert len(sentry.wait_for(1)) == 1
    assert sentry.events[0]["logger"] == "http.request.crashed"


def test_an_error_logged_twice_is_reported_once(reporting: Settings, sentry: SentryStandIn) -> None:
    configure_logging(reporting)
    configure_sentry(reporting, "worker")
    try:
        raise RuntimeError(CANARY)
    except RuntimeError as error:
        get_logger("test").exception("core.test.failed")
        get_logger("test").error("core.test.failed_again", exc_info=error)
        logging.getLogger("library").exception("Failed with %s", CANARY)
    logging.getLogger("library").error("Failed with %s", CANARY, exc_info=(ValueError, ValueError(CANARY), None))
    first, second = sentry.wait_for(2)
    assert (first["logger"], second["logger"]) == ("core.test.failed", "library")
    assert CANARY not in "".join(sentry.texts)


def test_a_transient_database_outage_is_not_reported(
    reporting: Settings, sentry: SentryStandIn, engine: sa.Engine
) -> None:
    configure_logging(reporting)
    configure_sentry(reporting, "worker")
    for statement in ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(30)", "SELECT 1 / 0"):
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(statement)
        except sa.exc.DBAPIError:
            get_logger("test").exception("core.test.failed")
    sentry.wait_for(1)
    assert [event["exception"]["values"][-1]["type"] for event in sentry.events] == ["DataError"]


def test_a_crashed_step_is_reported_with_its_ids(
    reporting: Settings,
    sentry: SentryStandIn,
    client: Any,
    run_pending_jobs: Callable[[], int],
    crash_on: Callable[..., None],
) -> None:
    configure_logging(reporting)
    configure_sentry(reporting, "worker")
    crash_on("flashcards", times=1)
    study_set = client.make_study_set()
    text = f"Mitosis is the division of a cell nucleus {CANARY}. " * 30
    client.upload(study_set, ("notes.txt", text.encode()))
    run = client.post(f"/api/v1/study-sets/{study_set}/runs", json={}, headers={"X-Request-Id": REQUEST_ID}).json
    run_pending_jobs()
    (event,) = sentry.wait_for(1)
    assert event["logger"] == "generation.step.crashed"
    assert event["exception"]["values"][-1]["type"] == "InternalError"
    assert event["tags"]["component"] == "worker"
    assert event["tags"]["run_id"] == run["id"]
    assert event["tags"]["attempt"] == "1"
    assert {"request_id", "step_id"} <= set(event["tags"])
    assert any(
        f["module"] == "backend.generation.runs.recording"
        for f in event["exception"]["values"][-1]["stacktrace"]["frames"]
    )
    everything = "".join(sentry.texts)
    assert CANARY not in everything
    assert "nobody expected this" not in everything
    assert "INSERT" not in everything


def test_the_same_line_is_reported_a_few_times_per_minute(crashing: Any, sentry: SentryStandIn) -> None:
    for _ in range(MAX_PER_PERIOD + 3):
        crash(crashing)
    try:
        raise ValueError(CANARY)
    except ValueError:
        get_logger("test").exception("core.test.last")
    events = sentry.wait_for(MAX_PER_PERIOD + 1)
    assert [event["logger"] for event in events] == ["http.request.crashed"] * MAX_PER_PERIOD + ["core.test.last"]


def test_the_limit_is_per_line_and_period() -> None:
    limiter = _Limiter()
    assert [limiter.admits(("a",), 0.0) for _ in range(MAX_PER_PERIOD + 1)] == [True] * MAX_PER_PERIOD + [False]
    assert limiter.admits(("b",), 0.0)
    assert not limiter.admits(("a",), PERIOD_S - 1)
    assert limiter.admits(("a",), PERIOD_S)
    for number in range(5000):
        limiter.admits((str(number),), PERIOD_S)
    assert len(limiter._seen) <= 1000


@pytest.mark.parametrize("state", ["frozen", "away"])
def test_a_silent_sentry_delays_no_request(
    crashing: Any, sentry: SentryStandIn, reporting: Settings, state: str
) -> None:
    if state == "frozen":
        sentry.freeze()
    else:
        address = SecretStr("http://publickey@127.0.0.1:1/1")
        configure_logging(reporting)
        configure_sentry(reporting.model_copy(update={"sentry_dsn": address}), "api")
    # Waiting for a single response would take 30 seconds.
    with promised("reporting", 20):
        # More than the library queues, so that its queue overflows too.
        for number in range(300):
            log_crash(number)
        assert crash(crashing).status_code == 500


def log_crash(number: int) -> None:
    """Log an error with a unique type, so that no limit suppresses it."""
    kind = type(f"Crash{number}", (Exception,), {})
    try:
        raise kind
    except Exception:
        get_logger("test").exception("core.test.failed")


def test_a_forked_process_reports_after_its_parent_has(reporting: Settings, sentry: SentryStandIn) -> None:
    configure_logging(reporting)
    configure_sentry(reporting, "worker")
    log_crash(1)
    sentry.wait_for(1)
    child = os.fork()
    if child == 0:
        with log_context(run_id="of-the-child"):
            log_crash(2)
        for handler in logging.getLogger().handlers:
            handler.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    _, second = sentry.wait_for(2)
    assert (second["exception"]["values"][0]["type"], second["tags"]["run_id"]) == ("Crash2", "of-the-child")


def test_without_a_dsn_nothing_is_installed(settings: Settings) -> None:
    configure_logging(settings)
    before, threads = list(logging.getLogger().handlers), threading.active_count()
    configure_sentry(settings, "api")
    assert logging.getLogger().handlers == before
    assert threading.active_count() == threads


@pytest.mark.parametrize("dsn", ["nonsense", "https://sentry.example.org/1", "http://key@host/no-number/"])
def test_a_malformed_dsn_is_refused_by_name_and_not_shown(settings: Settings, dsn: str) -> None:
    with pytest.raises(SettingsRefused, match="SENTRY_DSN") as refused:
        configure_sentry(settings.model_copy(update={"sentry_dsn": SecretStr(dsn)}), "api")
    assert dsn not in str(refused.value)
