"""The first process of a container: ``python -m backend.operations.container COMMAND …``.

It runs the command, forwards signals, reaps orphans, and gives every printed line the format of our log lines
(prefix, time, level, event). That includes the lines of Redis, of supervisord, and of an interpreter that fails
before it loads our code. SIGUSR1 from a process inside means that the container can no longer do its work: the
command is ended and the exit code is 1, where supervisord's would be 0.

Imports only the standard library, so it stays small and works when nothing else does.
"""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from backend.core.process.log_lines import cut, escape, find_secrets, hide_secrets, render

CONTAINER_PID = "CONTAINER_PID"
"""The environment variable with the pid of the first process, for processes in the container that signal it."""

_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR2)
_MAX_READ_BYTES = 65_536
_UNKNOWN = "process.output"
_DRAIN_TIMEOUT_S = 2.0
_OURS = re.compile(r'timestamp=\S+ level=\w+ event=|\{.*"timestamp": "')
_LEVELS = ("debug", "info", "warning", "error")
_SUPERVISOR = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (CRIT|ERRO|WARN|INFO|DEBG|TRAC|BLAT) (.*)", re.DOTALL)
_SUPERVISOR_LEVELS = {"CRIT": "error", "ERRO": "error", "WARN": "warning", "INFO": "info"}
_REDIS = re.compile(r"\d+:[XCSM] \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} ([.\-*#]) (.*)", re.DOTALL)
_REDIS_LEVELS = {".": "debug", "-": "debug", "*": "info", "#": "warning"}


def end_container() -> None:
    """Have the first process end the container. Called in the other ones; does nothing outside of a container."""
    pid = os.environ.get(CONTAINER_PID)
    if pid:
        os.kill(int(pid), signal.SIGUSR1)


class LineFormatter:
    """Turns the output of a container's processes into log lines."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._prefix = environment.get("LOG_PREFIX", "")
        self._as_json = environment.get("LOG_FORMAT") == "json"
        level = environment.get("LOG_LEVEL", "INFO").lower()
        self._min_level = _LEVELS.index(level) if level in _LEVELS else 0
        self._secrets = find_secrets(environment)
        self._rest = b""

    def format(self, data: bytes) -> Iterator[str]:
        """Yield the lines that `data` completes."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _MAX_READ_BYTES:
            # An endless line would fill the memory.
            complete.append(self._rest)
            self._rest = b""
        for line in complete:
            yield from self._format(line)

    def format_rest(self) -> Iterator[str]:
        """Yield the last line if it has no newline."""
        rest, self._rest = self._rest, b""
        yield from self._format(rest)

    def _format(self, data: bytes) -> Iterator[str]:
        text = data.decode(errors="replace").rstrip("\r")
        start = f"{self._prefix} " if self._prefix else ""
        if text.startswith(start) and _OURS.match(text, len(start)):
            # Already in our format, or imitating it, so secrets are hidden here too.
            yield cut(hide_secrets(escape(text), self._secrets))
        elif text.strip():
            level, event, message = _recognise(text)
            # Output without a level may explain why a program does not start.
            if event == _UNKNOWN or _LEVELS.index(level) >= self._min_level:
                timestamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
                fields = {"timestamp": timestamp, "level": level, "event": event, "message": message}
                yield from render(fields, prefix=self._prefix, as_json=self._as_json, secrets=self._secrets)


def _recognise(text: str) -> tuple[str, str, str]:
    """Return level, event and message of a line that is not ours."""
    if found := _SUPERVISOR.fullmatch(text):
        return _SUPERVISOR_LEVELS.get(found[1], "debug"), "supervisord.log", found[2]
    if found := _REDIS.fullmatch(text):
        return _REDIS_LEVELS[found[1]], "redis.log", found[2]
    return "warning", _UNKNOWN, text


class FirstProcess:
    """Runs one command to its end."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._formatter = LineFormatter(os.environ)
        self._failed = False
        self._child: subprocess.Popen[bytes] | None = None
        self._status: int | None = None

    def run(self) -> int:
        """Return the exit code: the command's, 128 + n if signal n ended it, or 1 if the container has failed."""
        output, for_child = os.pipe()
        woken, waker = os.pipe()
        for end in (woken, waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in _FORWARDED:
            # Immediately, even while a write is blocked by the reader of our lines.
            signal.signal(number, lambda given, _frame: self._signal(given))
        for number in (signal.SIGUSR1, signal.SIGCHLD):
            # A handler that does nothing: the loop learns of the signal from the pipe.
            signal.signal(number, lambda *_: None)
        try:
            # Kept: a Popen object that is garbage-collected reaps its process, and we would miss its end.
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=for_child,
                stderr=for_child,
                env={**os.environ, CONTAINER_PID: str(os.getpid())},
            )
        except OSError as error:
            self._print(self._formatter.format(f"{self._command[0]}: {error.strerror}\n".encode()))
            return 127 if isinstance(error, FileNotFoundError) else 126
        finally:
            os.close(for_child)
        sources = [output, woken]
        while self._status is None:
            ready, _, _ = select.select(sources, [], [])
            if output in ready:
                data = os.read(output, _MAX_READ_BYTES)
                self._print(self._formatter.format(data))
                if not data:
                    # All writers have closed it, so select would always report it as ready.
                    sources.remove(output)
            if woken in ready:
                self._react(os.read(woken, 512))
        self._drain(output)
        code = os.waitstatus_to_exitcode(self._status)
        return max(1, code) if self._failed else code if code >= 0 else 128 - code

    def _react(self, numbers: bytes) -> None:
        for number in numbers:
            if number == signal.SIGCHLD:
                self._reap()
            elif number == signal.SIGUSR1:
                self._failed = True
                self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        if self._child is not None and self._status is None:
            os.kill(self._child.pid, number)

    def _reap(self) -> None:
        """Reap processes that have ended: the command and orphans."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if self._child is not None and pid == self._child.pid:
                    self._status = status
                    self._child.returncode = os.waitstatus_to_exitcode(status)

    def _drain(self, output: int) -> None:
        """Print what is still in the pipe, without waiting for orphans that keep it open."""
        os.set_blocking(output, False)
        deadline = time.monotonic() + _DRAIN_TIMEOUT_S
        with contextlib.suppress(BlockingIOError):
            while time.monotonic() < deadline and (data := os.read(output, _MAX_READ_BYTES)):
                self._print(self._formatter.format(data))
        self._print(self._formatter.format_rest())

    @staticmethod
    def _print(lines: Iterator[str]) -> None:
        data = "".join(f"{line}\n" for line in lines).encode(errors="replace")
        # A closed output is no reason to stop the container.
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(1, data) :]


def main() -> int:
    """Run the command of the arguments."""
    if len(sys.argv) < 2:
        sys.stderr.write("usage: python -m backend.operations.container COMMAND …\n")
        return 2
    return FirstProcess(sys.argv[1:]).run()
