"""Signs of life of a worker's processes: small files that they write and the watchdog reads.

Times are those of the machine's monotonic clock, which is one for all processes and knows no jumps of the wall
clock. The main process writes from its event loop, so that a loop that stands still is seen; each process of the
pool writes from a thread, which tells that its interpreter runs, however long its step takes.
"""

import contextlib
import json
import os
import signal
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from backend.core.process.logging import get_logger
from backend.core.work.jobs import WORKER_NAME
from backend.operations.processes import find_process
from backend.settings import Settings, get_settings

log = get_logger(__name__)

# At which a worker's process writes where each of its threads stands.
STACKS_SIGNAL = signal.SIGUSR2

_MAIN = "worker.json"
_CANARY = "canary.json"
_CHILD = "child-{}.json"
_LONGEST_PERIOD_S = 5.0


@dataclass(frozen=True, slots=True)
class MainBeat:
    """What the main process of a worker wrote last: its name, its process, on how many steps it works at once."""

    name: str
    pid: int
    born: int
    places: int
    at: float


@dataclass(frozen=True, slots=True)
class ChildBeat:
    """What a process of the pool wrote last, and whether it was at work."""

    pid: int
    born: int
    busy: bool
    at: float


@dataclass(frozen=True, slots=True)
class CanaryBeat:
    """The canary that came back last."""

    canary_id: str
    at: float


Beat = TypeVar("Beat", MainBeat, ChildBeat, CanaryBeat)


def beat_period_s(settings: Settings) -> float:
    """Return how often signs of life are written: often enough that ten of them are missing in a silence."""
    return min(_LONGEST_PERIOD_S, settings.watchdog_silence_s / 10)


def read_main(folder: Path) -> MainBeat | None:
    """Return what the main process wrote last, or None when nothing readable is there."""
    return _read(folder / _MAIN, MainBeat)


def read_child(folder: Path, pid: int) -> ChildBeat | None:
    """Return what a process of the pool wrote last, or None."""
    return _read(folder / _CHILD.format(pid), ChildBeat)


def read_canary(folder: Path) -> CanaryBeat | None:
    """Return which canary came back last, or None."""
    return _read(folder / _CANARY, CanaryBeat)


def is_writable(folder: Path) -> bool:
    """Tell whether signs of life can be written: on a full disk their absence means nothing."""
    try:
        _write(folder / "watchdog.json", {"at": time.monotonic()})
    except OSError:
        return False
    return True


def forget_children(folder: Path, living: set[int]) -> None:
    """Delete what processes of the pool have left that are gone."""
    for file in folder.glob(_CHILD.format("*")):
        if file.stem.removeprefix("child-") not in {str(pid) for pid in living}:
            file.unlink(missing_ok=True)


def beat_main(places: int) -> None:
    """Write that the main process lives. Called from its event loop."""
    pid = os.getpid()
    _try_to_write(_MAIN, MainBeat(WORKER_NAME, pid, _born(pid), places, time.monotonic()))


def note_canary(canary_id: str) -> None:
    """Write that a canary has come back."""
    _try_to_write(_CANARY, CanaryBeat(canary_id, time.monotonic()))


class ChildHeart:
    """Writes that this process of the pool lives, from a thread, for as long as the process lives."""

    def __init__(self) -> None:
        self.busy = False

    def start(self) -> None:
        """Begin to beat."""
        threading.Thread(target=self._beat_forever, name="heartbeat", daemon=True).start()

    def _beat_forever(self) -> None:
        pid = os.getpid()
        born, period_s = _born(pid), beat_period_s(get_settings())
        while True:
            _try_to_write(_CHILD.format(pid), ChildBeat(pid, born, self.busy, time.monotonic()))
            time.sleep(period_s)


def _born(pid: int) -> int:
    process = find_process(pid)
    return process.born if process else 0


def _read(file: Path, kind: type[Beat]) -> Beat | None:
    try:
        return kind(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _try_to_write(name: str, beat: MainBeat | ChildBeat | CanaryBeat) -> None:
    folder = get_settings().worker_state_folder
    if folder is None:
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder / name, asdict(beat))
    except OSError as error:
        log.warning("operations.heartbeat.not_written", error=error.strerror)


def _write(file: Path, content: dict[str, Any]) -> None:
    # Whoever reads sees the old content or the new, never half of it.
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        fresh.write_text(json.dumps(content))
        fresh.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
