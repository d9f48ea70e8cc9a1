"""What the watchdog sees in one look: files and processes at once, the broker and the database within a bound."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.process.probe import Probe
from backend.core.work import workers
from backend.core.work.jobs import count_live_leases
from backend.core.work.queue import is_canary_kept, send_canary
from backend.operations import heartbeat
from backend.operations.heartbeat import MainBeat
from backend.operations.judging import Seen, SeenChild, SeenWorker
from backend.operations.processes import Process, find_process, list_children
from backend.settings import Settings

CANARY_TASK = "operations.canary"
_LOOK_OUTSIDE_S = 2.0


@dataclass(frozen=True, slots=True)
class Watched:
    """The worker that is there: what it wrote, its main process, its pool."""

    beat: MainBeat
    main: Process
    pool: tuple[Process, ...]


@dataclass(frozen=True, slots=True)
class Leases:
    """What the database says about a worker: leases that ran out so far, leases that it holds."""

    lost: int
    live: int


class Eyes:
    """Looks at one worker, and keeps a canary on its way through the broker."""

    def __init__(
        self, folder: Path, settings: Settings, in_context: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self._folder = folder
        self._resend_s = settings.watchdog_silence_s / 4
        self._in_context = in_context
        self._kept: Probe[[str, str], bool | None] = Probe(
            "canary-kept", is_canary_kept, when_silent=None, wait_s=_LOOK_OUTSIDE_S
        )
        self._sent: Probe[[str, str], bool] = Probe(
            "canary-sent", self._send_canary, when_silent=False, wait_s=_LOOK_OUTSIDE_S
        )
        self._leases: Probe[[Watched], Leases | None] = Probe(
            "leases", self._ask_for_leases, when_silent=None, wait_s=_LOOK_OUTSIDE_S
        )
        self._canary_id = ""
        self._canary_sent_at = 0.0
        self.watched: Watched | None = None
        self.leases: Leases | None = None

    def look(self) -> Seen:
        """Look at everything; takes a few seconds at most."""
        folder_ok = heartbeat.is_writable(self._folder)
        self.watched = self._find_worker()
        broker_ok, canary_out = self._look_at_broker()
        self.leases = self._leases.answer(self.watched) if self.watched is not None else None
        # Read last: what is found out above takes time, in which signs may have come.
        canary = heartbeat.read_canary(self._folder)
        watched = self.watched = self._find_worker()
        children: list[SeenChild] = []
        if watched is not None:
            heartbeat.forget_children(self._folder, {process.pid for process in watched.pool})
            beats = [(process, heartbeat.read_child(self._folder, process.pid)) for process in watched.pool]
            children = [SeenChild(p.pid, b.busy, b.at) for p, b in beats if b is not None and b.born == p.born]
        return Seen(
            now=time.monotonic(),
            folder_ok=folder_ok,
            broker_ok=broker_ok,
            canary_out=canary_out,
            worker=SeenWorker(watched.beat.name, watched.beat.places, watched.beat.at) if watched else None,
            children=children,
            canary_at=canary.at if canary else None,
            leases_lost=self.leases.lost if self.leases else None,
        )

    def _find_worker(self) -> Watched | None:
        beat = heartbeat.read_main(self._folder)
        main = find_process(beat.pid) if beat else None
        if beat is None or main is None or main.born != beat.born:
            return None
        return Watched(beat, main, tuple(list_children(main.pid)))

    def _look_at_broker(self) -> tuple[bool, bool]:
        """Return whether the broker works, and whether it has held the canary of this worker all the time."""
        name = self.watched.beat.name if self.watched else "nobody"
        # One that was sent to the worker before this one is not kept here, since marks are kept by worker.
        kept = self._kept.answer(name, self._canary_id)
        if kept is None:
            return False, False
        if self.watched is None or (kept and time.monotonic() - self._canary_sent_at < self._resend_s):
            return True, kept
        # Also when the last one is only late: it may have been lost on its way without anybody's fault.
        fresh = str(new_id())
        sent = self._sent.answer(name, fresh)
        self._canary_id, self._canary_sent_at = fresh if sent else "", time.monotonic()
        return sent, kept

    def _send_canary(self, name: str, canary_id: str) -> bool:
        return send_canary(CANARY_TASK, name, canary_id, life_s=4 * self._resend_s)

    def _ask_for_leases(self, watched: Watched) -> Leases:
        with self._in_context(), transaction():
            lost = workers.note_alive(watched.beat.name, watched.beat.places)
            return Leases(lost, count_live_leases(watched.beat.name))
