"""A whole room in one file: a table of leased work, a route, a job, a chore and a hook. Copied to ``backend/toy``."""

import threading
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from apiflask import APIBlueprint
from flask import g
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.database.database import Base, db
from backend.core.database.transaction import transaction
from backend.core.manifest import Chore, Room, Routes
from backend.core.web.rate_limits import RouteClass
from backend.core.work import jobs
from backend.core.work.jobs import Claim, Job, JobKind, job_constraints
from backend.library.hooks import study_set_deleting

toy = APIBlueprint("toy", __name__, tag="Toy")


class Toy(Job, Base):
    """A user's toy, which the worker winds up."""

    task = "toy.wind"
    __tablename__ = "toys"
    __table_args__ = job_constraints()

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    turns: Mapped[int] = mapped_column(default=0)


@toy.post("/toys")
def make_toy() -> tuple[dict[str, Any], int]:
    """Make a toy."""
    with transaction() as session:
        made = Toy(user_id=g.user_id, state="queued")
        session.add(made)
        session.flush()
        jobs.dispatch(Toy, [made.id])
        return {"id": str(made.id)}, 201


def wind(held: Claim, _lost: threading.Event) -> None:
    """Wind up a held toy."""
    with transaction():
        jobs.finish(Toy, held)
        db.session.execute(sa.update(Toy).where(Toy.id == held.id).values(turns=Toy.turns + 1))


def give_up(_toy_id: UUID, _code: str) -> None:
    """Leave a broken toy as it is."""


def tidy() -> None:
    """Turn every finished toy again."""
    db.session.execute(sa.update(Toy).where(Toy.state == "done").values(turns=Toy.turns + 10))


def drop_toys(_study_set_id: UUID) -> None:
    """Reset all turns when a study set is deleted."""
    db.session.execute(sa.update(Toy).values(turns=0))


ROOM = Room(
    name="toy",
    routes=(Routes("backend.toy.room:toy"),),
    jobs=(JobKind(name="toy.toy", model=Toy, work=wind, give_up=give_up),),
    chores=(Chore(tidy, every=1),),
    tables=(Toy,),
    hooks=(study_set_deleting.to(drop_toys),),
    limits={"toy.make_toy": RouteClass.RUN},
)
