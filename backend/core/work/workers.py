"""The known workers: their capacity, lost leases and restarts.

A worker here is one main process of Celery; a container has one for each program. Its watchdog records that it is
alive; the sweep records its lost leases.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.database.database import Base, db
from backend.core.work.programs import Program

_ALIVE_FOR = timedelta(seconds=60)
_KEPT = timedelta(days=30)


class Worker(Base):
    """One main process of Celery.

    ``places`` is the number of jobs it runs at the same time. ``restart_reason`` is set if the watchdog ended it.
    """

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    # The previous release knows only the computing program and does not name it.
    program: Mapped[str] = mapped_column(server_default=Program.COMPUTING)
    places: Mapped[int]
    leases_lost: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), index=True)
    restart_reason: Mapped[str | None]


def note_alive(name: str, places: int, program: Program = Program.COMPUTING) -> int:
    """Record that a worker is alive. Returns the number of leases it has lost so far."""
    statement = insert(Worker).values(name=name, program=program, places=places, leases_lost=0)
    statement = statement.on_conflict_do_update(index_elements=[Worker.name], set_={"seen_at": sa.func.now()})
    return db.session.execute(statement.returning(Worker.leases_lost)).scalar_one()


def note_lost_lease(name: str | None) -> None:
    """Record that a worker's lease has expired. Does nothing for a worker that no watchdog has recorded."""
    db.session.execute(
        sa.update(Worker)
        .where(Worker.name == name)
        .values(leases_lost=Worker.leases_lost + 1)
        .execution_options(synchronize_session=False)
    )


def note_restart(name: str, places: int, reason: str, program: Program = Program.COMPUTING) -> None:
    """Record that the watchdog ends a worker."""
    values = {"name": name, "program": program, "places": places, "leases_lost": 0, "restart_reason": reason}
    statement = insert(Worker).values(values)
    db.session.execute(statement.on_conflict_do_update(index_elements=[Worker.name], set_={"restart_reason": reason}))


def _is_alive() -> sa.ColumnElement[bool]:
    return sa.and_(Worker.seen_at > sa.func.now() - _ALIVE_FOR, Worker.restart_reason.is_(None))


def select_places() -> sa.ScalarSelect[int]:
    """Select how many jobs all living computing programs together run at the same time, as recorded by watchdogs."""
    places = sa.func.coalesce(sa.func.sum(Worker.places), 0)
    return sa.select(places).where(_is_alive(), Worker.program == Program.COMPUTING).scalar_subquery()


def count_places_of_programs() -> dict[Program, int]:
    """Return how many jobs all living workers together run at the same time, for each program."""
    query = sa.select(Worker.program, sa.func.sum(Worker.places)).where(_is_alive()).group_by(Worker.program)
    counted = {str(name): places for name, places in db.session.execute(query)}
    return {program: counted.get(program, 0) for program in Program}


def count_restarts() -> dict[str, int]:
    """Return the number of workers ended by watchdogs in the last 30 days, by reason."""
    query = sa.select(Worker.restart_reason, sa.func.count()).where(Worker.restart_reason.is_not(None))
    return {str(reason): number for reason, number in db.session.execute(query.group_by(Worker.restart_reason))}


def forget_old_workers() -> None:
    """Delete workers not seen for 30 days."""
    db.session.execute(sa.delete(Worker).where(Worker.seen_at < sa.func.now() - _KEPT))
