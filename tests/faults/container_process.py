"""A container's contents as processes of this machine: its first process, supervisord, and the real configuration."""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

import psutil

from config.local import folders, redis
from config.local.folders import CHECKOUT
from config.local.process import LocalProcess
from tests.patience import HANG_S, patient_s

HEAD = r"timestamp=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z level=(debug|info|warning|error|critical) event=\S+"
# Long enough for production's rules. None of them may appear in any output.
SECRETS = {
    "JWT_SECRET": "canary-of-jwt-zV7kQ2mX9pL4wR8tY1nB6cF3",
    "FLASK_SECRET_KEY": "canary-of-flask-uE4iO8aW2qS6xC1vN9mK7l",
    "REDIS_PASSWORD": "canary-of-redis/qT8wE3rY6uI1oP9aS4dF7gH2",
    "METRICS_TOKEN": "canary-of-metrics-hG5fD3sA9kL2mN7bV4cX1z",
}


def programs_folder(folder: Path) -> Path:
    """Make a folder with a ``redis-server`` program, as in the API's image. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "redis-server").symlink_to(redis.find_program())
    return folder


class ContainerProcess:
    """Runs in a ``with`` block, with its own temporary folder and ports.

    Args:
        name: ``api`` or ``worker``: selects supervisor's configuration.
        folder: Where its files and output go.
        config: Use this configuration instead.
        changes: Environment variables that override a container's.
    """

    def __init__(self, name: str, folder: Path, *, config: Path | None = None, **changes: str) -> None:
        self.prefix = f"[{name.upper()}]"
        self.port = folders.free_port()
        self.redis_port = folders.free_port()
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        self._log = folder / "output.log"
        port = {"api": "PORT", "worker": "WATCHDOG_PORT"}[name]
        path = [str(programs_folder(folder / "programs")), str(Path(sys.executable).parent), os.environ["PATH"]]
        self.env = {
            **SECRETS,
            "ENVIRONMENT": "production",
            "PUBLIC_URL": "https://api.example.org",
            # The tests use this host name; probes need none.
            "ALLOWED_HOSTS": "127.0.0.1",
            "FRONTEND_URL": "https://app.example.org",
            "TRUSTED_PROXY_HEADER": "none",
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "PATH": ":".join(path),
            "TMPDIR": str(self.temporary),
            "LOG_PREFIX": self.prefix,
            "GUNICORN_WORKERS": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "WORKER_STATE_FOLDER": str(self.temporary / "worker"),
            port: str(self.port),
            **changes,
        }
        self.process = LocalProcess(
            f"{name} container",
            [
                *("python", "-m", "backend.operations.container"),
                *("python", "-m", "backend.cli", "supervise", str(config or f"config/supervisor-{name}.conf")),
            ],
            env=self.env,
            log=self._log,
            grace_s=patient_s(60),
            folder=CHECKOUT,
        )

    def __enter__(self) -> Self:
        self.process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    @property
    def output(self) -> str:
        """Everything it has printed so far."""
        return self._log.read_text() if self._log.exists() else ""

    def says(self, text: str) -> bool:
        return text in self.output

    def processes(self) -> list[psutil.Process]:
        """Return its first process and all descendants."""
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]

    def get(self, path: str) -> tuple[int, Any]:
        """Return the status and body of a response on its port, or status 0 if there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=HANG_S) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None

    def health(self) -> str | None:
        """Return the API's health status, or None if it does not respond."""
        body = self.get("/api/v1/health")[1]
        return None if body is None else str(body["status"])


def check_lines(output: str, prefix: str, *, as_json: bool = False) -> list[str]:
    """Check that every line has our log format and is short. Returns the lines."""
    lines = output.splitlines()
    assert lines
    for line in lines:
        assert len(line.encode()) < 2048, line
        if as_json:
            fields = json.loads(line.removeprefix(f"{prefix} "))
            assert line.startswith(f"{prefix} {{"), line
            assert {"timestamp", "level", "event"} <= fields.keys(), line
        else:
            assert re.match(re.escape(prefix) + " " + HEAD, line), line
    return lines
