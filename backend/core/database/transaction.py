"""The one place that commits (rule 1 in docs/rules.md), and what may only happen outside or after a transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import has_app_context
from sqlalchemy.orm import Session

from backend.core.database.database import db
from backend.core.process.logging import get_logger

log = get_logger(__name__)

_AFTER_COMMIT = "after_commit"


class TransactionOpen(AssertionError):
    """A programming error: an outside call was about to be made while a transaction is open."""


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a transaction; commit at its end, roll back on an error.

    Inside another transaction it joins that one, which alone commits. What was registered with
    ``after_commit`` runs once the outermost one has committed, and never after a rollback.
    """
    session = db.session()
    if session.in_transaction():
        yield session
        return
    session.info[_AFTER_COMMIT] = []
    session.begin()
    try:
        yield session
        session.commit()
    except BaseException:
        session.info.pop(_AFTER_COMMIT, None)
        session.rollback()
        raise
    finally:
        # A worker's session outlives its transactions: the next one must not see rows as this one left them.
        session.expunge_all()
    for action in session.info.pop(_AFTER_COMMIT, ()):
        _run(action)


@contextmanager
def savepoint() -> Iterator[Session]:
    """Open a part of the open transaction that can fail alone: an error takes back what was done in it, no more."""
    session = db.session()
    with session.begin_nested():
        yield session


def after_commit(action: Callable[[], object]) -> None:
    """Run ``action`` once the open transaction has committed. Its failure is logged, never raised."""
    db.session().info[_AFTER_COMMIT].append(action)


def refuse_open_transaction() -> None:
    """Raise TransactionOpen when a transaction is open. Gateways call this before they speak to a vendor."""
    if has_app_context() and db.session().in_transaction():
        raise TransactionOpen("No outside call while a transaction is open (rule 2 in docs/rules.md).")


def _run(action: Callable[[], object]) -> None:
    try:
        action()
    except Exception:
        # The rows are committed; the sweep does later what this action was to do now.
        log.warning("core.after_commit.failed", exc_info=True)
