"""Processes of this machine as the kernel shows them, without looking at anything that may hang."""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.core.process.logging import get_logger

log = get_logger(__name__)

# Makes a worker's process write the stack of each of its threads, by ``faulthandler`` and to its standard error.
STACKS_SIGNAL = signal.SIGUSR2

_PROC = Path("/proc")
_WRITE_STACKS_S = 1.0


@dataclass(frozen=True, slots=True)
class Process:
    """``born`` is counted from the machine's start. It tells a process from a later one of the same number."""

    pid: int
    parent: int
    state: str
    born: int


def find_process(pid: int, born: int | None = None) -> Process | None:
    """Return the process, or None if it has ended or is not the one that was ``born`` then."""
    try:
        process = _read(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return process if process.state not in "ZX" and born in (None, process.born) else None


def this_process() -> Process:
    return _read(os.getpid())


def list_children(pid: int) -> list[Process]:
    """Return the living children of a process."""
    found = (find_process(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit())
    return [process for process in found if process is not None and process.parent == pid]


def describe(process: Process) -> str:
    """Return ``pid:state:function of the kernel in which it waits``, for a log line."""
    waits_in = ""
    with contextlib.suppress(OSError):
        waits_in = (_PROC / str(process.pid) / "wchan").read_text()
    return f"{process.pid}:{process.state}:{waits_in if waits_in not in ('', '0') else '-'}"


def send_signal(process: Process, number: signal.Signals) -> None:
    """Send a signal to this very process, if it is still there."""
    if find_process(process.pid, process.born) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def end_stuck(pid: int, born: int) -> None:
    """Kill one process, after it has written its stacks."""
    process = find_process(pid, born)
    if process is not None:
        log.error("operations.watchdog.ending_process", process=describe(process))
        _write_stacks([process])
        send_signal(process, signal.SIGKILL)


def end_family(pid: int, born: int, grace_s: float) -> bool:
    """Ask a process to end; after ``grace_s`` kill it, its children and its group. Returns whether it ended itself."""
    main = find_process(pid, born)
    if main is None:
        return True
    family = [main, *list_children(pid)]
    _write_stacks(family)
    send_signal(main, signal.SIGTERM)
    for process in family:
        # One that is stopped handles SIGTERM only once it continues. It can then hand back its steps.
        send_signal(process, signal.SIGCONT)
    deadline = time.monotonic() + grace_s
    while (is_there := find_process(pid, born) is not None) and time.monotonic() < deadline:
        time.sleep(0.1)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # Only a group of its own: another may hold its supervisor, or this process.
        if is_there and os.getpgid(pid) == pid != os.getpgrp():
            os.killpg(pid, signal.SIGKILL)
    for process in family:
        send_signal(process, signal.SIGKILL)
    return not is_there


def _write_stacks(family: Sequence[Process]) -> None:
    log.warning("operations.watchdog.processes", processes=" ".join(describe(process) for process in family))
    for process in family:
        send_signal(process, STACKS_SIGNAL)
    time.sleep(_WRITE_STACKS_S)


def _read(pid: int) -> Process:
    # The second field is the program's name in parentheses, which may itself hold spaces.
    fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    return Process(pid, int(fields[1]), fields[0].decode(), int(fields[19]))
