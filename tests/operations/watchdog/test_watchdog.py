"""One watchdog beside two programs: it ends the one that hangs, and leaves the other alone."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from backend.core.work.programs import Program
from backend.operations.watchdog.heartbeat import MAIN
from backend.operations.watchdog.processes import find_process
from backend.operations.watchdog.watchdog import watch
from backend.settings import Settings
from config.local import folders
from tests.patience import HANG_S, join, wait_for

# Ends at SIGTERM, and not when it is asked for its stacks.
_PROGRAM = (
    "import faulthandler, signal; faulthandler.register(signal.SIGUSR2); print(flush=True)\nwhile True: signal.pause()"
)
# Ahead of the clock: this main process moves for as long as the test runs.
_LONG_S = 3600.0


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[dict[Program, subprocess.Popen[bytes]]]:
    """Two running processes, each with a heartbeat in a folder of its own; that of ``calling`` is the last one."""
    started = {}
    for name, ahead_s in ((Program.COMPUTING, _LONG_S), (Program.CALLING, 0.0)):
        command = [sys.executable, "-c", _PROGRAM]
        program = started[name] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert program.stdout is not None
        program.stdout.readline()
        process = find_process(program.pid)
        assert process is not None
        # With no place, no canary is expected.
        heartbeat = {"pid": process.pid, "born": process.born, "name": name, "places": 0}
        (tmp_path / name).mkdir()
        (tmp_path / name / MAIN).write_text(json.dumps({**heartbeat, "at": time.monotonic() + ahead_s}))
    yield started
    for program in started.values():
        program.kill()
        program.communicate()


def test_each_program_is_judged_by_its_own_signs(
    app: Flask, settings: Settings, engine: sa.Engine, programs: dict[Program, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, stop = folders.free_port(), threading.Event()
    changes = {"watchdog_port": port, "watchdog_interval_s": 0.1, "watchdog_silence_s": 4.0}
    folder_of = {name: tmp_path / name for name in programs}
    codes: list[int] = []

    def run() -> None:
        codes.append(watch(app, settings.model_copy(update=changes), folder_of, stop))

    watching = threading.Thread(target=run)
    watching.start()
    try:
        assert programs[Program.CALLING].wait(HANG_S) == -15
        wait_for("the end is seen", lambda: ask(port)["calling"]["worker"] is None)
        body = ask(port)
    finally:
        stop.set()
        join(watching)
    assert codes == [0]
    assert programs[Program.COMPUTING].poll() is None
    assert (body["status"], body["worker"], body["restarts"]) == ("alive", "computing", 0)
    assert (body["calling"]["worker"], body["calling"]["restarts"]) == (None, 1)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT name, program, restart_reason FROM workers ORDER BY name")).all()
    assert [tuple(row) for row in rows] == [
        ("calling", "calling", "heartbeat"),
        ("computing", "computing", None),
    ]


def ask(port: int) -> dict:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_S)
    connection.request("GET", "/health/live")
    body = json.loads(connection.getresponse().read())
    connection.close()
    return body
