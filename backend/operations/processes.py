"""Processes of this machine as the kernel shows them, without a look at anything that may hang."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its number, its parent's, and when it was born, which tells it from a later one of that number."""

    pid: int
    parent: int
    state: str
    born: int


def find_process(pid: int) -> Process | None:
    """Return the process, or None when there is none, or only what is left of one that has ended."""
    try:
        # The second field is the program's name in parentheses, which may itself hold spaces.
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    process = Process(pid, int(fields[1]), fields[0].decode(), int(fields[19]))
    return None if process.state in "ZX" else process


def list_children(pid: int) -> list[Process]:
    """Return the living children of a process."""
    found = (find_process(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit())
    return [process for process in found if process is not None and process.parent == pid]


def describe(process: Process) -> str:
    """Return the state of a process and in which function of the kernel it waits, for a log line."""
    waits_in = ""
    with contextlib.suppress(OSError):
        waits_in = (_PROC / str(process.pid) / "wchan").read_text()
    return f"{process.pid}:{process.state}:{waits_in if waits_in not in ('', '0') else '-'}"


def send_signal(process: Process, number: signal.Signals) -> bool:
    """Send a signal to this very process. Returns False when it is gone."""
    there = find_process(process.pid)
    if there is None or there.born != process.born:
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def kill_with_children(process: Process, children: list[Process]) -> None:
    """Kill a process, its children, and what else is in its group, unless that group is also ours."""
    there = find_process(process.pid)
    if there is not None and there.born == process.born:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            group = os.getpgid(process.pid)
            # Its own group only: the one it was started in may hold its supervisor, or us.
            if group == process.pid and group != os.getpgrp():
                os.killpg(group, signal.SIGKILL)
    for victim in (process, *children):
        send_signal(victim, signal.SIGKILL)
