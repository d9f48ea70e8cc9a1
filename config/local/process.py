"""One process of the local stack, which ends with the process that started it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

_MAX_LOG_BYTES = 10_000_000
# Far longer than any program needs to get ready. It ends the wait for one that hangs.
_READY_S = 240.0
_POLL_S = 0.02
_SUPERVISOR = Path(__file__).with_name("supervise.py")


class LocalStackError(Exception):
    """An error of the local stack, in one line for the person at the terminal."""


class Identity(NamedTuple):
    """The user and group that a process runs as, by number."""

    user: int
    group: int


class LocalProcess:
    """A command under a supervisor. It ends when this process ends.

    Args:
        name: Its name in messages and logs.
        command: The program and its arguments.
        env: Its complete environment.
        log: The file to which its output is appended. A too large file is replaced at the start.
        on_line: Called with each line of its output instead, from a separate thread.
        stop_signal: The signal that asks the program to end.
        grace_s: Seconds to wait after the stop signal before it is killed.
        identity: The user and group that it runs as; needs root.
        folder: Its working directory.
        remove: Folders to remove at its end if this process has ended before.
        hold: Descriptors, for example of a lock, kept open until everything it has started is gone.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        on_line: Callable[[str], None] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace_s: float = 10.0,
        identity: Identity | None = None,
        folder: Path = Path("/"),
        remove: Sequence[Path] = (),
        hold: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.pid = 0
        self._command = list(command)
        self._env = dict(env)
        self._log = log
        self._on_line = on_line
        self._stop_signal = stop_signal
        self._grace_s = grace_s
        self._identity = identity
        self._folder = folder
        self._remove = list(remove)
        self._hold = list(hold)
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start the command. Raises LocalStackError if it cannot be started or is already running."""
        if self.running:
            raise LocalStackError(f"{self.name} is already running.")
        report, report_to = os.pipe()
        order = {
            "command": self._command,
            "identity": self._identity,
            "folder": str(self._folder),
            "stop_signal": self._stop_signal,
            "grace_s": self._grace_s,
            "remove": [str(folder) for folder in self._remove],
            "report_to": report_to,
            "hold": self._hold,
        }
        with contextlib.ExitStack() as opened:
            opened.callback(os.close, report)
            output: int = subprocess.PIPE
            if self._on_line is None:
                self._log.parent.mkdir(parents=True, exist_ok=True)
                if self._log.exists() and self._log.stat().st_size > _MAX_LOG_BYTES:
                    self._log.unlink()
                output = opened.enter_context(self._log.open("ab")).fileno()
            try:
                self._supervisor = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(_SUPERVISOR), json.dumps(order)],
                    env=self._env,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=[report_to, *self._hold],
                    start_new_session=True,
                )
            finally:
                os.close(report_to)
            if self._on_line is not None:
                self._reader = threading.Thread(target=self._read_lines, args=(self._on_line,), daemon=True)
                self._reader.start()
            reported = os.read(report, 32)
        if not reported:
            self.wait()
            raise LocalStackError(f"{self.name} could not be started: {self.last_lines()}")
        self.pid = int(reported)

    def _read_lines(self, on_line: Callable[[str], None]) -> None:
        if self._supervisor is not None and self._supervisor.stdout is not None:
            for line in self._supervisor.stdout:
                on_line(line.decode("utf-8", "replace").rstrip("\n"))

    @property
    def running(self) -> bool:
        """Whether the command, or anything it has started, is alive."""
        return self._supervisor is not None and self._supervisor.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit code, 128 + n after signal n, or None while it runs or before it was started."""
        return None if self._supervisor is None else self._supervisor.poll()

    def wait_until(self, ready: Callable[[], bool]) -> bool:
        """Wait until ``ready`` returns True. Returns False if the process ends first, or never gets ready."""
        deadline = time.monotonic() + _READY_S
        while self.running and time.monotonic() < deadline:
            if ready():
                # Another server on the same port would look ready too.
                return self.running
            time.sleep(_POLL_S)
        return False

    def ask_to_stop(self) -> None:
        """Ask it to end, and return immediately. It is killed after the grace period."""
        if self.running and self._supervisor is not None:
            self._supervisor.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait until it and everything it has started have ended. Returns the exit code.

        Raises subprocess.TimeoutExpired.
        """
        if self._supervisor is None:
            return None
        code = self._supervisor.wait(timeout_s)
        if self._reader is not None:
            self._reader.join(timeout=5)
        for pipe in (self._supervisor.stdin, self._supervisor.stdout):
            if pipe is not None:
                pipe.close()
        return code

    def stop(self) -> int | None:
        """Ask it to end, wait, and return the exit code. Does nothing if it has ended."""
        self.ask_to_stop()
        # The supervisor kills it after the grace period, so this bound is never reached.
        return self.wait(self._grace_s + 30)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the command itself. Raises LocalStackError if it has ended."""
        if not self.running:
            raise LocalStackError(f"{self.name} is not running.")
        os.kill(self.pid, number)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int | None:
        """Kill the command, and wait until it and everything it has started are gone. Returns the exit code."""
        self.send_signal(number)
        return self.wait(self._grace_s + 30)

    def last_lines(self, count: int = 5) -> str:
        """Return the last lines of the log as one line, for an error message."""
        if self._on_line is not None or not self._log.exists():
            return "see above"
        with self._log.open("rb") as file:
            file.seek(max(0, self._log.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").splitlines()
        return " | ".join(line.strip() for line in lines[-count:] if line.strip()) or "no output"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
