"""A worker and its watchdog under supervisord, as in the container, with sockets and folders of their own."""

import json
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psutil

from config.local import folders
from config.local.folders import CHECKOUT
from config.local.process import LocalProcess
from config.local.stack import LocalStack

_CONFIG = """
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid

[program:celery]
command={python} -m celery -A backend.worker worker
stopasgroup=false
killasgroup=true
stopwaitsecs=15
startretries=100
autorestart=true
redirect_stderr=true
stdout_logfile={folder}/celery.log
stdout_logfile_maxbytes=0

[program:watchdog]
command={python} -m backend.cli watchdog
autorestart={restart_watchdog}
startsecs=0
redirect_stderr=true
stdout_logfile={folder}/watchdog.log
stdout_logfile_maxbytes=0
"""


class SupervisedWorker:
    """``start`` and ``close``, and ways to look at the two programs; ``code`` is the checkout that they run."""

    def __init__(self, stack: LocalStack, folder: Path, *, code: Path = CHECKOUT, **changes: str) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port = folders.free_port()
        folder.mkdir(parents=True, exist_ok=True)
        env = {
            **stack.env,
            "WORKER_STATE_FOLDER": str(self.state),
            "WATCHDOG_PORT": str(self.port),
            "WATCHDOG_INTERVAL_S": "0.5",
            "WATCHDOG_SILENCE_S": "6",
            "WATCHDOG_PAUSE_S": "3",
            **changes,
        }
        config = folder / "supervisord.conf"
        restart = "false" if "CONTAINER_PID" in changes else "unexpected"
        config.write_text(_CONFIG.format(folder=folder, python=sys.executable, restart_watchdog=restart))
        self._process = LocalProcess(
            "supervisord",
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
            env=env,
            log=folder / "output.log",
            grace_s=30,
            folder=code,
        )

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def main(self) -> psutil.Process | None:
        """Return Celery's main process, once it has given a sign of life."""
        try:
            pid = int(json.loads((self.state / "worker.json").read_text())["pid"])
            process = psutil.Process(pid)
            return process if process.status() != psutil.STATUS_ZOMBIE else None
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None

    def pool(self) -> list[int]:
        """Return the processes of Celery's pool."""
        main = self.main()
        try:
            return [child.pid for child in main.children()] if main else []
        except psutil.NoSuchProcess:
            return []

    def canary(self) -> float | None:
        """Return when, by the monotonic clock, a canary last came back."""
        try:
            return float(json.loads((self.state / "canary.json").read_text())["at"])
        except (OSError, ValueError):
            return None

    def log(self, program: str = "watchdog") -> str:
        """Return what a program has printed."""
        file = self.folder / f"{program}.log"
        return file.read_text() if file.exists() else ""

    def events(self, name: str) -> list[str]:
        """Return the watchdog's lines of one event."""
        return [line for line in self.log().splitlines() if f"operations.watchdog.{name}" in line]

    def liveness(self, path: str = "/health/live") -> tuple[int, Any]:
        """Return the status and the body of the watchdog's answer, or 0 when there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None


def freeze(process: psutil.Process) -> Callable[[], None]:
    """Stop a process; return what lets it go on if it is still there."""
    process.send_signal(signal.SIGSTOP)

    def thaw() -> None:
        if process.is_running():
            process.send_signal(signal.SIGCONT)

    return thaw
