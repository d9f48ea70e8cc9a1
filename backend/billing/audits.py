"""Daily audits as leased work: of the ledger's invariants, and of our payments against Stripe's.

The ledger's audit only reports: an operator who has understood the cause repairs. Payments' books what was missed.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.billing.ledger.invariants import INVARIANTS, find_violations
from backend.billing.models import BillingAudit
from backend.billing.payments.reconciling import reconcile_daily
from backend.billing.types import LedgerCheck, Violation
from backend.core.clock import database_now, read_database_clock
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.process.logging import get_logger
from backend.core.work.jobs import Claim, JobState, TryLater, dispatch, finish
from backend.core.work.runner import record
from backend.settings import Settings, get_settings

log = get_logger(__name__)

INVARIANTS_AUDIT = "invariants"
RECONCILIATION_AUDIT = "reconciliation"
_MAX_LISTED = 100
_OTHER_RELEASE_S = 60.0

Report = dict[str, Any]


def _always(_settings: Settings) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Audit:
    """One kind of audit. ``run`` opens its own transactions and returns what is stored; ``when`` turns it on."""

    run: Callable[[], Report]
    when: Callable[[Settings], bool] = _always


def check_ledger(note: Callable[[Violation], object] = lambda _: None) -> Report:
    """Check the ledger's invariants; log each violation as an error, and call ``note`` with it.

    Opens its own transactions.
    """
    counts: Counter[str] = Counter(dict.fromkeys(INVARIANTS, 0))
    listed: list[dict[str, str]] = []
    for violation in find_violations():
        counts[violation.invariant] += 1
        user_id, detail = str(violation.user_id), violation.detail
        # The first of each kind: one fault can break an invariant for every account.
        if counts[violation.invariant] <= _MAX_LISTED:
            log.error("billing.ledger.violated", invariant=violation.invariant, user_id=user_id, detail=detail)
            listed.append({"invariant": violation.invariant, "user_id": user_id, "detail": detail})
        note(violation)
    return {"counts": dict(counts), "violations": listed}


def _reconcile() -> Report:
    done = sa.select(sa.func.max(BillingAudit.day)).where(
        BillingAudit.kind == RECONCILIATION_AUDIT, BillingAudit.state == JobState.DONE
    )
    with transaction():
        last_day = db.session.scalar(done)
    return reconcile_daily(last_day)


AUDITS: Mapping[str, Audit] = {
    INVARIANTS_AUDIT: Audit(check_ledger),
    RECONCILIATION_AUDIT: Audit(_reconcile, when=lambda settings: settings.billing_is_on),
}
"""The audits by ``BillingAudit.kind``."""


def plan_audits() -> int:
    """Queue today's audits, unless they are queued already. Returns how many. Needs a transaction."""
    today = read_database_clock().date()
    rows = [
        {"id": new_id(), "kind": kind, "day": today} for kind, audit in AUDITS.items() if audit.when(get_settings())
    ]
    planned = db.session.scalars(
        insert(BillingAudit).values(rows).on_conflict_do_nothing().returning(BillingAudit.id)
    ).all()
    dispatch(BillingAudit, planned)
    return len(planned)


def run_audit(held: Claim, lost: threading.Event) -> None:
    """Run a planned audit and store its report."""
    with transaction():
        kind = db.session.scalars(sa.select(BillingAudit.kind).where(BillingAudit.id == held.id)).one()
    if kind not in AUDITS:
        # Planned by a newer release, whose workers know it.
        raise TryLater(_OTHER_RELEASE_S)
    record(partial(_finish, held, AUDITS[kind].run()), lost)


def _finish(held: Claim, report: Report) -> None:
    db.session.execute(
        sa.update(BillingAudit)
        .where(BillingAudit.id == held.id)
        .values(report=report)
        .execution_options(synchronize_session=False)
    )
    finish(BillingAudit, held)


def tell_failure(audit_id: UUID, code: str) -> None:
    """Tell the operator that an audit has failed for good. Tomorrow's is planned all the same."""
    log.error("billing.audit.failed", audit_id=str(audit_id), error_code=code)


def measure_ledger() -> LedgerCheck | None:
    """Return the result of the last check of the ledger, or None if there was none. Needs a transaction."""
    latest = (
        sa.select(BillingAudit.report, sa.extract("epoch", database_now() - BillingAudit.ended_at))
        .where(BillingAudit.kind == INVARIANTS_AUDIT, BillingAudit.state == JobState.DONE)
        .order_by(BillingAudit.day.desc())
        .limit(1)
    )
    row = db.session.execute(latest).one_or_none()
    if row is None:
        return None
    report, age_s = row
    return LedgerCheck(violations=report["counts"], age_s=float(age_s))
