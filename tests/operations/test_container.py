"""The first process of a container: log format, forwarded signals, exit codes, reaped orphans."""

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator

import pytest

from backend.operations.container.first_process import LineFormatter
from tests.conftest import CHECKOUT
from tests.patience import HANG_S, pause, wait_for

HEAD = re.compile(r"\[API\] timestamp=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z level=\w+ event=\S+")
SECRET = "canary-of-redis-0123456789"


@pytest.fixture
def start() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start a shell script under a first process."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str, **environment: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "backend.operations.container", "sh", "-c", script],
            cwd=CHECKOUT,
            env={"PATH": os.environ["PATH"], "LOG_PREFIX": "[API]", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Its own group, so that orphans can be ended too.
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("code", [0, 3])
def test_the_containers_exit_code_is_the_commands_even_if_it_ends_quickly(start, code: int) -> None:
    for _ in range(5):
        process = start(f"exit {code}")
        process.communicate(timeout=HANG_S)
        assert process.returncode == code


def test_a_command_that_closes_its_output_is_waited_for(start) -> None:
    process = start("exec >&- 2>&-; sleep 0.3; exit 4")
    process.communicate(timeout=HANG_S)
    assert process.returncode == 4


def test_a_command_that_does_not_exist(start) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "backend.operations.container", "no-such-program"],
        cwd=CHECKOUT,
        env={"LOG_PREFIX": "[API]"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 127
    assert "no-such-program: No such file" in done.stdout


def test_every_line_gets_the_prefix_and_has_no_secret(start) -> None:
    process = start(
        f"echo plain; echo 'user ada@mail.example, {SECRET}' >&2; echo '[API] timestamp=1 level=info event=x'; "
        "printf 'no end'; printf '\\nä\\n\\n'",
        REDIS_PASSWORD=SECRET,
    )
    output, _ = process.communicate(timeout=HANG_S)
    lines = output.splitlines()
    ours = "[API] timestamp=1 level=info event=x"
    assert ours in lines
    assert len(lines) == 5
    assert all(HEAD.match(line) for line in lines if line != ours)
    assert SECRET not in output
    assert "mail.example" not in output


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_reaches_the_command(start, name: str) -> None:
    process = start(f"trap 'echo caught; exit 7' {name[3:]}; echo ready; while :; do sleep 0.1; done")
    wait_for("the command", lambda: "ready" in process.stdout.readline())
    process.send_signal(getattr(signal, name))
    output, _ = process.communicate(timeout=HANG_S)
    assert "caught" in output
    assert process.returncode == 7


def test_the_exit_code_names_the_signal_that_ended_the_command(start) -> None:
    process = start("kill -9 $$")
    process.communicate(timeout=HANG_S)
    assert process.returncode == 137


def test_a_failed_container_ends_with_1_even_if_the_command_ends_with_0(start) -> None:
    process = start("trap 'exit 0' TERM; kill -USR1 $CONTAINER_PID; while :; do sleep 0.1; done")
    process.communicate(timeout=HANG_S)
    assert process.returncode == 1


def test_an_orphan_that_holds_the_output_is_not_waited_for(start) -> None:
    process = start("sleep 300 & echo $!")
    assert process.stdout is not None
    orphan = int(re.search(r"message=(\d+)", process.stdout.readline())[1])
    try:
        assert process.wait(HANG_S) == 0
    finally:
        os.kill(orphan, signal.SIGKILL)


def form(text: bytes, **environment: str) -> list[str]:
    """Return the lines formatted from a text."""
    return list(LineFormatter({"LOG_PREFIX": "[API]", **environment}).format(text))


@pytest.mark.parametrize(
    ("line", "level", "event", "message"),
    [
        (
            b"2026-11-26 11:28:42,882 WARN exited: gunicorn (exit status 1; not expected)",
            "warning",
            "supervisord.log",
            "exited: gunicorn (exit status 1; not expected)",
        ),
        (b"2026-11-26 11:28:42,882 CRIT uncaught", "error", "supervisord.log", "uncaught"),
        (b"8:M 26 Nov 2026 11:28:44.598 # Out of memory", "warning", "redis.log", "Out of memory"),
        (b"8:C 26 Nov 2026 11:28:44.598 * Ready", "info", "redis.log", "Ready"),
        (b"Traceback (most recent call last):", "warning", "process.output", "Traceback (most recent call last):"),
    ],
)
def test_the_lines_of_redis_and_supervisord_are_recognised(line: bytes, level: str, event: str, message: str) -> None:
    (made,) = form(line + b"\n", LOG_FORMAT="json")
    fields = json.loads(made.removeprefix("[API] "))
    assert (fields["level"], fields["event"], fields["message"]) == (level, event, message)


def test_lines_below_the_log_level_are_dropped() -> None:
    assert form(b"8:C 26 Nov 2026 11:28:44.598 * Ready\n", LOG_LEVEL="WARNING") == []


def test_the_reason_why_a_program_does_not_start_is_logged_at_every_level() -> None:
    (line,) = form(b"Refusing to start:\n", LOG_LEVEL="ERROR")
    assert "Refusing to start:" in line


def test_a_line_that_imitates_ours_has_no_secret_and_is_cut() -> None:
    forged = f"[API] timestamp=1 level=info event=x text={SECRET} " + "y" * 5000
    (line,) = form(forged.encode() + b"\n", REDIS_PASSWORD=SECRET)
    assert SECRET not in line
    assert len(line.encode()) < 2048
    (other,) = form(b"[API] nothing of the kind\n")
    assert HEAD.match(other)


@pytest.mark.parametrize("line", ["timestamp=1 level=error event=x", '{"event": "x", "timestamp": "1"}'])
def test_our_lines_are_recognised_without_a_prefix(line: str) -> None:
    assert form(line.encode() + b"\n", LOG_PREFIX="", LOG_LEVEL="ERROR") == [line]


def test_orphans_that_keep_printing_do_not_delay_the_end(start) -> None:
    process = start("for n in 1 2 3 4 5 6; do yes & echo pid $!; done; exit 0")
    reader = threading.Thread(target=process.stdout.read)
    reader.start()
    try:
        assert process.wait(HANG_S) == 0
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    reader.join()


def is_full(pipe: int) -> bool:
    """Tell whether a pipe has no room for another line."""
    size = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
    (waiting,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"0000"))
    return waiting > size - select.PIPE_BUF


