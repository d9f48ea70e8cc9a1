"""Log lines: prefixed, short, without secrets; in production without what a user wrote."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr

import pytest

from backend.core.logging import configure_logging, current_request_id, get_logger, log_context
from backend.settings import Settings


@pytest.fixture
def logged(settings: Settings) -> Iterator[Callable[..., list[str]]]:
    """Log with other settings; returns the lines."""

    def run(act: Callable[[], object], **changes: object) -> list[str]:
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
            raise RuntimeError("and-what-she-wrote-after") from error
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
def test_what_a_user_sends_cannot_make_a_line(logged, act: Callable[[], object], log_format: str) -> None:
    (line,) = logged(act, log_prefix="[API]", log_format=log_format)
    assert line.startswith("[API] ")
    assert line.isprintable()
    assert "timestamp=FAKE" in line


def test_a_traceback_keeps_its_lines_each_with_the_prefix(logged) -> None:
    lines = logged(fail, log_prefix="[API]", environment="development")
    assert len(lines) > 5
    assert all(line.startswith("[API] ") for line in lines)
    assert "core.test.failed" in lines[0]
    assert lines[1] == "[API] Traceback (most recent call last):"


def test_json_is_one_object_a_line(logged) -> None:
    (line,) = logged(fail, log_format="json")
    assert json.loads(line)["event"] == "core.test.failed"
    assert "KeyError" in json.loads(line)["exception"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_production_logs_kinds_and_places_but_no_messages(logged, log_format: str) -> None:
    text = "\n".join(logged(fail, log_format=log_format, environment="production"))
    assert "RuntimeError" in text
    assert "KeyError" in text
    assert "test_logging.py" in text
    assert "wrote" not in text


def test_development_logs_messages(logged) -> None:
    assert "what-the-user-wrote" in "\n".join(logged(fail, environment="development"))


def test_the_level_is_respected(logged) -> None:
    assert logged(lambda: get_logger("test").info("core.test.happened"), log_level="WARNING") == []


def test_a_context_is_on_every_line_and_ends(logged) -> None:
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
