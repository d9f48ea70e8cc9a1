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

_LARGEST_LOG_BYTES = 10_000_000
# Far more than any program takes to get ready: it ends a wait for one that hangs.
_READY_S = 240.0
_POLL_S = 0.02
_SUPERVISOR = Path(__file__).with_name("supervise.py")


class LocalStackError(Exception):
    """What the local stack cannot do, in one line for the person at the terminal."""


class Identity(NamedTuple):
    """The user and group that a process runs as, by number."""

    user: int
    group: int


class LocalProcess:
    """A command under a supervisor: ``start``, ``stop``, ``kill``; ended when this process ends.

    Args:
        name: What it is called in messages and logs.
        command: The program and its arguments.
        env: Its whole environment.
        log: A file that its output is appended to; begun anew when it has got too large.
        on_line: Called with each line of its output instead, from a thread of its own.
        stop_signal: What asks the program to end.
        grace_s: How long it may take to end before it is killed, in seconds.
        identity: Whom it runs as; needs root.
        folder: Its working directory.
        remove: Folders removed at its end when this process has ended before it.
        hold: Descriptors held open until everything it has started is gone, for instance of a lock.
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
        """Start the command. Raises LocalStackError when it cannot be started or runs already."""
        if self.running:
            raise LocalStackError(f"{self.name} is running already.")
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
                if self._log.exists() and self._log.stat().st_size > _LARGEST_LOG_BYTES:
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
        """The exit code, 128 + n after signal n, None while it runs or when it was never started."""
        return None if self._supervisor is None else self._supervisor.poll()

    def wait_until(self, ready: Callable[[], bool]) -> bool:
        """Wait until ``ready`` holds; return False when the process ends before, or never gets there."""
        deadline = time.monotonic() + _READY_S
        while self.running and time.monotonic() < deadline:
            if ready():
                # Somebody else's server on the same port would look ready too.
                return self.running
            time.sleep(_POLL_S)
        return False

    def ask_to_stop(self) -> None:
        """Ask it to end; it is killed when the grace period is over. Returns at once."""
        if self.running and self._supervisor is not None:
            self._supervisor.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for the end of everything it has started; return the exit code.

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
        """Ask it to end, wait for it, return the exit code; harmless when it is gone."""
        self.ask_to_stop()
        # The supervisor kills after the grace period, so a longer wait has nothing left to wait for.
        return self.wait(self._grace_s + 30)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the command itself. Raises LocalStackError when it is gone."""
        if not self.running:
            raise LocalStackError(f"{self.name} is not running.")
        os.kill(self.pid, number)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int | None:
        """Send a deadly signal to the command, wait until it and all it started are gone."""
        self.send_signal(number)
        return self.wait(self._grace_s + 30)

    def last_lines(self, count: int = 5) -> str:
        """Return the end of the log in one line, for an error message."""
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
