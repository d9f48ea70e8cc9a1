"""The only place that commits (rule 1 in docs/rules.md), and the hooks for actions after a commit."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from flask import has_app_context
from sqlalchemy.orm import Session

from backend.core.database.database import db
from backend.core.process.logging import get_logger

log = get_logger(__name__)

_AFTER_COMMIT = "after_commit"
_BEFORE_COMMIT = "before_commit"


class TransactionOpen(AssertionError):
    """A programming error: an outside call while a transaction is open."""


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a transaction; commit at the end, roll back on an error.

    Inside another transaction, it joins that one, and only the outer one commits. Actions registered with
    ``before_commit`` run at the end of the outermost transaction, inside it. Those of ``after_commit`` run after it has
    committed, and never after a rollback.
    """
    session = db.session()
    if session.in_transaction():
        yield session
        return
    session.info[_BEFORE_COMMIT] = {}
    session.info[_AFTER_COMMIT] = []
    session.begin()
    try:
        yield session
        for action in session.info.pop(_BEFORE_COMMIT).values():
            action()
        session.commit()
    except BaseException:
        session.info.pop(_BEFORE_COMMIT, None)
        session.info.pop(_AFTER_COMMIT, None)
        session.rollback()
        raise
    finally:
        # A worker's session outlives its transactions, and the next one must not see stale rows.
        session.expunge_all()
    for action in session.info.pop(_AFTER_COMMIT, ()):
        _run(action)


@contextmanager
def savepoint() -> Iterator[Session]:
    """Open a savepoint in the open transaction: an error undoes only what was done inside it."""
    session = db.session()
    with session.begin_nested():
        yield session


def before_commit(key: Hashable, action: Callable[[], object]) -> None:
    """Run ``action`` at the end of the open transaction, inside it; once for each key.

    For locks that come last in the order of locks (docs/architecture.md), whoever called first.
    """
    db.session().info[_BEFORE_COMMIT].setdefault(key, action)


def after_commit(action: Callable[[], object]) -> None:
    """Run ``action`` after the open transaction has committed. If it fails, the error is logged, not raised."""
    db.session().info[_AFTER_COMMIT].append(action)


def refuse_open_transaction() -> None:
    """Raise TransactionOpen if a transaction is open. Gateways call this before they call a vendor."""
    if has_app_context() and db.session().in_transaction():
        raise TransactionOpen("No outside call while a transaction is open (rule 2 in docs/rules.md).")


def _run(action: Callable[[], object]) -> None:
    try:
        action()
    except Exception:
        # The rows are committed, so the sweep will make up for the failed action.
        log.warning("core.after_commit.failed", exc_info=True)
