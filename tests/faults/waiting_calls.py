"""A kind of job of the calling program that exists only in tests, and a watchdog that knows it (``python -m``).

A job waits in a thread until somebody writes into its pipe, as a call waits for the language model. Tests must not
import this module: its table would become part of the schema.
"""

import signal
import sys
import threading
from pathlib import Path
from uuid import UUID

from flask import Flask
from sqlalchemy.orm import Mapped

from backend.core.database.database import Base, configure_database, db
from backend.core.database.transaction import transaction
from backend.core.manifest import open_rooms
from backend.core.work.jobs import Claim, Job, JobKind, finish, install_kinds, job_constraints, list_kinds
from backend.core.work.programs import Program
from backend.core.work.queue import configure_queue
from backend.core.work.runner import record
from backend.operations.watchdog.heartbeat import state_folder
from backend.operations.watchdog.watchdog import watch
from backend.rooms import ROOMS
from backend.settings import get_settings


class WaitingCall(Job, Base):
    """``pipe`` is the path of a named pipe."""

    task = "tests.wait"
    __tablename__ = "waiting_calls"
    __table_args__ = job_constraints()

    pipe: Mapped[str]


def wait_for_answer(held: Claim, lost: threading.Event) -> None:
    with transaction():
        pipe = db.session.get_one(WaitingCall, held.id).pipe
    Path(pipe).read_text()
    record(lambda: finish(WaitingCall, held), lost)


def _give_up(_row_id: UUID, _code: str) -> None:
    pass


KIND = JobKind(name="tests.call", model=WaitingCall, work=wait_for_answer, give_up=_give_up, program=Program.CALLING)


def know_calls() -> None:
    """Add the kind to those of this process."""
    install_kinds((*list_kinds(), KIND))


def main() -> int:
    """Watch the calling program alone, and sweep."""
    settings, stop = get_settings(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    open_rooms(ROOMS)
    know_calls()
    app = Flask("watchdog-of-waiting-calls")
    configure_database(app, settings)
    configure_queue(settings, answers_requests=True)
    with app.app_context():
        Base.metadata.create_all(db.engine, tables=[WaitingCall.__table__])
    folder = state_folder(settings, Program.CALLING)
    assert folder is not None
    folder.mkdir(parents=True, exist_ok=True)
    return watch(app, settings, {Program.CALLING: folder}, stop)


if __name__ == "__main__":
    sys.exit(main())
