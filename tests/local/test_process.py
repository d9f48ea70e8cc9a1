"""A process of the local stack ends when it should, with all its descendants."""

import os
import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest

from config.local.process import LocalProcess, LocalStackError
from tests.local.processes import are_gone, family_of, start_script
from tests.patience import HANG_S, pause, wait_for

ENV = {"PATH": os.environ["PATH"]}
# Starts another program in its own session, as daemons do, and ignores SIGTERM.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sleep", "600"], start_new_session=True)
print("ready", flush=True)
time.sleep(600)
"""


def _start(tmp_path: Path, *command: str, grace_s: float = HANG_S) -> LocalProcess:
    process = LocalProcess("it", command, env=ENV, log=tmp_path / "log", grace_s=grace_s)
    process.start()
    return process


def _says(log: Path, text: str) -> bool:
    return log.exists() and text in log.read_text()


def test_its_exit_code_is_reported(tmp_path: Path) -> None:
    process = _start(tmp_path, "sh", "-c", "exit 7")
    assert process.wait(HANG_S) == 7
    assert not process.running


def test_a_missing_program_is_logged(tmp_path: Path) -> None:
    process = _start(tmp_path, "no-such-program")
    assert process.wait(HANG_S) == 127
    assert "no-such-program: No such file or directory" in process.last_lines()


def test_stop_sends_the_stop_signal(tmp_path: Path) -> None:
    process = _start(tmp_path, "sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done")
    wait_for("a word", lambda: _says(tmp_path / "log", "ready"))
    assert process.stop() == 5


def test_a_process_that_ignores_the_stop_signal_is_killed_with_its_daemons(tmp_path: Path) -> None:
    process = _start(tmp_path, sys.executable, "-c", STUBBORN, grace_s=0.3)
    wait_for("a word", lambda: _says(tmp_path / "log", "ready"))
    family = family_of(process.pid)
    assert len(family) == 2
    assert process.stop() == 128 + signal.SIGKILL
    assert are_gone(family)


def test_a_frozen_process_can_be_stopped(tmp_path: Path) -> None:
    process = _start(tmp_path, "sleep", "600")
    process.send_signal(signal.SIGSTOP)
    wait_for("the freeze", lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    assert process.stop() == 128 + signal.SIGTERM


def test_kill_includes_descendants(tmp_path: Path) -> None:
    process = _start(tmp_path, "sh", "-c", "sleep 600 & echo ready; wait")
    wait_for("a word", lambda: _says(tmp_path / "log", "ready"))
    family = family_of(process.pid)
    assert len(family) == 2
    process.kill()
    assert are_gone(family)


def test_it_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    started: list[LocalProcess] = []
    thread = threading.Thread(target=lambda: started.append(_start(tmp_path, "sleep", "600")))
    thread.start()
    thread.join()
    pause(0.3, "a process that ends with its thread would have ended")
    assert started[0].running
    started[0].stop()


def test_lines_are_passed_to_the_callback(tmp_path: Path) -> None:
    lines: list[str] = []
    process = LocalProcess("it", ["sh", "-c", "echo one; echo two >&2"], env=ENV, log=tmp_path, on_line=lines.append)
    process.start()
    process.wait(HANG_S)
    assert lines == ["one", "two"]


def test_a_signal_to_an_ended_process_is_refused(tmp_path: Path) -> None:
    process = _start(tmp_path, "true")
    process.wait(HANG_S)
    with pytest.raises(LocalStackError, match="it is not running"):
        process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_everything_ends_when_the_parent_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    parent = start_script(
        f"""
import pathlib, sys, time
from config.local.process import LocalProcess
p = LocalProcess("it", [sys.executable, "-c", {STUBBORN!r}], env={{}}, log=pathlib.Path({str(tmp_path)!r}, "log"),
                 grace_s=0.3, remove=[pathlib.Path({str(doomed)!r})])
p.start()
time.sleep(600)
"""
    )
    wait_for("a word", lambda: _says(tmp_path / "log", "ready"))
    family = family_of(parent.pid)
    assert len(family) == 4  # The parent, the supervisor, the program and its daemon.
    parent.send_signal(number)
    parent.wait(HANG_S)
    wait_for("the end", lambda: are_gone(family))
    wait_for("removal", lambda: not doomed.exists())


def test_the_program_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    process = _start(tmp_path, "sleep", "600")
    program = psutil.Process(process.pid)
    # Until exec replaces the supervisor's child with the program, that child ends by itself.
    wait_for("the program", lambda: program.name() == "sleep")
    supervisor = program.parent()
    assert supervisor is not None
    supervisor.kill()
    wait_for("the end", lambda: are_gone([program]))
    assert process.wait(HANG_S) == -signal.SIGKILL
