"""Log lines are prefixed, short and without secrets, and in production without user input."""

import io
import json
import logging
import re
import threading
import timeit
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr

import pytest
import structlog

from backend.core.process.log_lines import find_secrets, hide_secrets
from backend.core.process.logging import add_to_log, configure_logging, current_request_id, get_logger, log_context
from backend.settings import Settings


@pytest.fixture
def logged(settings: Settings) -> Iterator[Callable[..., list[str]]]:
    """Log with other settings. Returns the lines."""

    def run(act: Callable[[], object], **changes: object) -> list[str]:
        # A request in another test may have left a log context.
        structlog.contextvars.clear_contextvars()
        stream = io.StringIO()
        with redirect_stderr(stream):
            configure_logging(settings.model_copy(update=changes))
            act()
        return stream.getvalue().splitlines()

    yield run
    configure_logging(settings)


def fail() -> None:
    try:
        try:
            raise KeyError("what-the-user-wrote")
        except KeyError as error:
            raise RuntimeError("and-what-they-wrote-after") from error
    except RuntimeError:
        get_logger("test").exception("core.test.failed")


def test_lines_hide_secrets_and_stay_short(logged) -> None:
    def act() -> None:
        get_logger("test").warning("core.test.happened", access_token="abc.def.ghi", size_bytes=3, text="ü" * 5000)
        logging.getLogger("elsewhere").warning("Two\nlines")

    lines = logged(act, log_prefix="[API]")
    assert len(lines) >= 2
    assert all(line.startswith("[API] ") for line in lines)
    assert all(len(line.encode()) < 2048 for line in lines)
    assert "abc.def" not in "".join(lines)
    assert re.search(r"event=.?core\.test\.happened", lines[0])
    assert "size_bytes=3" in lines[0]


FORGED = "foo\ntimestamp=FAKE\r\x0b\x0c\x1c\x85\u2028\u2029end \x1b[31m \x00 \x7f \x9b \ud800"


@pytest.mark.parametrize(
    "act",
    [
        lambda: get_logger("test").warning("core.test.happened", path=FORGED),
        lambda: get_logger("test").warning("core.test.happened", paths=[FORGED], error=KeyError(FORGED)),
        lambda: get_logger("test").warning(FORGED),
        lambda: get_logger("test").warning("core.test.happened", **{FORGED: 1}),
        lambda: logging.getLogger("elsewhere").warning("Refused %s", FORGED),
    ],
    ids=["value", "inner value", "event", "name", "library"],
)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_user_input_cannot_forge_a_log_line(logged, act: Callable[[], object], log_format: str) -> None:
    (line,) = logged(act, log_prefix="[API]", log_format=log_format)
    assert line.startswith("[API] ")
    assert line.isprintable()
    assert "FAKE" in line


def test_each_line_of_a_traceback_has_the_prefix(logged) -> None:
    lines = logged(fail, log_prefix="[API]", environment="development")
    assert len(lines) > 5
    assert all(line.startswith("[API] ") for line in lines)
    assert all(re.match(r"\[API\] timestamp=\S+Z level=error event=core.test.failed", line) for line in lines)
    assert lines[1].endswith('traceback="Traceback (most recent call last):"')


def test_json_logs_are_one_object_per_line(logged) -> None:
    objects = [json.loads(line) for line in logged(fail, log_format="json")]
    assert {entry["event"] for entry in objects} == {"core.test.failed"}
    assert "KeyError" in "".join(entry.get("traceback", "") for entry in objects)


def test_a_long_event_is_cut_but_still_json(logged) -> None:
    def act() -> None:
        get_logger("test").warning("core.test.happened", text="ü\n\x7f" * 5000, size_bytes=3, things=["x" * 500] * 9)
        get_logger("test").warning("core.test.many", **{f"field_{n}": n for n in range(500)})

    lines = logged(act, log_format="json", log_prefix="[API]")
    assert all(len(line.encode()) < 2048 and line.startswith("[API] ") for line in lines)
    first, second = (json.loads(line.removeprefix("[API] ")) for line in lines)
    assert (first["event"], first["size_bytes"]) == ("core.test.happened", 3)
    assert first["text"].startswith("ü")
    assert (second["event"], second["field_0"]) == ("core.test.many", 0)


def test_a_deep_traceback_is_complete(logged) -> None:
    def even(depth: int) -> None:
        odd(depth - 1)

    # Two alternating functions, or Python would fold the repetitions into one line.
    def odd(depth: int) -> None:
        if depth <= 0:
            raise ValueError("deep")
        even(depth - 1)

    def act() -> None:
        try:
            even(60)
        except ValueError:
            get_logger("test").exception("core.test.failed")

    lines = logged(act, log_format="json", log_prefix="[API]")
    assert all(len(line.encode()) < 2048 for line in lines)
    text = "\n".join(json.loads(line.removeprefix("[API] ")).get("traceback", "") for line in lines)
    assert text.count(", in even") == 31
    assert text.endswith("ValueError: deep")


