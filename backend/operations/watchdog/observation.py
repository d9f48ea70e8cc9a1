"""What the watchdog observes of one program. The broker and the database get a few seconds to answer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.process.probe import Probe
from backend.core.work import workers
from backend.core.work.jobs import count_live_leases
from backend.core.work.programs import Program
from backend.core.work.queue import send_canary
from backend.operations.watchdog import heartbeat
from backend.operations.watchdog.heartbeat import Heartbeat
from backend.operations.watchdog.processes import find_process, list_children


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at a program. None stands for what could not be found out."""

    now: float
    folder_ok: bool
    broker_ok: bool
    worker: Heartbeat | None = None
    pool: Sequence[Heartbeat] = ()
    canary_at: float | None = None
    leases_lost: int | None = None
    leases_held: int | None = None

    @property
    def busy(self) -> int:
        """How many places are taken."""
        return (self.worker.busy if self.worker else 0) + sum(process.busy for process in self.pool)


class Observer:
    """Observes the program that writes to ``folder``. Sends four canaries in a silence, each replaces the last."""

    def __init__(self, app: Flask, program: Program, folder: Path, silence_s: float) -> None:
        self._app, self._program, self._folder, self._silence_s = app, program, folder, silence_s
        self._broker = Probe("broker", self._use_broker, when_silent=False, wait_s=2.0, remember_s=silence_s / 4)
        self._leases = Probe("leases", self._count_leases, when_silent=(None, None), wait_s=2.0)

    def observe(self) -> Observation:
        folder_ok = heartbeat.write(self._folder, "watchdog.json")
        worker = self._find_worker()
        broker_ok = self._broker.answer(worker)
        leases = self._leases.answer(worker) if worker else (None, None)
        # Read last: heartbeats may arrive while the broker and the database are asked.
        canary, worker = heartbeat.read(self._folder, heartbeat.CANARY), self._find_worker()
        pool = heartbeat.read_pool(self._folder, list_children(worker.pid) if worker else ())
        at = canary.at if canary else None
        return Observation(time.monotonic(), folder_ok, broker_ok, worker, pool, at, *leases)

    def _find_worker(self) -> Heartbeat | None:
        worker = heartbeat.read(self._folder, heartbeat.MAIN)
        return worker if worker and find_process(worker.pid, worker.born) else None

    def _use_broker(self, worker: Heartbeat | None) -> bool:
        # Without a worker it only shows whether the broker takes messages.
        name = worker.name if worker else "nobody"
        return send_canary(heartbeat.CANARY_TASK, name, str(new_id()), life_s=self._silence_s)

    def _count_leases(self, worker: Heartbeat) -> tuple[int | None, int | None]:
        with self._app.app_context(), transaction():
            lost = workers.note_alive(worker.name, worker.places, self._program)
            return lost, count_live_leases(worker.name)
