"""How chores of the ledger work: they find accounts in one transaction, and work on each in its own."""

from collections.abc import Callable, Iterable
from uuid import UUID

from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger

log = get_logger(__name__)


def work_on_each(find: Callable[[], Iterable[UUID]], work: Callable[[UUID], object]) -> int:
    """Call ``work`` with each id that ``find`` returns. Returns how many succeeded; errors are logged.

    A chore that locked several accounts in one transaction would make their users wait for each other.
    """
    with transaction():
        ids = list(find())
    done = 0
    for each in ids:
        try:
            with transaction():
                work(each)
        except Exception:
            log.exception("billing.chore.failed", chore=work.__name__, row_id=str(each))
        else:
            done += 1
    return done
