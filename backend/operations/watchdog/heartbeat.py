"""Heartbeats: small files that a worker's processes write and the watchdog reads. Each program has its own folder.

Times are seconds of the machine's monotonic clock: all its processes share it, and it does not jump.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.core.process.logging import get_logger
from backend.core.work.programs import Program, own_program
from backend.operations.watchdog.processes import Process, this_process
from backend.settings import Settings, get_settings

log = get_logger(__name__)

MAIN, CANARY, _POOL = "worker.json", "canary.json", "child-{}.json"
CANARY_TASK = "operations.canary"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A process and when it last wrote.

    The main process writes ``name`` and ``places``. ``busy`` is how many places of this process are taken: those of the
    main process are threads, and it also writes for how long the first of them has been taken (``longest_s``).
    """

    pid: int
    born: int
    at: float
    name: str = ""
    places: int = 0
    busy: int = 0
    longest_s: float = 0.0


def period_s(settings: Settings) -> float:
    """How often to write: ten heartbeats are missed before it counts as a silence."""
    return min(5.0, settings.watchdog_silence_s / 10)


def state_folder(settings: Settings, program: Program | None = None) -> Path | None:
    """Return a program's folder, by default that of the program of this process. None if there are no heartbeats."""
    folder = settings.worker_state_folder
    return None if folder is None else folder / (program or own_program())


def write(folder: Path | None, file: str, **content: Any) -> bool:
    """Write the heartbeat of this process. Returns False if there is no folder, or (logged) on a full disk."""
    if folder is None:
        return False
    me = this_process()
    fresh = folder / f".{file}.{me.pid}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_text(json.dumps({"pid": me.pid, "born": me.born, "at": time.monotonic(), **content}))
        # Readers never see half of it.
        fresh.replace(folder / file)
    except OSError as error:
        log.warning("operations.heartbeat.not_written", error=error.strerror)
        with contextlib.suppress(OSError):
            fresh.unlink()
        return False
    return True


class PoolHeartbeat:
    """Written from a thread, it shows that the interpreter of a pool process runs, however long its step takes."""

    busy = False

    def start(self) -> None:
        threading.Thread(target=self._write_forever, name="heartbeat", daemon=True).start()

    def _write_forever(self) -> None:
        settings = get_settings()
        while True:
            write(state_folder(settings), _POOL.format(os.getpid()), busy=int(self.busy))
            time.sleep(period_s(settings))


class ThreadPlaces:
    """The places of a process whose threads are its places."""

    def __init__(self) -> None:
        self._taken_at: dict[int, float] = {}

    def take(self) -> None:
        self._taken_at[threading.get_ident()] = time.monotonic()

    def leave(self) -> None:
        self._taken_at.pop(threading.get_ident(), None)

    def describe(self) -> dict[str, Any]:
        """Return what the main process adds to its heartbeat."""
        taken_at = list(self._taken_at.values())
        return {"busy": len(taken_at), "longest_s": time.monotonic() - min(taken_at) if taken_at else 0.0}


def read(folder: Path, file: str) -> Heartbeat | None:
    try:
        return Heartbeat(**json.loads((folder / file).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def read_pool(folder: Path, pool: Iterable[Process]) -> list[Heartbeat]:
    """Return the heartbeats of these processes, and delete those of processes that are gone."""
    born = {_POOL.format(process.pid): process.born for process in pool}
    for file in folder.glob(_POOL.format("*")):
        if file.name not in born:
            file.unlink(missing_ok=True)
    return [found for file, when in born.items() if (found := read(folder, file)) and found.born == when]
