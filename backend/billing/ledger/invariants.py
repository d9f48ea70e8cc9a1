"""Invariants of the ledger. They find violations and repair nothing: somebody has to understand the cause first.

Accounts are checked in batches, each by set-based statements over the index of its entries, so neither memory nor the
duration of a statement grows with the ledger.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

import sqlalchemy as sa

from backend.billing import hooks
from backend.billing.models import CreditAccount, CreditHold
from backend.billing.types import Violation
from backend.core.database.database import db
from backend.core.database.transaction import transaction

_ACCOUNTS = 200
_HOLDS = 500

ENDED_RUN_HAS_NO_HOLD = "ended_run_has_no_hold"

# Each statement returns the account and a text for each violation, of accounts after :after up to :last.
_STATEMENTS = {
    "entries_follow_each_other": """
        SELECT user_id, format('entry %s: number %s', id, number) FROM (
            SELECT e.*, l.source, l.user_id AS lot_user_id,
                lag(e.number, 1, 0::bigint) OVER account AS number_before,
                lag(e.paid_after, 1, 0::bigint) OVER account AS paid_before,
                lag(e.free_after, 1, 0::bigint) OVER account AS free_before,
                lag(e.held_after, 1, 0::bigint) OVER account AS held_before
            FROM credit_entries e JOIN credit_lots l ON l.id = e.lot_id
            WHERE e.user_id > :after AND e.user_id <= :last
            WINDOW account AS (PARTITION BY e.user_id ORDER BY e.number)
        ) AS entry
        WHERE number <> number_before + 1
            OR lot_user_id <> user_id
            OR paid_after <> paid_before + CASE WHEN source = 'purchase' THEN amount ELSE 0 END
            OR free_after <> free_before + CASE WHEN source = 'purchase' THEN 0 ELSE amount END
            OR held_after <> held_before + held
    """,
    "entries_of_lots_follow_each_other": """
        SELECT user_id, format('entry %s: lot %s', id, lot_id) FROM (
            SELECT e.*, l.amount AS granted, l.number AS lot_number,
                row_number() OVER lot AS position,
                lag(e.lot_after, 1, 0::bigint) OVER lot AS lot_before,
                lag(e.lot_held_after, 1, 0::bigint) OVER lot AS lot_held_before
            FROM credit_entries e JOIN credit_lots l ON l.id = e.lot_id
            WHERE e.user_id > :after AND e.user_id <= :last
            WINDOW lot AS (PARTITION BY e.lot_id ORDER BY e.number)
        ) AS entry
        WHERE lot_after <> lot_before + amount
            OR lot_held_after <> lot_held_before + held
            OR (position = 1) <> (kind = 'granted')
            OR (kind = 'granted' AND (amount <> granted OR number <> lot_number))
    """,
    "sum_of_entries_is_balance": """
        SELECT user_id, format('entries: %s, held %s; balance: %s, held %s', amount, held, balance, held_after) FROM (
            SELECT e.user_id, sum(e.amount) AS amount, sum(e.held) AS held, max(e.number) AS number
            FROM credit_entries e WHERE e.user_id > :after AND e.user_id <= :last GROUP BY e.user_id
        ) AS total
        JOIN LATERAL (
            SELECT paid_after + free_after AS balance, held_after FROM credit_entries
            WHERE credit_entries.user_id = total.user_id AND credit_entries.number = total.number
        ) AS latest ON true
        WHERE amount <> balance OR held <> held_after
    """,
    "sum_of_lots_is_balance": """
        SELECT user_id, format('lots: paid %s, free %s, held %s; account: %s, %s, %s',
            lots_paid, lots_free, lots_held, paid, free, held)
        FROM (
            SELECT a.user_id,
                coalesce(sum(s.lot_after) FILTER (WHERE l.source = 'purchase'), 0) AS lots_paid,
                coalesce(sum(s.lot_after) FILTER (WHERE l.source <> 'purchase'), 0) AS lots_free,
                coalesce(sum(s.lot_held_after), 0) AS lots_held,
                count(l.id) FILTER (WHERE s.lot_after IS NULL) AS lots_without_entry
            FROM credit_accounts a LEFT JOIN credit_lots l ON l.user_id = a.user_id
            LEFT JOIN LATERAL (
                SELECT lot_after, lot_held_after FROM credit_entries
                WHERE lot_id = l.id ORDER BY number DESC LIMIT 1
            ) AS s ON true
            WHERE a.user_id > :after AND a.user_id <= :last GROUP BY a.user_id
        ) AS lots
        LEFT JOIN LATERAL (
            SELECT paid_after, free_after, held_after FROM credit_entries
            WHERE credit_entries.user_id = lots.user_id ORDER BY number DESC LIMIT 1
        ) AS latest ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(paid_after, 0) AS paid, coalesce(free_after, 0) AS free, coalesce(held_after, 0) AS held
        ) AS account
        WHERE lots_paid <> paid OR lots_free <> free OR lots_held <> held OR lots_without_entry > 0
    """,
    "purchase_has_one_grant": """
        SELECT p.user_id, format('payment %s: %s lots of %s credits; paid for %s',
            p.id, count(l.id), coalesce(sum(l.amount), 0), p.credits)
        FROM payments p LEFT JOIN credit_lots l ON l.payment_id = p.id
        WHERE p.user_id > :after AND p.user_id <= :last
        GROUP BY p.id
        HAVING count(l.id) <> 1 OR sum(l.amount) <> p.credits OR bool_or(l.user_id <> p.user_id)
    """,
    "refunds_within_grant": """
        SELECT p.user_id, format('payment %s: %s credits refunded of %s', p.id, -sum(e.amount), p.credits)
        FROM payments p JOIN refunds r ON r.payment_id = p.id
        JOIN credit_entries e ON e.stripe_id = r.stripe_id AND e.user_id = p.user_id
        WHERE p.user_id > :after AND p.user_id <= :last
        GROUP BY p.id
        HAVING -sum(e.amount) NOT BETWEEN 0 AND p.credits
    """,
    "taken_credits_have_a_cause": """
        SELECT user_id, format('%s: %s credits taken, known: %s', stripe_id, -amount, is_known) FROM (
            SELECT e.user_id, e.stripe_id, sum(e.amount) AS amount,
                EXISTS (SELECT FROM refunds r WHERE r.stripe_id = e.stripe_id AND r.user_id = e.user_id)
                OR EXISTS (SELECT FROM disputes d WHERE d.stripe_id = e.stripe_id AND d.user_id = e.user_id) AS is_known
            FROM credit_entries e
            WHERE e.user_id > :after AND e.user_id <= :last AND e.stripe_id IS NOT NULL
            GROUP BY e.user_id, e.stripe_id
        ) AS taken
        WHERE NOT is_known OR amount > 0
    """,
    "held_by_open_holds": """
        SELECT user_id, format('hold %s of %s: reserved %s, held %s, open: %s', id, amount, reserved, held, is_open)
        FROM (
            SELECT h.user_id, h.id, h.amount, h.closed_at IS NULL AS is_open,
                coalesce(sum(e.held) FILTER (WHERE e.kind = 'reserved'), 0) AS reserved,
                coalesce(sum(e.held), 0) AS held,
                coalesce(bool_or(e.kind = 'captured' AND e.amount <> e.held), false) AS is_odd
            FROM credit_holds h LEFT JOIN credit_entries e ON e.hold_id = h.id
            WHERE h.user_id > :after AND h.user_id <= :last
            GROUP BY h.id
        ) AS hold
        WHERE reserved <> amount OR held < 0 OR (held <> 0 AND NOT is_open) OR is_odd
    """,
}

INVARIANTS = (*_STATEMENTS, ENDED_RUN_HAS_NO_HOLD)
"""Names of the invariants, as in metrics and logs."""

_TEXTS = {name: sa.text(statement) for name, statement in _STATEMENTS.items()}
_BEFORE_ALL = UUID(int=0)


def find_violations() -> Iterator[Violation]:
    """Check all invariants, and yield each violation. Opens its own transactions."""
    for after, last in _list_batches():
        for name, statement in _TEXTS.items():
            with transaction():
                rows = db.session.execute(statement, {"after": after, "last": last}).all()
            yield from (Violation(name, user_id, detail) for user_id, detail in rows)
    yield from _find_holds_of_ended_runs()


def _list_batches() -> Iterator[tuple[UUID, UUID]]:
    """Yield ranges of accounts: after the first one, up to the second one."""
    after = _BEFORE_ALL
    while True:
        with transaction():
            batch = sa.select(CreditAccount.user_id).where(CreditAccount.user_id > after)
            users = db.session.scalars(batch.order_by(CreditAccount.user_id).limit(_ACCOUNTS)).all()
        if not users:
            return
        yield after, users[-1]
        after = users[-1]


def _find_holds_of_ended_runs() -> Iterator[Violation]:
    after = _BEFORE_ALL
    while True:
        with transaction():
            open_holds = sa.select(CreditHold.id, CreditHold.run_id).where(
                CreditHold.closed_at.is_(None), CreditHold.id > after
            )
            rows = db.session.execute(open_holds.order_by(CreditHold.id).limit(_HOLDS)).all()
            ended = set[UUID]().union(*hooks.find_ended_runs.send([row.run_id for row in rows])) if rows else set()
            # Asked again: a run may have ended in between, and its hold is closed with it.
            still_open = _list_open(list(ended))
        for user_id, run_id in still_open:
            yield Violation(ENDED_RUN_HAS_NO_HOLD, user_id, f"run {run_id}")
        if not rows:
            return
        after = rows[-1].id


def _list_open(run_ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    if not run_ids:
        return []
    rows = db.session.execute(
        sa.select(CreditHold.user_id, CreditHold.run_id).where(
            CreditHold.run_id.in_(run_ids), CreditHold.closed_at.is_(None)
        )
    )
    return [(user_id, run_id) for user_id, run_id in rows]
