"""The whole system on this machine: PostgreSQL, Redis, the API, workers and the sweeper, as real processes.

A worker is two processes of ours, as in its container: the computing program has the worker's name, and the calling one
the name that ``calling_part`` returns.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil
import redis as redis_client
from kombu import Connection
from kombu.pidbox import Mailbox

from config.local import folders
from config.local.folders import CHECKOUT, LOCAL
from config.local.postgres import PostgresServer
from config.local.postgres import server as postgres_server
from config.local.process import LocalProcess, LocalStackError
from config.local.redis import RedisServer
from config.local.redis import server as redis_server
from config.local.server import LocalServer

API = "api"
SWEEPER = "sweeper"
# A release without this file has only the computing program, under another name.
_CALLING_FILE = Path("backend/worker/calling.py")
# The set in which kombu lists the workers that listen for commands.
_LISTENING = "_kombu.binding.celery.pidbox"


def calling_part(worker: str) -> str:
    """Return the name of a worker's calling program."""
    return f"{worker}-calls"


class LocalStack:
    """The real system. ``start`` returns when the API is healthy; everything ends with this process.

    Args:
        keep: Under which name the data is kept in the checkout; None for throw-away data.
        port: Port of the API; a free one by default.
        api: Whether to start the API.
        workers: How many workers to start, named ``worker-1``, ``worker-2``, …
        sweeper: Whether to start the sweeper, without which lost work stays lost.
        migrate: Whether to bring the database up to date first, which takes a while where it is so already.
        env: Environment variables for all of our processes, over those of this one; None removes one.
        logs: The folder of the logs, a file for each process.
        on_line: Called with a process's name and each line of its output instead, from several threads.
        postgres: The database server instead of that of ``DATABASE_URL`` or one of our own.
        redis: The Redis server instead of that of ``REDIS_URL`` or one of our own.
        code: The checkouts that parts run the code of, by the part's name, where that is not this one. A worker's name
            stands for both of its programs.
    """

    def __init__(
        self,
        keep: str | None = None,
        *,
        port: int | None = None,
        api: bool = True,
        workers: int = 1,
        sweeper: bool = True,
        migrate: bool = True,
        env: Mapping[str, str | None] | None = None,
        logs: Path | None = None,
        on_line: Callable[[str, str], None] | None = None,
        postgres: PostgresServer | None = None,
        redis: RedisServer | None = None,
        code: Mapping[str, Path] | None = None,
    ) -> None:
        self.port = port or folders.free_port()
        self.logs = logs or LOCAL / "logs" / (keep or "stack")
        self.postgres = postgres or postgres_server(keep, log=self.logs / "postgres.log")
        self.redis = redis or redis_server(keep, log=self.logs / "redis.log")
        self._wanted = [API] * api + [SWEEPER] * sweeper
        self._workers = [f"worker-{n + 1}" for n in range(workers)]
        self._migrate = migrate
        self._overrides = dict(env or {})
        self._on_line = on_line
        self._code = dict(code or {})
        self._parts: dict[str, LocalProcess] = {}

    @property
    def url(self) -> str:
        """Where the server is, for instance ``http://127.0.0.1:23456``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """Where the API is: ``url`` with ``/api/v1``."""
        return f"{self.url}/api/v1"

    @property
    def env(self) -> dict[str, str]:
        """The environment of our processes."""
        env: dict[str, str | None] = {
            "ENVIRONMENT": "development",
            **os.environ,
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "PORT": str(self.port),
            "PUBLIC_URL": os.environ.get("PUBLIC_URL") or f"http://localhost:{self.port}",
            "PYTHONUNBUFFERED": "1",
            # Read before Python code of ours runs: a worker told to stop hands its steps back at once.
            "REMAP_SIGTERM": "SIGQUIT",
            **self._overrides,
        }
        return {name: value for name, value in env.items() if value is not None}

    def start(self) -> None:
        """Start the servers, bring the database up to date, start the parts; return when all is healthy.

        Raises LocalStackError, after ending what was started.
        """
        try:
            self.postgres.start()
            self.redis.start()
            if self._migrate:
                self.migrate()
            for name in self._wanted:
                self._start(name)
            for name in self._workers:
                self._start_programs(name)
            if API in self._parts:
                self.wait_until_healthy()
        except BaseException:
            self.close()
            raise

    def migrate(self) -> None:
        """Bring the database to the newest schema. Raises LocalStackError."""
        command = [sys.executable, "-m", "backend.cli", "migrate"]
        done = subprocess.run(command, check=False, cwd=CHECKOUT, env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            text = (done.stderr or done.stdout).strip() or "no output"
            # A refusal names each variable in a line of its own; of anything else the last line says most.
            reason = text if text.startswith("Refusing") else text.splitlines()[-1]
            raise LocalStackError(f"The database could not be brought up to date: {reason}")

    def part(self, name: str) -> LocalProcess:
        """Return a process of ours: ``api``, ``sweeper`` or a worker's name. Raises LocalStackError."""
        if name not in self._parts:
            raise LocalStackError(f"There is no “{name}” in this stack.")
        return self._parts[name]

    def _start(self, name: str) -> None:
        if name == API:
            self._run(name, ["gunicorn", "-c", "config/gunicorn.conf.py", "backend.app:create_app()"])
        else:
            self._run(name, ["backend.cli", "sweep"])

    def _start_programs(self, worker: str) -> None:
        folder = self._code.get(worker, CHECKOUT)
        is_older = not (folder / _CALLING_FILE).exists()
        programs = {worker: "backend.worker" if is_older else "backend.worker.computing"}
        if not is_older:
            programs[calling_part(worker)] = "backend.worker.calling"
        for name, app in programs.items():
            self._run(name, ["celery", "-A", app, "worker", "-n", f"{name}@%h"], folder)

    def _programs(self, worker: str) -> list[str]:
        """Return the names of a worker's programs, the computing one first. Raises LocalStackError."""
        self.part(worker)
        return [name for name in (worker, calling_part(worker)) if name in self._parts]

    def _run(self, name: str, command: Sequence[str], folder: Path | None = None) -> None:
        on_line = self._on_line
        self._parts[name] = LocalProcess(
            name,
            [sys.executable, "-m", *command],
            env=self.env,
            log=self.logs / f"{name}.log",
            on_line=None if on_line is None else lambda line: on_line(name, line),
            # As long as a deployment gives them.
            grace_s=60,
            folder=folder or self._code.get(name, CHECKOUT),
        )
        self._parts[name].start()

    def restart(self, name: str) -> None:
        """Stop a process and start it anew, with the environment as it is now."""
        self.part(name).stop()
        self._start(name)
        if name == API:
            self.wait_until_healthy()

    def start_worker(self, name: str) -> None:
        """Start a worker; return when both programs take work. Raises LocalStackError."""
        if name in self._parts:
            raise LocalStackError(f"There is a {name} already.")
        for program in (name, calling_part(name)):
            self._forget_listener(program)
        self._start_programs(name)
        self.wait_for_worker(name)

    def stop_worker(self, name: str) -> int | None:
        """End a worker politely (SIGTERM); return the first exit code of its programs that is not 0."""
        programs = self._programs(name)
        for program in programs:
            self._parts[program].ask_to_stop()
        codes = [self._parts.pop(program).stop() for program in programs]
        return next((code for code in codes if code != 0), 0)

    def kill_worker(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill a worker's programs with the processes of their pools; return when they are gone."""
        for program in self._programs(name):
            self._parts.pop(program).kill(number)

    @property
    def worker_pids(self) -> dict[str, int]:
        """The process ids of the workers that run, by name; of the main process of each one's computing program."""
        calling = {calling_part(name) for name in self._parts}
        others = {API, SWEEPER, *calling}
        return {name: part.pid for name, part in self._parts.items() if name not in others and part.running}

    def program_pids(self, worker: str) -> list[int]:
        """The process ids of a worker's programs, of the main process of each; the computing one first."""
        return [self._parts[name].pid for name in self._programs(worker)]

    def pool_pids(self, name: str) -> list[int]:
        """The process ids of the pool of a worker's computing program, in which tasks run."""
        return [child.pid for child in psutil.Process(self.part(name).pid).children()]

    def wait_until_healthy(self, status: str = "ok") -> None:
        """Wait until the API's health is the status. Raises LocalStackError when that does not happen."""
        if not self._wait(API, lambda: self._health() == status):
            raise LocalStackError(f"The API did not become healthy: {self._health()} ({self.part(API).last_lines()})")

    def _wait(self, name: str, ready: Callable[[], bool]) -> bool:
        """Wait for a part. Raises LocalStackError when any part, or a server, ends."""

        def check_and_ask() -> bool:
            self.check()
            return ready()

        found = self.part(name).wait_until(check_and_ask)
        self.check()
        return found

    def _health(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/api/v1/health")
            return str(json.loads(connection.getresponse().read()).get("status"))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return str(error)
        finally:
            connection.close()

    def wait_for_worker(self, name: str) -> None:
        """Wait until a worker's programs take work. Raises LocalStackError when it does not come to that."""
        for program in self._programs(name):
            self._wait_for_program(program)

    def _wait_for_program(self, name: str) -> None:
        # A program that listens still has to start the loop in which it answers, and told to end before that,
        # it may end with any code.
        if not self._wait(name, lambda: bool(self._listeners(name)) and self._answers(name)):
            raise LocalStackError(f"{name} does not take work: {self.part(name).last_lines()}")

    def _listeners(self, name: str) -> list[bytes]:
        with redis_client.Redis.from_url(self.redis.url, socket_timeout=5) as client:
            return [entry for entry in client.smembers(_LISTENING) if f"{name}@".encode() in entry]

    def _answers(self, name: str) -> bool:
        # Celery's own ping would use a connection of its pool, which a Redis that was restarted has closed.
        with Connection(self.redis.url) as connection:
            mailbox = Mailbox("celery", type="fanout", accept=["json"])(connection)
            return bool(mailbox.call([f"{name}@{socket.gethostname()}"], "ping", timeout=1.0))

    def _forget_listener(self, name: str) -> None:
        """Remove what a killed worker of that name has left, which would look like the new one."""
        with redis_client.Redis.from_url(self.redis.url, socket_timeout=5) as client:
            for entry in self._listeners(name):
                client.srem(_LISTENING, entry)

    def check(self) -> None:
        """Raises LocalStackError, naming the process, when one has ended that was not told to."""
        for name, part in self._parts.items():
            if part.returncode is not None:
                raise LocalStackError(f"{name} ended with code {part.returncode}: {part.last_lines()}")
        for server in (self.postgres, self.redis):
            if isinstance(server, LocalServer) and not server.running:
                raise LocalStackError(f"{server.name} has ended.")

    def close(self) -> None:
        """End everything: what uses the servers first, then Redis, then PostgreSQL. Harmless when repeated."""
        for part in self._parts.values():
            part.ask_to_stop()
        for part in self._parts.values():
            part.stop()
        self.redis.close()
        self.postgres.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
