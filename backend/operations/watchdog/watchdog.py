"""The watchdog: ends a program that hangs. Its supervisor starts it again, or the container ends if that is no help."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from flask import Flask

from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger
from backend.core.process.probe import Probe
from backend.core.work import workers
from backend.core.work.jobs import hand_back
from backend.core.work.programs import Program
from backend.operations.container.first_process import end_container
from backend.operations.upkeep.sweep_loop import sweep_beside
from backend.operations.watchdog.heartbeat import Heartbeat, state_folder
from backend.operations.watchdog.liveness import Liveness, describe, serve_liveness
from backend.operations.watchdog.observation import Observer
from backend.operations.watchdog.processes import end_family, end_stuck
from backend.operations.watchdog.verdict import Judge
from backend.settings import Settings

log = get_logger(__name__)

# Celery gives its steps 5 s, then ends its pool and hands the rest back.
_GRACE_S = 12.0


class Watchdog:
    """Watches one program."""

    def __init__(self, app: Flask, settings: Settings, program: Program, folder: Path) -> None:
        silence_s = settings.watchdog_silence_s
        self.program, self._app = program, app
        self.signs: dict[str, object] = {}
        self._observer = Observer(app, program, folder, silence_s)
        self._judge = Judge(
            silence_s,
            settings.watchdog_restarts,
            settings.watchdog_pause_s,
            time.monotonic(),
            # By then the stuck row's lease has run out, which is not renewed after ``max_job_s``. So the sweep counts a
            # failure of this row, and only its neighbours are handed back.
            program.max_job_s(settings) + 2 * settings.lease_s,
        )
        self._database = Probe("record", self._record, when_silent=None, wait_s=5.0)

    def look(self) -> bool:
        """Observe, judge and act. Returns False once restarts do not help."""
        seen = self._observer.observe()
        verdict = self._judge.judge(seen)
        self.signs = {**describe(seen), "restarts": self._judge.restarts, "program": self.program}
        if verdict.action == "give_up":
            log.error("operations.watchdog.gave_up", reason=verdict.reason, **self.signs)
        if verdict.action == "count_death":
            log.error("operations.watchdog.worker_replaced", reason=verdict.reason, **self.signs)
        if verdict.action == "restart":
            log.error("operations.watchdog.restarting", reason=verdict.reason, pause_s=verdict.pause_s, **self.signs)
            if seen.worker is not None:
                self._end(seen.worker, verdict.reason)
        for process in verdict.stuck:
            # Celery replaces it, and the sweep takes back its job.
            end_stuck(process.pid, process.born)
        return verdict.action != "give_up"

    def _end(self, worker: Heartbeat, reason: str) -> None:
        politely = end_family(worker.pid, worker.born, _GRACE_S)
        log.warning("operations.watchdog.worker_ended", worker=worker.name, politely=politely)
        count = self._database.answer(worker, reason)
        log.info("operations.watchdog.steps_handed_back", worker=worker.name, count=count)

    def _record(self, worker: Heartbeat, reason: str) -> int | None:
        with self._app.app_context():
            with transaction():
                workers.note_restart(worker.name, worker.places, reason, self.program)
            return hand_back(worker.name)


def make_folders(settings: Settings) -> dict[Program, Path]:
    """Return the folder of each program. Raises SystemExit if they cannot be created."""
    folders = {program: folder for program in Program if (folder := state_folder(settings, program)) is not None}
    if not folders:
        raise SystemExit("Refusing to start: WORKER_STATE_FOLDER is missing. The worker writes its heartbeats there.")
    try:
        for folder in folders.values():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(f"Refusing to start: WORKER_STATE_FOLDER cannot be created: {error}") from None
    return folders


def watch(app: Flask, settings: Settings, programs: Mapping[Program, Path], stop: threading.Event) -> int:
    """Watch ``programs`` (the folder of each), sweep, and answer for liveness. Returns the exit code."""
    watchdogs = [Watchdog(app, settings, program, folder) for program, folder in programs.items()]
    # A look takes seconds, or half a minute if it ends a program. A sweep is limited by what limits its statements.
    liveness = Liveness(settings.watchdog_interval_s + 60, settings.sweep_interval_s + 600)
    serve_liveness(liveness, settings)
    with sweep_beside(app, liveness.note_sweep) as is_sweeping:
        liveness.expect_sweeps(is_sweeping)
        log.info("operations.watchdog.started", port=settings.watchdog_port, silence_s=settings.watchdog_silence_s)
        while not stop.wait(settings.watchdog_interval_s):
            is_helping = [watchdog.look() for watchdog in watchdogs]
            # The signs of the first program are at the top: they were there before there was another.
            others = {str(watchdog.program): watchdog.signs for watchdog in watchdogs[1:]}
            liveness.note_look({**watchdogs[0].signs, **others})
            if not all(is_helping):
                liveness.note_giving_up()
                end_container()
                return 1
    log.info("operations.watchdog.stopped")
    return 0
