"""The first process of a container: every line in our form, signals handed on, exit codes, orphans collected."""

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
            [sys.executable, "-m", "backend.operations.container.first_process", "sh", "-c", script],
            cwd=CHECKOUT,
            env={"PATH": os.environ["PATH"], "LOG_PREFIX": "[API]", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A group of its own, by which orphans can be ended too.
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
def test_the_commands_exit_code_is_the_containers_however_quickly_it_ends(start, code: int) -> None:
    for _ in range(5):
        process = start(f"exit {code}")
        process.communicate(timeout=HANG_S)
        assert process.returncode == code


def test_a_command_that_closes_its_output_is_waited_for(start) -> None:
    process = start("exec >&- 2>&-; sleep 0.3; exit 4")
    process.communicate(timeout=HANG_S)
    assert process.returncode == 4


def test_a_command_that_is_not_there(start) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "backend.operations.container.first_process", "no-such-program"],
        cwd=CHECKOUT,
        env={"LOG_PREFIX": "[API]"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 127
    assert "no-such-program: No such file" in done.stdout


def test_every_line_gets_the_prefix_and_keeps_no_secret(start) -> None:
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


def test_a_command_that_dies_of_a_signal_has_a_code_that_says_so(start) -> None:
    process = start("kill -9 $$")
    process.communicate(timeout=HANG_S)
    assert process.returncode == 137


def test_a_container_that_is_of_no_use_ends_with_a_code_even_where_the_command_ends_well(start) -> None:
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
    """Return the lines that are made of a text."""
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
def test_the_lines_of_redis_and_supervisord_are_known(line: bytes, level: str, event: str, message: str) -> None:
    (made,) = form(line + b"\n", LOG_FORMAT="json")
    fields = json.loads(made.removeprefix("[API] "))
    assert (fields["level"], fields["event"], fields["message"]) == (level, event, message)


def test_what_is_below_the_level_is_left_out() -> None:
    assert form(b"8:C 26 Nov 2026 11:28:44.598 * Ready\n", LOG_LEVEL="WARNING") == []


def test_why_a_program_does_not_start_is_told_at_every_level() -> None:
    (line,) = form(b"Refusing to start:\n", LOG_LEVEL="ERROR")
    assert "Refusing to start:" in line


def test_a_line_that_only_looks_like_ours_keeps_no_secret_and_is_cut() -> None:
    forged = f"[API] timestamp=1 level=info event=x text={SECRET} " + "y" * 5000
    (line,) = form(forged.encode() + b"\n", REDIS_PASSWORD=SECRET)
    assert SECRET not in line
    assert len(line.encode()) < 2048
    (other,) = form(b"[API] nothing of the kind\n")
    assert HEAD.match(other)


@pytest.mark.parametrize("line", ["timestamp=1 level=error event=x", '{"event": "x", "timestamp": "1"}'])
def test_without_a_prefix_our_lines_are_known_all_the_same(line: str) -> None:
    assert form(line.encode() + b"\n", LOG_PREFIX="", LOG_LEVEL="ERROR") == [line]


def test_orphans_that_go_on_printing_are_not_listened_to(start) -> None:
    process = start("for n in 1 2 3 4 5 6; do yes & echo pid $!; done; exit 0")
    reader = threading.Thread(target=process.stdout.read)
    reader.start()
    try:
        assert process.wait(HANG_S) == 0
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    reader.join()


def is_full(pipe: int) -> bool:
    """Tell whether a pipe has no room for a line."""
    size = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
    (waiting,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"0000"))
    return waiting > size - select.PIPE_BUF


def test_a_signal_is_handed_on_while_nobody_reads_our_lines(start) -> None:
    process = start("trap 'exit 5' TERM; yes long-line | head -c 3000000 & wait; while :; do sleep 0.1; done")
    wait_for("a full pipe", lambda: is_full(process.stdout.fileno()))
    process.send_signal(signal.SIGTERM)
    pause(0.5, "the signal comes while nobody reads")
    process.stdout.read()
    assert process.wait(HANG_S) == 5


def test_pieces_are_put_together_and_a_line_without_an_end_is_cut() -> None:
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
