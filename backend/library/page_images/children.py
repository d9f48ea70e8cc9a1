"""Processes that wait for jobs of rendering, so that a page does not wait for Python to start and to load its modules.

Each process of gunicorn keeps one at most, which ends when it has had nothing to do for a minute.
"""

import atexit
import json
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

IDLE_S: Final = 60.0
_IMPORT_ROOT = str(Path(__file__).resolve().parents[3])
_START = "import sys; sys.path.insert(0, sys.argv[1]); from backend.library.page_images.child import main; main()"
_KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")
_LINE_BYTES: Final = 64
# A process that has just been started may take this long until it begins.
_START_S: Final = 20.0


class ChildLost(Exception):
    """The process ended before it answered."""


class ChildTimedOut(Exception):
    """The job took too long. The process and its child have been killed."""


class _Child:
    def __init__(self) -> None:
        bytecode = ["-B"] if sys.dont_write_bytecode else []
        self.is_new = True
        self._owner = os.getpid()
        childs_jobs, self._jobs = os.pipe()
        self._answers, childs_answers = os.pipe()
        try:
            self._process = subprocess.Popen(
                # Isolated mode ignores variables, user packages and modules in the working folder.
                [sys.executable, "-I", *bytecode, "-c", _START, _IMPORT_ROOT, str(IDLE_S)],
                stdin=childs_jobs,
                stdout=childs_answers,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
        except OSError:
            os.close(self._jobs)
            os.close(self._answers)
            raise
        finally:
            os.close(childs_jobs)
            os.close(childs_answers)

    @property
    def is_usable(self) -> bool:
        return self._owner == os.getpid() and self._process.poll() is None

    def run(self, job: dict[str, Any], wall_s: float, ends_at: float) -> int:
        """Return the status of the job's process. Raises ChildLost, ChildTimedOut."""
        deadline = min(ends_at, time.monotonic() + wall_s + (_START_S if self.is_new else 0.0))
        self.is_new = False
        try:
            os.write(self._jobs, json.dumps(job).encode() + b"\n")
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise ChildTimedOut
            answer = os.read(self._answers, _LINE_BYTES)
        except BrokenPipeError:
            answer = b""
        if not answer:
            raise ChildLost
        return int(answer)

    def close(self) -> None:
        """Kill the process with its child."""
        if self._owner != os.getpid():
            return
        if self._process.poll() is None:
            # It is not reaped yet, so no other process can have its id.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._jobs)
        os.close(self._answers)


_idle: list[_Child] = []
_lock = threading.Lock()


def run_in_child(job: dict[str, Any], wall_s: float, ends_at: float = math.inf) -> int:
    """Run a job in a process of its own, and return its exit code, or the negative number of its signal.

    ``wall_s`` is for the job, ``ends_at`` a time of the monotonic clock at which all ends, also the start of the
    process. Raises ChildLost, ChildTimedOut.
    """
    child = _take()
    try:
        if child.is_new:
            status = child.run(job, wall_s, ends_at)
        else:
            try:
                status = child.run(job, wall_s, ends_at)
            except ChildLost:
                # It may have ended at this moment, because it had nothing to do.
                child.close()
                child = _Child()
                status = child.run(job, wall_s, ends_at)
    except BaseException:
        child.close()
        raise
    _give_back(child)
    return status


def close_children() -> None:
    """End the process that waits for jobs."""
    with _lock:
        children, _idle[:] = list(_idle), []
    for child in children:
        child.close()


atexit.register(close_children)


def _take() -> _Child:
    while True:
        with _lock:
            child = _idle.pop() if _idle else None
        if child is None:
            return _Child()
        if child.is_usable:
            return child
        child.close()


def _give_back(child: _Child) -> None:
    with _lock:
        if not _idle:
            _idle.append(child)
            return
    child.close()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": "/nonexistent"}
