"""The workers that are there: how much they can do at once, and what they have lost.

A worker is one main process of Celery. Its watchdog notes that it lives, the sweep that a lease of it ran out.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.database.database import Base, db

_ALIVE_FOR = timedelta(seconds=60)
_KEPT = timedelta(days=30)


class Worker(Base):
    """One main process of Celery. ``restart_reason`` says why the watchdog ended it, if it did."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    places: Mapped[int]
    leases_lost: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), index=True)
    restart_reason: Mapped[str | None]


def note_alive(name: str, places: int) -> int:
    """Note that the worker lives and works on up to ``places`` steps at once. Returns its leases lost so far."""
    statement = insert(Worker).values(name=name, places=places, leases_lost=0)
    statement = statement.on_conflict_do_update(index_elements=[Worker.name], set_={"seen_at": sa.func.now()})
    return db.session.execute(statement.returning(Worker.leases_lost)).scalar_one()


def note_lost_lease(name: str | None) -> None:
    """Note that a lease of the worker ran out. Nothing happens when no watchdog has named it."""
    db.session.execute(
        sa.update(Worker)
        .where(Worker.name == name)
        .values(leases_lost=Worker.leases_lost + 1)
        .execution_options(synchronize_session=False)
    )


def note_restart(name: str, places: int, reason: str) -> None:
    """Note that the watchdog ends the worker, and why."""
    statement = insert(Worker).values(name=name, places=places, leases_lost=0, restart_reason=reason)
    db.session.execute(statement.on_conflict_do_update(index_elements=[Worker.name], set_={"restart_reason": reason}))


def count_places() -> int:
    """Return on how many steps the workers that are alive can work at once, as far as watchdogs know."""
    alive = sa.and_(Worker.seen_at > sa.func.now() - _ALIVE_FOR, Worker.restart_reason.is_(None))
    return db.session.scalar(sa.select(sa.func.coalesce(sa.func.sum(Worker.places), 0)).where(alive)) or 0


def count_restarts() -> dict[str, int]:
    """Return how many workers were ended by watchdogs in the last 30 days, by reason."""
    query = sa.select(Worker.restart_reason, sa.func.count()).where(Worker.restart_reason.is_not(None))
    return {str(reason): number for reason, number in db.session.execute(query.group_by(Worker.restart_reason))}


def forget_old_workers() -> None:
    """Delete what is known of workers that were not seen for 30 days."""
    db.session.execute(sa.delete(Worker).where(Worker.seen_at < sa.func.now() - _KEPT))
