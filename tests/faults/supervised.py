"""A worker's programs and their watchdog under supervisord, as in the container, with their own folders."""

import contextlib
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import psutil

from backend.core.work.programs import Program
from config.local import folders
from config.local.folders import CHECKOUT
from config.local.postgres import LocalPostgres
from config.local.process import LocalProcess
from config.local.stack import LocalStack
from tests.faults.conftest import Scene, make_stack
from tests.patience import HANG_S, Stopwatch, patient_s, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

# Longer than an idle machine needs from the start of Celery to the first turn of its loop.
_MIN_SILENCE_S = patient_s(6.0)
# A model call that lasts two and a half silences must end before its timeout.
_MAX_SILENCE_S = patient_s(15.0)

APPS: Mapping[Program, str] = {program: f"backend.worker.{program}" for program in Program}

_CONFIG = """
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid

{programs}
[program:watchdog]
command={python} -m {watchdog}
autorestart={restart_watchdog}
startsecs=0
redirect_stderr=true
stdout_logfile={folder}/watchdog.log
stdout_logfile_maxbytes=0
"""


_PROGRAM = """
[program:{name}]
command={python} -m celery -A {app} worker -n {name}@%%h
stopasgroup=false
killasgroup=true
stopwaitsecs=15
startretries=100
autorestart=true
redirect_stderr=true
stdout_logfile={folder}/{name}.log
stdout_logfile_maxbytes=0
"""


class WatchedProgram:
    """What one program's processes write, and the processes themselves."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def heartbeat(self) -> dict[str, Any]:
        """Return the last heartbeat of the main process; empty if there is none."""
        try:
            return dict(json.loads((self.state / "worker.json").read_text()))
        except (OSError, ValueError):
            return {}

    def main(self) -> psutil.Process | None:
        """Return the main process once it has written a heartbeat."""
        try:
            process = psutil.Process(int(self.heartbeat()["pid"]))
            return process if process.status() != psutil.STATUS_ZOMBIE else None
        except (KeyError, psutil.NoSuchProcess):
            return None

    def pool(self) -> list[int]:
        """Return the process ids of the pool."""
        main = self.main()
        try:
            return [child.pid for child in main.children()] if main else []
        except psutil.NoSuchProcess:
            return []

    def canary(self) -> float | None:
        """Return the monotonic time at which the last canary came back, or None."""
        try:
            return float(json.loads((self.state / "canary.json").read_text())["at"])
        except (OSError, ValueError):
            return None

    def wait_for_canary(self) -> None:
        """Wait until another canary has come back."""
        before = self.canary() or 0.0
        wait_for("a canary", lambda: (self.canary() or 0.0) > before)


class SupervisedWorker:
    """Runs in a ``with`` block. ``code`` is the checkout that the programs run; ``apps`` and ``watchdog`` name others.

    ``main``, ``pool`` and ``canary`` are those of the computing program; ``calling`` has those of the other.
    """

    def __init__(
        self,
        stack: LocalStack,
        folder: Path,
        silence_s: float,
        *,
        code: Path = CHECKOUT,
        apps: Mapping[Program, str] = APPS,
        watchdog: str = "backend.cli watchdog",
        **changes: str,
    ) -> None:
        self.folder = folder
        state = folder / "state"
        if code == CHECKOUT:
            self.computing, self.calling = (WatchedProgram(state / program) for program in Program)
        else:
            # The previous release has one program, which writes into the folder itself.
            apps = {Program.COMPUTING: "backend.worker"}
            self.computing = self.calling = WatchedProgram(state)
        self._seen_chars = 0
        self.port = folders.free_port()
        folder.mkdir(parents=True, exist_ok=True)
        env = {
            **stack.env,
            "WORKER_STATE_FOLDER": str(state),
            "WATCHDOG_PORT": str(self.port),
            "WATCHDOG_INTERVAL_S": "0.5",
            "WATCHDOG_SILENCE_S": str(silence_s),
            # Longer than a start on a busy machine, which would otherwise look like another silence.
            "WATCHDOG_PAUSE_S": str(patient_s(20)),
            **changes,
        }
        config = folder / "supervisord.conf"
        restart = "false" if "CONTAINER_PID" in changes else "unexpected"
        values = {"folder": folder, "python": sys.executable}
        programs = "".join(_PROGRAM.format(name=program, app=app, **values) for program, app in apps.items())
        config.write_text(_CONFIG.format(programs=programs, watchdog=watchdog, restart_watchdog=restart, **values))
        self._process = LocalProcess(
            "supervisord",
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
            env=env,
            log=folder / "output.log",
            grace_s=patient_s(60),
            folder=code,
        )

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def main(self) -> psutil.Process | None:
        """Return the computing program's main process once it has written a heartbeat."""
        return self.computing.main()

    def pool(self) -> list[int]:
        """Return the process ids of the computing program's pool."""
        return self.computing.pool()

    def canary(self) -> float | None:
        """Return the time at which the computing program's last canary came back, or None."""
        return self.computing.canary()

    def wait_for_canary(self) -> None:
        """Wait until another canary of the computing program has come back."""
        self.computing.wait_for_canary()

    def log(self, program: str = "watchdog") -> str:
        """Return a program's output."""
        file = self.folder / f"{program}.log"
        return file.read_text() if file.exists() else ""

    def events(self, name: str) -> list[str]:
        """Return the watchdog's lines of one event, without those that were forgotten."""
        return [line for line in self.log()[self._seen_chars :].splitlines() if f"operations.watchdog.{name}" in line]

    def wait_until_steady(self) -> None:
        """Wait until a canary of each program has come back, and forget the lines until then.

        On a busy machine the first start may take so long that the watchdog restarts the worker.
        """
        wait_for("a canary", self.computing.canary)
        wait_for("a canary of the calling program", self.calling.canary)
        self.forget_events()

    def forget_events(self) -> None:
        """Leave the watchdog's lines until now out of ``events``."""
        self._seen_chars = len(self.log())

    def liveness(self, path: str = "/health/live") -> tuple[int, Any]:
        """Return the status and body of the watchdog's response, or status 0 if there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=HANG_S) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None


def silence_of(start_s: float) -> float:
    """Return the limit of a watchdog for a system that took so long to start.

    On a busy machine all starts are slow, and a slow start must not look like a silence.
    """
    return min(max(_MIN_SILENCE_S, start_s / 2), _MAX_SILENCE_S)


class Unattended(Scene):
    """A system without worker and sweep, which the tests add. ``silence_s`` is the limit of their watchdogs."""

    silence_s: float


@contextlib.contextmanager
def unattended(logs: Path) -> Iterator[Unattended]:
    """Start such a system with its own database server."""
    watch = Stopwatch()
    with (
        OpenAIStandIn() as model,
        make_stack(model, logs, LocalPostgres(), workers=0, sweeper=False, CELERY_CONCURRENCY="2") as stack,
    ):
        scene = Unattended(stack, model)
        scene.silence_s = silence_of(watch.took_s)
        yield scene


Watched = SupervisedWorker | WatchedProgram


def main_of(worker: Watched) -> psutil.Process:
    """Wait for the main process of a program, by default the computing one, and return it."""
    return wait_for("the worker", worker.main)


def another(worker: Watched, than: psutil.Process) -> psutil.Process:
    """Wait until the program has another main process that receives canaries."""

    def find() -> psutil.Process | None:
        now = worker.main()
        return now if now is not None and now != than else None

    found = wait_for("another main process", find)
    worker.wait_for_canary()
    return found
