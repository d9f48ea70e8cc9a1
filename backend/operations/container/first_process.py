"""The first process of a container: ``python -m backend.operations.container.first_process COMMAND …``.

It runs the command, hands signals on, reaps orphans, and puts every line that anybody prints into the form of our
log lines (prefix, time, level, event): those of Redis, supervisord, and of an interpreter that fails before any of
our code is loaded. SIGUSR1 from a process inside means that the container is of no use any more: the command is
ended and the exit code is 1, where supervisord's would be 0.

Needs the standard library alone: it stays small, and works when nothing else does.
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
"""The environment variable in which the processes of the container find whom to signal."""

_HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR2)
_PIECE = 65_536
_UNKNOWN = "process.output"
_LONGEST_DRAIN_S = 2.0
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


class LineFormer:
    """Makes log lines of ours from what the processes of a container print."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._prefix = environment.get("LOG_PREFIX", "")
        self._as_json = environment.get("LOG_FORMAT") == "json"
        level = environment.get("LOG_LEVEL", "INFO").lower()
        self._least = _LEVELS.index(level) if level in _LEVELS else 0
        self._secrets = find_secrets(environment)
        self._rest = b""

    def form(self, data: bytes) -> Iterator[str]:
        """Yield the lines that ``data`` completes."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _PIECE:
            # A line without an end would fill the memory.
            complete.append(self._rest)
            self._rest = b""
        for line in complete:
            yield from self._form(line)

    def form_rest(self) -> Iterator[str]:
        """Yield what was printed last, without an end of line."""
        rest, self._rest = self._rest, b""
        yield from self._form(rest)

    def _form(self, data: bytes) -> Iterator[str]:
        text = data.decode(errors="replace").rstrip("\r")
        start = f"{self._prefix} " if self._prefix else ""
        if text.startswith(start) and _OURS.match(text, len(start)):
            # Formed already, though perhaps by somebody who only pretends to be of ours.
            yield cut(hide_secrets(escape(text), self._secrets))
        elif text.strip():
            level, event, message = _recognise(text)
            # What nobody gave a level may be the reason why a program does not start.
            if event == _UNKNOWN or _LEVELS.index(level) >= self._least:
                timestamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
                fields = {"timestamp": timestamp, "level": level, "event": event, "message": message}
                yield from render(fields, prefix=self._prefix, as_json=self._as_json, secrets=self._secrets)


def _recognise(text: str) -> tuple[str, str, str]:
    """Return level, event and message of a line that is none of ours."""
    if found := _SUPERVISOR.fullmatch(text):
        return _SUPERVISOR_LEVELS.get(found[1], "debug"), "supervisord.log", found[2]
    if found := _REDIS.fullmatch(text):
        return _REDIS_LEVELS[found[1]], "redis.log", found[2]
    return "warning", _UNKNOWN, text


class FirstProcess:
    """Runs one command to its end."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._former = LineFormer(os.environ)
        self._failed = False
        self._child: subprocess.Popen[bytes] | None = None
        self._status: int | None = None

    def run(self) -> int:
        """Return the exit code: the command's, 128 + n when signal n ended it, 1 when the container has failed."""
        output, for_child = os.pipe()
        woken, waker = os.pipe()
        for end in (woken, waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in _HANDED_ON:
            # At once, even while a write waits for whoever reads our lines.
            signal.signal(number, lambda given, _frame: self._signal(given))
        for number in (signal.SIGUSR1, signal.SIGCHLD):
            # A handler that does nothing: the loop learns of the signal from the pipe.
            signal.signal(number, lambda *_: None)
        try:
            # Kept, because an object that is dropped collects its process, whose end would then go unnoticed here.
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=for_child,
                stderr=for_child,
                env={**os.environ, CONTAINER_PID: str(os.getpid())},
            )
        except OSError as error:
            self._print(self._former.form(f"{self._command[0]}: {error.strerror}\n".encode()))
            return 127 if isinstance(error, FileNotFoundError) else 126
        finally:
            os.close(for_child)
        sources = [output, woken]
        while self._status is None:
            ready, _, _ = select.select(sources, [], [])
            if output in ready:
                data = os.read(output, _PIECE)
                self._print(self._former.form(data))
                if not data:
                    # Everybody has closed it, and it would be ready for ever.
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
        """Collect whoever has ended: the command, or what others have left behind."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if self._child is not None and pid == self._child.pid:
                    self._status = status
                    self._child.returncode = os.waitstatus_to_exitcode(status)

    def _drain(self, output: int) -> None:
        """Print what is still in the pipe; an orphan that holds its other end is not waited for, nor listened to."""
        os.set_blocking(output, False)
        deadline = time.monotonic() + _LONGEST_DRAIN_S
        with contextlib.suppress(BlockingIOError):
            while time.monotonic() < deadline and (data := os.read(output, _PIECE)):
                self._print(self._former.form(data))
        self._print(self._former.form_rest())

    @staticmethod
    def _print(lines: Iterator[str]) -> None:
        data = "".join(f"{line}\n" for line in lines).encode(errors="replace")
        # Nobody reads any more: that is no reason to stop working.
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(1, data) :]


def main() -> int:
    """Run the command of the arguments."""
    if len(sys.argv) < 2:
        sys.stderr.write("usage: python -m backend.operations.container.first_process COMMAND …\n")
        return 2
    return FirstProcess(sys.argv[1:]).run()


if __name__ == "__main__":
    sys.exit(main())
