"""The watchdog: watches the worker beside it, restarts it when it hangs, ends the container when that does not help.

What it sees is in ``watching``, what it makes of it in ``judging``. Celery's supervisor starts it anew; the
watchdog only ends it.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from flask import Flask

from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger
from backend.core.process.probe import Probe
from backend.core.work import workers
from backend.core.work.jobs import hand_back
from backend.operations.container.first_process import CONTAINER_PID
from backend.operations.heartbeat import STACKS_SIGNAL
from backend.operations.judging import Deed, Memory, Rules, Seen, Verdict, judge
from backend.operations.liveness import Liveness, serve_liveness
from backend.operations.processes import Process, describe, find_process, kill_with_children, send_signal
from backend.operations.upkeep.sweep_loop import sweep_until
from backend.operations.watching import Eyes, Watched
from backend.settings import Settings

log = get_logger(__name__)

_WRITE_STACKS_S = 1.0
# Celery gives its steps 5 s, then ends its pool and hands the rest back.
_GRACE_S = 12.0
_LONGEST_LOOK_S = 60.0
_LONGEST_SWEEP_S = 600.0
_RECORD_S = 5.0


def watch_forever(app: Flask, settings: Settings) -> int:
    """Watch, sweep and answer for liveness until SIGTERM or SIGINT; return the exit code.

    Raises SystemExit at once when the configuration is wrong or the port is taken.
    """
    folder = settings.worker_state_folder
    if folder is None:
        raise SystemExit("Refusing to start: WORKER_STATE_FOLDER is missing, in which the worker gives signs of life.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(f"Refusing to start: WORKER_STATE_FOLDER cannot be made: {error}") from None
    liveness = Liveness(
        longest_look_s=settings.watchdog_interval_s + _LONGEST_LOOK_S,
        longest_sweep_s=settings.sweep_interval_s + _LONGEST_SWEEP_S,
    )
    server = serve_liveness(liveness, settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def sweep_in_context() -> None:
        with app.app_context():
            sweep_until(stop, liveness.note_sweep)

    sweeper = threading.Thread(target=sweep_in_context, name="sweep", daemon=True)
    sweeper.start()
    # On the way out it ends first.
    liveness.expect_sweeps(lambda: sweeper.is_alive() or stop.is_set())
    log.info("operations.watchdog.started", port=settings.watchdog_port, silence_s=settings.watchdog_silence_s)
    try:
        return _Watchdog(Eyes(folder, settings, app.app_context), app.app_context, liveness, settings).run(stop)
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        # A database that is frozen must not keep this process; the lock of the sweep goes with its connection.
        sweeper.join(timeout=3.0)


class _Watchdog:
    """The loop: look, judge, act."""

    def __init__(
        self,
        eyes: Eyes,
        in_context: Callable[[], AbstractContextManager[object]],
        liveness: Liveness,
        settings: Settings,
    ) -> None:
        self._eyes = eyes
        self._in_context = in_context
        self._liveness = liveness
        self._interval_s = settings.watchdog_interval_s
        self._rules = Rules(settings.watchdog_silence_s, settings.watchdog_restarts, settings.watchdog_pause_s)
        self._database: Probe[[Watched, str], int | None] = Probe(
            "record", self._record, when_silent=None, wait_s=_RECORD_S
        )

    def run(self, stop: threading.Event) -> int:
        """Watch until told to stop (0) or until no restart helps (1)."""
        memory = Memory(looked_at=time.monotonic())
        while not stop.wait(self._interval_s):
            seen = self._eyes.look()
            memory, verdict = judge(memory, seen, self._rules)
            signs = self._signs(seen, memory)
            self._liveness.note_look(signs)
            if verdict.deed is Deed.GIVE_UP:
                log.error("operations.watchdog.gave_up", reason=verdict.reason, **signs)
                self._liveness.note_giving_up()
                _end_container()
                return 1
            self._act(verdict, signs, memory)
        log.info("operations.watchdog.stopped")
        return 0

    def _act(self, verdict: Verdict, signs: dict[str, object], memory: Memory) -> None:
        watched = self._eyes.watched
        if verdict.deed is Deed.END_CHILDREN and watched is not None:
            for process in watched.pool:
                if process.pid in verdict.pids:
                    _end_child(process)
        if verdict.deed is Deed.COUNT:
            log.error("operations.watchdog.worker_replaced", reason=verdict.reason, **signs)
        if verdict.deed is Deed.RESTART:
            pause_s = self._rules.pause_after(memory.restarts)
            log.error("operations.watchdog.restarting", reason=verdict.reason, pause_s=pause_s, **signs)
            if watched is not None:
                self._end_worker(watched, verdict.reason)

    def _end_worker(self, watched: Watched, reason: str) -> None:
        name = watched.beat.name
        family = [watched.main, *watched.pool]
        _write_stacks(family)
        send_signal(watched.main, signal.SIGTERM)
        for process in family:
            # One that is stopped takes the signal above when it goes on, and can then hand back its steps.
            send_signal(process, signal.SIGCONT)
        politely = _wait_for_end(watched.main, _GRACE_S)
        kill_with_children(watched.main, list(watched.pool))
        log.warning("operations.watchdog.worker_ended", worker=name, politely=politely)
        handed_back = self._database.answer(watched, reason)
        log.info("operations.watchdog.steps_handed_back", worker=name, count=handed_back)

    def _record(self, watched: Watched, reason: str) -> int:
        with self._in_context():
            with transaction():
                workers.note_restart(watched.beat.name, watched.beat.places, reason)
            return hand_back(watched.beat.name)

    def _signs(self, seen: Seen, memory: Memory) -> dict[str, object]:
        """Return the ages of the signs of life, in seconds, and what else was seen, for logs and for liveness."""

        def age(at: float | None) -> float | None:
            return None if at is None else round(seen.now - at, 1)

        leases = self._eyes.leases
        return {
            "worker": seen.worker.name if seen.worker else None,
            "heartbeat_s_ago": age(seen.worker.beat_at) if seen.worker else None,
            "canary_s_ago": age(seen.canary_at),
            "pool": len(seen.children),
            "busy": sum(child.busy for child in seen.children),
            "pool_silent_s": max((age(child.beat_at) or 0.0 for child in seen.children), default=None),
            "leases_held": leases.live if leases else None,
            "leases_lost": leases.lost if leases else None,
            "broker": "ok" if seen.broker_ok else "down",
            "restarts": memory.restarts,
        }


def _write_stacks(family: list[Process]) -> None:
    """Have each process write where each of its threads stands, by ``faulthandler`` and to its standard error."""
    log.warning("operations.watchdog.processes", processes=" ".join(describe(process) for process in family))
    for process in family:
        send_signal(process, STACKS_SIGNAL)
    time.sleep(_WRITE_STACKS_S)


def _end_child(process: Process) -> None:
    """End one process of the pool: Celery replaces it, and its step was taken back when its lease ran out."""
    log.error("operations.watchdog.ending_process", process=describe(process))
    _write_stacks([process])
    send_signal(process, signal.SIGKILL)


def _wait_for_end(process: Process, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        there = find_process(process.pid)
        if there is None or there.born != process.born:
            return True
        time.sleep(0.1)
    return False


def _end_container() -> None:
    """Have the container's first process end the container; where there is none, our own exit code says it."""
    pid = os.environ.get(CONTAINER_PID, "")
    if not pid.isdigit():
        return
    try:
        os.kill(int(pid), signal.SIGUSR1)
    except OSError as error:
        log.error("operations.watchdog.container_not_ended", error=error.strerror)