def test_a_signal_is_forwarded_while_our_output_is_blocked(start) -> None:
    process = start("trap 'exit 5' TERM; yes long-line | head -c 3000000 & wait; while :; do sleep 0.1; done")
    wait_for("a full pipe", lambda: is_full(process.stdout.fileno()))
    process.send_signal(signal.SIGTERM)
    pause(0.5, "the signal comes while nobody reads")
    process.stdout.read()
    assert process.wait(HANG_S) == 5


def test_pieces_are_joined_and_an_endless_line_is_cut() -> None:
    formatter = LineFormatter({"LOG_PREFIX": "[API]"})
    assert list(formatter.format(b"one ")) == []
    assert [line.endswith('message="one two"') for line in formatter.format(b"two\nthree")] == [True]
    assert [line.endswith("message=three") for line in formatter.format_rest()] == [True]
    (long,) = formatter.format(b"x" * 100_000)
    assert len(long.encode()) < 2048


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_hostile_line_stays_one_line(log_format: str) -> None:
    (line,) = form(b"a\x1b[2J\r\x85 [API] timestamp=x\xff\x00" + b"\xc3\xa4" * 5000 + b"\n", LOG_FORMAT=log_format)
    assert line.startswith("[API] ")
    assert line.isprintable()
    assert len(line.encode()) < 2048
