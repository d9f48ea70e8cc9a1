"""The ledger from eight threads at once, on a handful of accounts: nothing is lost, and nothing is spent twice."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.billing.audits import check_ledger
from backend.billing.errors import InsufficientCredits
from backend.billing.ledger.accounts import read_balance
from backend.billing.ledger.holds import close, note_sign_of_life, reserve, settle
from backend.billing.ledger.lots import adjust_down, book_taken, grant
from backend.billing.models import CreditEntry
from backend.billing.types import EntryKind, LotSource
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from tests.billing.ledger_rows import add_cause, add_user
from tests.credits import add_payment

_THREADS = 8
_ACCOUNTS = 4
_OPERATIONS = 150
_PURCHASE = 500


class Shop:
    """Accounts with one purchase each, runs, and refunds and disputes, which all threads share."""

    def __init__(self) -> None:
        with transaction():
            self.users = [add_user() for _ in range(_ACCOUNTS)]
            self.lots = {user: self._buy(user) for user in self.users}
        self.runs = {user: [new_id() for _ in range(40)] for user in self.users}
        self.granted: Counter[UUID] = Counter(dict.fromkeys(self.users, _PURCHASE))
        self.lock = threading.Lock()

    def _buy(self, user: UUID) -> UUID:
        # The account exists before its payment.
        grant(user, LotSource.SIGN_UP, 1, f"sign_up:{user}")
        adjust_down(user, 1, f"adjustment:{user}")
        payment = add_payment(user, _PURCHASE)
        for stripe_id, kind in self.causes(user):
            add_cause(user, payment, stripe_id, kind)
        return grant(user, LotSource.PURCHASE, _PURCHASE, f"purchase:{payment}", payment_id=payment)

    @staticmethod
    def causes(user: UUID) -> list[tuple[str, EntryKind]]:
        return [(f"re_{user.hex}", EntryKind.REFUNDED), (f"dp_{user.hex}", EntryKind.DISPUTED)]

    def operate(self, choices: random.Random) -> None:
        """One random operation in a transaction of its own."""
        user = choices.choice(self.users)
        run, amount = choices.choice(self.runs[user]), choices.randint(1, 60)
        name = choices.choice(["grant", "reserve", "reserve", "settle", "settle", "close", "take", "remove", "live"])
        with transaction():
            if name == "grant":
                grant(user, LotSource.GOODWILL, amount, f"goodwill:{new_id()}")
            elif name == "reserve":
                reserve(user, run, amount, paid_only=choices.random() < 0.3)
            elif name in ("settle", "close"):
                (settle if name == "settle" else close)(run, amount)
            elif name == "take":
                stripe_id, kind = choices.choice(self.causes(user))
                book_taken(user, self.lots[user], stripe_id, kind, choices.randint(0, _PURCHASE))
            elif name == "remove":
                adjust_down(user, amount, f"adjustment:{new_id()}")
                amount = -amount
            else:
                note_sign_of_life(run)
        if name in ("grant", "remove"):
            with self.lock:
                self.granted[user] += amount


def test_eight_threads_lose_nothing(app: APIFlask, billing: None) -> None:
    with app.app_context():
        shop = Shop()

    def work(seed: int) -> Counter[str]:
        choices, outcomes = random.Random(seed), Counter[str]()
        with app.app_context():
            for _ in range(_OPERATIONS):
                try:
                    shop.operate(choices)
                    outcomes["done"] += 1
                except InsufficientCredits:
                    outcomes["refused"] += 1
        return outcomes

    with ThreadPoolExecutor(_THREADS) as threads:
        outcomes = sum(threads.map(work, range(_THREADS)), Counter[str]())
    # Any other error, such as a deadlock, has been raised by now.
    assert outcomes.total() == _THREADS * _OPERATIONS
    assert outcomes["refused"] > 0
    with app.app_context():
        with transaction():
            # The runs do not exist, so none may hold anything at the end.
            for run in (run for runs in shop.runs.values() for run in runs):
                close(run, 0)
        assert check_ledger()["violations"] == []
        with transaction():
            rows = db.session.execute(
                sa.select(CreditEntry.user_id, CreditEntry.kind, sa.func.sum(CreditEntry.amount)).group_by(
                    CreditEntry.user_id, CreditEntry.kind
                )
            ).all()
            for user in shop.users:
                moved = {kind: int(amount) for owner, kind, amount in rows if owner == user}
                given = moved["granted"] + moved.get("adjusted", 0)
                assert given == shop.granted[user]
                assert read_balance(user).balance == sum(moved.values())
            # Refunds and disputes may make a balance negative; spending may not.
            after = CreditEntry.paid_after + CreditEntry.free_after - CreditEntry.held_after
            spent = CreditEntry.kind.in_(("reserved", "adjusted"))
            assert db.session.scalars(sa.select(CreditEntry.id).where(spent, after < 0)).all() == []


def test_of_fifty_runs_at_once_ten_are_paid_for(app: APIFlask, billing: None) -> None:
    with app.app_context(), transaction():
        user = add_user()
        grant(user, LotSource.GOODWILL, 1000, "goodwill:1")

    def start(run: UUID) -> bool:
        with app.app_context():
            try:
                with transaction():
                    reserve(user, run, 100)
            except InsufficientCredits:
                return False
            return True

    with ThreadPoolExecutor(_THREADS) as threads:
        assert sum(threads.map(start, [new_id() for _ in range(50)])) == 10
    with app.app_context(), transaction():
        assert read_balance(user).available == 0


@pytest.mark.parametrize("verb", ["grant", "reserve", "refund", "adjust", "capture"])
def test_the_same_from_eight_threads_happens_once(app: APIFlask, billing: None, verb: str) -> None:
    with app.app_context():
        shop = Shop()
        user, run = shop.users[0], new_id()
        with transaction():
            reserve(user, run, 100)

    def act(_: int) -> None:
        with app.app_context(), transaction():
            if verb == "grant":
                grant(user, LotSource.GOODWILL, 70, "goodwill:1")
            elif verb == "reserve":
                reserve(user, shop.runs[user][0], 70)
            elif verb == "refund":
                book_taken(user, shop.lots[user], f"re_{user.hex}", EntryKind.REFUNDED, 70)
            elif verb == "adjust":
                adjust_down(user, 70, "adjustment:1")
            else:
                close(run, 70)

    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(act, range(_THREADS)))
    expected = {"grant": (570, 100), "reserve": (500, 170), "capture": (430, 0)}.get(verb, (430, 100))
    with app.app_context(), transaction():
        balance = read_balance(user)
    assert (balance.balance, balance.held) == expected
