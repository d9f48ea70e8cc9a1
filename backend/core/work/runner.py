"""The runner of leased work: claim (transaction), work under a lease, record or retry (transaction)."""

import random
import threading
from collections.abc import Callable
from uuid import UUID

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from backend.core.database.database import is_passing
from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger, log_context
from backend.core.work.jobs import Claim, JobFailed, JobKind, LeaseLost, TryLater, Work, fail, retry_later
from backend.core.work.leases import lease
from backend.settings import get_settings

log = get_logger(__name__)

_MAX_BACKOFF_S = 60.0
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, None)


def run_job(kind: JobKind, row_id: UUID) -> None:
    """Work on a queued row. Does nothing if it does not exist, is not due, or is not queued.

    Raises DBAPIError or PoolTimeout if the database is unreachable. The lease then expires, and the sweep queues the
    row again.
    """
    with kind.start() as work:
        if work is not None:
            _claim_and_run(kind, row_id, work)


def _claim_and_run(kind: JobKind, row_id: UUID, work: Work) -> None:
    with transaction():
        held = kind.claim(kind.model, row_id)
    if held is None:
        return
    with log_context(**{f"{kind.thing}_id": row_id}, request_id=held.request_id, attempt=held.attempt):
        try:
            with lease(kind.model, held) as lost:
                _run(kind, work, held, lost)
        except LeaseLost:
            # Another attempt has the row, or the row is gone, so this result must not be written.
            log.warning(f"{kind.name}.lease_lost")
        finally:
            _release(kind)


def _release(kind: JobKind) -> None:
    try:
        kind.released()
    except (DBAPIError, PoolTimeout) as error:
        # The sweep notices it too, a few seconds later.
        log.warning(f"{kind.name}.release_failed", error=type(error).__name__)


def run_row(kind: JobKind, row_id: str) -> None:
    """Work on the row named in a message; see ``run_job``. Raises ValueError if ``row_id`` is not a UUID."""
    run_job(kind, UUID(row_id))


def _run(kind: JobKind, work: Work, held: Claim, lost: threading.Event) -> None:
    try:
        work(held, lost)
    except LeaseLost:
        raise
    except TryLater as later:
        delay_s = later.delay_s
        record(lambda: _retry(kind, held, delay_s, is_failure=False), lost)
    except JobFailed as failure:
        _fail(kind, held, lost, failure)
    except Exception as error:
        if is_passing(error):
            # The row is in PostgreSQL: it has ended, or it is queued again when the lease expires.
            raise
        log.exception(f"{kind.name}.crashed")
        _fail(kind, held, lost, JobFailed("internal_error", retryable=True))


def _fail(kind: JobKind, held: Claim, lost: threading.Event, failure: JobFailed) -> None:
    code = failure.code
    if failure.retryable and held.failures + 1 < get_settings().step_attempts:
        delay_s = _backoff_s(failure.retry_after_s, held.failures)
        record(lambda: _retry(kind, held, delay_s), lost)
    else:
        record(lambda: _give_up(kind, held, code), lost)


def _retry(kind: JobKind, held: Claim, delay_s: float, *, is_failure: bool = True) -> None:
    kind.lock_first(held.id)
    retry_later(kind.model, held, delay_s=delay_s, is_failure=is_failure)
    kind.after_retry(held.id)


def _give_up(kind: JobKind, held: Claim, code: str) -> None:
    kind.lock_first(held.id)
    fail(kind.model, held, code)
    kind.give_up(held.id, code)


def _backoff_s(asked_s: float | None, failures: int) -> float:
    delay_s = asked_s if asked_s is not None else float(2**failures)
    # Jitter spreads rows that failed at the same moment.
    return min(delay_s, _MAX_BACKOFF_S) + random.uniform(0, 1)


def record(write: Callable[[], None], lost: threading.Event) -> None:
    """Write in a transaction, and retry while the database is briefly unreachable.

    A restart or a lock must not discard a result that was paid for. If the connection breaks after the commit, the
    next attempt finds that the row is no longer held, and raises LeaseLost.
    """
    for pause_s in _PAUSES_S:
        try:
            with transaction():
                write()
        except SQLAlchemyError as error:
            if pause_s is None or not is_passing(error) or lost.wait(pause_s):
                raise
        else:
            return