def test_a_librarys_line_names_its_source(logged) -> None:
    (line,) = logged(lambda: logging.getLogger("some.library").warning("Worker was sent %s", "SIGKILL"))
    assert line.endswith('level=warning event=some.library message="Worker was sent SIGKILL"')


def test_in_production_a_library_does_not_quote_an_exception(logged) -> None:
    def act() -> None:
        try:
            raise RuntimeError("what-the-user-wrote")
        except RuntimeError as error:
            logging.getLogger("celery.x").error("Task raised unexpected: %r", error, exc_info=True)

    text = "\n".join(logged(act, environment="production"))
    assert "what-the-user-wrote" not in text
    assert "message=RuntimeError" in text


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_credentials_and_addresses_are_hidden_anywhere_in_a_line(
    logged, log_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_0123456789")
    monkeypatch.setenv("DATABASE_URL", "postgresql://ada:dbpass-0123456789@db/x")
    secret = [
        "sk_live_0123456789",
        "dbpass-0123456789",
        "ada@example.org",
        "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl",
        "hunter-22",
    ]

    def act() -> None:
        log = get_logger("test")
        log.warning("core.test.happened", text=f"key {secret[0]} of {secret[2]}, Bearer {secret[3]}", things=secret[:4])
        logging.getLogger("x").warning("at %s", f"redis://:{secret[4]}@host:6379/0 and {secret[1]}")

    text = "\n".join(logged(act, log_format=log_format))
    assert [value for value in secret if value in text] == []
    assert "core.test.happened" in text


def test_passwords_in_urls_are_hidden_in_every_encoding() -> None:
    secrets = find_secrets({"DATABASE_URL": "postgresql://ada:p%2Fw%40rd-0123@db/x", "REDIS_PASSWORD": "s/e c+ret-9"})
    for spelling in ("p%2Fw%40rd-0123", "p/w@rd-0123", "s/e c+ret-9", "s%2Fe%20c%2Bret-9"):
        assert hide_secrets(f"before {spelling} after", secrets) == "before [hidden] after"


def test_hiding_secrets_takes_linear_time_for_hostile_text() -> None:
    short, long = (
        timeit.timeit(lambda text=text: hide_secrets(text), number=3)
        for text in ("a." * n + " @" for n in (4_000, 400_000))
    )
    # A hundred times the text, of which only the start is processed. Quadratic time would be ten thousand times.
    assert long < 100 * short + 1


def test_a_crash_outside_a_request_is_logged_in_our_format(logged) -> None:
    def act() -> None:
        thread = threading.Thread(target=fail_at_once)
        thread.start()
        thread.join()

    lines = logged(act, log_prefix="[WORKER]", environment="production")
    assert all(line.startswith("[WORKER] timestamp=") for line in lines)
    assert "event=core.process.crashed" in lines[0]
    assert "what-the-user-wrote" not in "".join(lines)


def fail_at_once() -> None:
    raise RuntimeError("what-the-user-wrote")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_production_logs_error_types_and_lines_but_no_messages(logged, log_format: str) -> None:
    text = "\n".join(logged(fail, log_format=log_format, environment="production"))
    assert "RuntimeError" in text
    assert "KeyError" in text
    assert "test_logging.py" in text
    assert "wrote" not in text


def test_development_logs_messages(logged) -> None:
    assert "what-the-user-wrote" in "\n".join(logged(fail, environment="development"))


def test_the_level_is_respected(logged) -> None:
    assert logged(lambda: get_logger("test").info("core.test.happened"), log_level="WARNING") == []


def test_a_log_context_is_on_every_line_until_it_ends(logged) -> None:
    def act() -> None:
        with log_context(request_id="abcdefgh", step_id=None):
            assert current_request_id() == "abcdefgh"
            get_logger("test").warning("core.test.inside")
        get_logger("test").warning("core.test.outside")

    inside, outside = logged(act)
    assert "request_id=abcdefgh" in inside
    assert "step_id" not in inside
    assert "abcdefgh" not in outside
    assert current_request_id() != "abcdefgh"


def test_log_fields_of_a_job_end_with_the_job() -> None:
    structlog.contextvars.clear_contextvars()
    with log_context(job_id=1):
        add_to_log(run_id=2)
        assert structlog.contextvars.get_contextvars() == {"job_id": "1", "run_id": "2"}
    assert structlog.contextvars.get_contextvars() == {}
