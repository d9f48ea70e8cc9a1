"""Leases: one thread renews those of the whole process, in one statement and over one connection.

The thread and its connection exist only while leases are held, so neither is inherited by a fork, and an idle process
holds no connection for them. Leases use PostgreSQL's clock; this module's own deadlines use the monotonic clock.
"""

import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from flask import current_app

from backend.core.clock import database_now
from backend.core.database.database import LEASES, db
from backend.core.process.logging import get_logger
from backend.core.work.jobs import Claim, Job, JobState
from backend.core.work.programs import own_program
from backend.settings import get_settings

log = get_logger(__name__)

# Parts of a lease's length: the time between renewals, and the pause after one that failed or found a locked row.
_RENEWALS = 3
_RETRIES = 10

# The task that names the table, id and attempt.
_Key = tuple[str, UUID, int]


@contextmanager
def lease(model: type[Job], held: Claim) -> Iterator[threading.Event]:
    """Renew the lease of a row while the block runs.

    Yields an event that is set when the lease is lost: the row was taken back, ended or deleted. While the database is
    unreachable, nobody else can take the row, so the work goes on. A lease is not renewed for longer than
    ``max_job_s``, so that a hanging job is taken back even if the worker pool does not kill it.
    """
    renewer = _find_renewer()
    kept = _Lease(model, held, get_settings().lease_s)
    renewer.add(kept)
    try:
        yield kept.lost
    finally:
        renewer.remove(kept)


def _find_renewer() -> "LeaseRenewer":
    """Return the renewer of this process. A forked child has its own."""
    name = f"{LEASES}.{os.getpid()}"
    renewers = current_app.extensions
    # Concurrent callers get the same one, because setdefault() is atomic.
    return cast("LeaseRenewer", renewers.get(name) or renewers.setdefault(name, LeaseRenewer(db.engines[LEASES])))


class _Lease:
    """A row that this process works on. ``renew_until`` is a monotonic time."""

    def __init__(self, model: type[Job], claim: Claim, length_s: float) -> None:
        self.model, self.claim, self.length_s = model, claim, length_s
        self.lost = threading.Event()
        self.renew_until = time.monotonic() + own_program().max_job_s(get_settings())

    @property
    def key(self) -> _Key:
        """Two attempts at the same row may be in one process, until the older one notices."""
        return self.model.task, self.claim.id, self.claim.attempt


class LeaseRenewer:
    """Renews the leases of one process from one thread. A slow renewal delays neither ``add`` nor ``remove``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        # Guards what follows.
        self._changed = threading.Condition()
        self._leases: set[_Lease] = set()
        self._thread: threading.Thread | None = None
        self._due_at = 0.0

    def add(self, lease: _Lease) -> None:
        due_at = time.monotonic() + lease.length_s / _RENEWALS
        with self._changed:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._run, name="leases", daemon=True)
                thread.start()
                self._thread, self._due_at = thread, due_at
            self._leases.add(lease)
            if due_at < self._due_at:
                self._due_at = due_at
                self._changed.notify()

    def remove(self, lease: _Lease) -> None:
        with self._changed:
            self._leases.discard(lease)

    def _run(self) -> None:
        with closing(_Connection(self._engine)) as connection:
            while leases := self._wait():
                pause_s = self._renew(leases, connection)
                with self._changed:
                    self._due_at = time.monotonic() + pause_s

    def _wait(self) -> list[_Lease]:
        """Wait until the next renewal is due. Returns the leases; if there are none, the thread must end."""
        with self._changed:
            while (left_s := self._due_at - time.monotonic()) > 0:
                self._changed.wait(left_s)
            if not self._leases:
                self._thread = None
            return list(self._leases)

    def _renew(self, leases: list[_Lease], connection: "_Connection") -> float:
        """Renew leases, and report those that are lost. Returns the pause until the next renewal, in seconds."""
        length_s = get_settings().lease_s
        started_at = time.monotonic()
        wanted = [lease for lease in leases if lease.renew_until > started_at]
        found = connection.renew(wanted, length_s) if wanted else {}
        if found is not None:
            for lease in wanted:
                if lease.key not in found:
                    self._lose(lease)
        is_complete = found is not None and all(found.values())
        return length_s / (_RENEWALS if is_complete else _RETRIES)

    def _lose(self, lease: _Lease) -> None:
        self.remove(lease)
        lease.lost.set()


class _Connection:
    """The connection of one thread, opened when it is needed, and again after an error."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._open: sa.Connection | None = None

    def renew(self, leases: list[_Lease], length_s: float) -> dict[_Key, bool] | None:
        """Renew leases. Returns the rows that are still held, and whether each was renewed; None after an error."""
        try:
            if self._open is None:
                self._open = self._engine.connect()
            with _cut_off_after(length_s / _RENEWALS, self._open), self._open.begin():
                rows = self._open.execute(_renewal(leases, length_s)).all()
        except sa.exc.SQLAlchemyError as error:
            log.warning("core.lease.renewal_failed", leases=len(leases), error=type(error).__name__)
        except Exception:
            # Without the thread that calls this, every lease of the process would be lost.
            log.exception("core.lease.renewal_crashed")
        else:
            return {(row.task, row.id, row.attempt): row.is_renewed for row in rows}
        self.close()
        return None

    def close(self) -> None:
        connection, self._open = self._open, None
        if connection is not None:
            with suppress(sa.exc.SQLAlchemyError):
                connection.close()


def _renewal(leases: Iterable[_Lease], length_s: float) -> sa.CompoundSelect[str, UUID, int, bool]:
    """Return the statement that renews rows of any number of tables, and selects those still held.

    Rows that another transaction has locked are being written, and are left for the next time. So the statement waits
    for nobody while it holds the locks of other rows, and takes part in no deadlock.
    """
    by_model: dict[type[Job], list[Claim]] = defaultdict(list)
    for lease in leases:
        by_model[lease.model].append(lease.claim)
    return sa.union_all(*(_renewal_of(model, claims, length_s) for model, claims in by_model.items()))


def _renewal_of(model: type[Job], claims: Iterable[Claim], length_s: float) -> sa.Select[str, UUID, int, bool]:
    name = model.task
    attempts = [(claim.id, claim.attempt) for claim in claims]
    is_held = sa.and_(sa.tuple_(model.id, model.attempt).in_(attempts), model.state == JobState.RUNNING)
    # The weaker lock: rows that point to this one may be written meanwhile.
    free = sa.select(model.id).where(is_held).with_for_update(key_share=True, skip_locked=True).cte(f"free {name}")
    renewed = (
        sa.update(model)
        .where(model.id.in_(sa.select(free.c.id)))
        .values(lease_until=database_now() + timedelta(seconds=length_s))
        .returning(model.id)
        .cte(f"renewed {name}")
    )
    is_renewed = model.id.in_(sa.select(renewed.c.id)).label("is_renewed")
    return sa.select(sa.literal(name).label("task"), model.id, model.attempt, is_renewed).where(is_held)


@contextmanager
def _cut_off_after(limit_s: float, connection: sa.Connection) -> Iterator[None]:
    """Shut down the connection's socket if the block takes longer, so that it raises.

    libpq waits forever for a server that is frozen, or a backend that is stopped: its host still acknowledges packets.
    """
    raw = connection.connection.driver_connection
    if raw is None:
        yield
        return
    with socket.socket(fileno=os.dup(raw.fileno())) as wire:
        timer = threading.Timer(limit_s, _shut_down, [wire])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _shut_down(wire: socket.socket) -> None:
    with suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)
