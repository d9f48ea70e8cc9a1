"""The ledger against a plain model: ten thousand random operations on PostgreSQL."""

from collections import Counter
from uuid import UUID

import sqlalchemy as sa
from apiflask import APIFlask
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backend.billing.audits import check_ledger
from backend.billing.errors import InsufficientCredits, SpendingFrozen
from backend.billing.ledger.accounts import lock_account, read_balance
from backend.billing.ledger.holds import close, reserve, settle
from backend.billing.ledger.lots import adjust_down, book_taken, grant
from backend.billing.models import CreditLot, Dispute
from backend.billing.types import EntryKind, LotSource
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from tests.billing.ledger_model import ModelAccount, ModelLot
from tests.billing.ledger_rows import add_cause, add_user, let_expire
from tests.credits import add_payment

_MIN_OPERATIONS = 10_000
_AMOUNTS = st.integers(1, 120)
_SOURCES = st.sampled_from(LotSource)
_FREE = st.sampled_from([LotSource.SIGN_UP, LotSource.GOODWILL])

_operations: Counter[str] = Counter()


class LedgerMachine(RuleBasedStateMachine):
    """One account. ``engine`` is set by the test."""

    engine: sa.Engine

    @initialize()
    def open_account(self) -> None:
        self.model = ModelAccount()
        self.lots: dict[str, UUID] = {}
        self.payments: dict[str, UUID] = {}
        self.runs: list[UUID] = []
        self.causes: dict[str, tuple[ModelLot, EntryKind]] = {}
        with transaction():
            self.user = add_user()

    def count(self) -> None:
        _operations["all"] += 1
        # The ledger does this whenever it locks the account.
        self.model.book_expiry()

    @rule(source=_SOURCES, amount=_AMOUNTS)
    def grant(self, source: LotSource, amount: int) -> None:
        self.count()
        name = f"lot:{new_id()}"
        with transaction():
            lock_account(self.user)
            payment = add_payment(self.user, amount) if source is LotSource.PURCHASE else None
            self.lots[name] = grant(self.user, source, amount, name, payment_id=payment)
            if payment is not None:
                self.payments[name] = payment
        self.model.grant(name, source, amount)

    @precondition(lambda self: self.lots)
    @rule(data=st.data())
    def grant_again(self, data: st.DataObject) -> None:
        self.count()
        lot = data.draw(st.sampled_from(self.model.lots))
        with transaction():
            known = db.session.get_one(CreditLot, self.lots[lot.name])
            args = (self.user, LotSource(known.source), lot.granted, lot.name)
            assert grant(*args, payment_id=known.payment_id) == known.id

    @rule(amount=st.integers(0, 200), paid_only=st.booleans())
    def reserve(self, amount: int, paid_only: bool) -> None:
        self.count()
        run = new_id()
        expected = self.model.reserve(str(run), amount, paid_only=paid_only)
        try:
            with transaction():
                reserve(self.user, run, amount, paid_only=paid_only)
        except SpendingFrozen:
            assert expected is None
            assert self.model.is_frozen
        except InsufficientCredits:
            assert expected is None
            assert not self.model.is_frozen
        else:
            assert expected is not None
            self.runs.append(run)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), amount=st.integers(0, 10_000))
    def reserve_again(self, data: st.DataObject, amount: int) -> None:
        self.count()
        run = data.draw(st.sampled_from(self.runs))
        hold = self.model.holds[str(run)]
        with transaction():
            known = reserve(self.user, run, amount)
        assert (known.amount, known.captured, known.is_open) == (hold.amount, hold.captured, hold.is_open)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), total=st.integers(0, 200), ends=st.booleans())
    def settle(self, data: st.DataObject, total: int, ends: bool) -> None:
        self.count()
        run = data.draw(st.sampled_from(self.runs))
        expected = self.model.settle(str(run), total, close=ends)
        with transaction():
            hold = (close if ends else settle)(run, total)
        assert hold is not None
        assert (hold.captured, hold.is_open) == (expected.captured, expected.is_open)

    @precondition(lambda self: self.payments)
    @rule(data=st.data(), kind=st.sampled_from([EntryKind.REFUNDED, EntryKind.DISPUTED]))
    def take(self, data: st.DataObject, kind: EntryKind) -> None:
        """A new refund or dispute, or a new state of a known one."""
        self.count()
        names = [None, *(name for name, (_, each) in self.causes.items() if each is kind)]
        stripe_id = data.draw(st.sampled_from(names))
        if stripe_id is None:
            stripe_id = f"{kind}_{new_id().hex}"
            paid = [lot for lot in self.model.lots if lot.is_paid]
            self.causes[stripe_id] = (data.draw(st.sampled_from(paid)), kind)
            with transaction():
                own = self.causes[stripe_id][0]
                add_cause(self.user, self.payments[own.name], stripe_id, kind)
        own = self.causes[stripe_id][0]
        # Stripe never refunds more than was paid.
        others = sum(
            part
            for other, (lot, each) in self.causes.items()
            if other != stripe_id and lot is own and each is kind
            for _, part in self.model.taken.get(other, ())
        )
        target = data.draw(st.integers(0, own.granted - others))
        expected = self.model.book_taken(own, stripe_id, target)
        with transaction():
            assert book_taken(self.user, self.lots[own.name], stripe_id, kind, target) == expected

    @precondition(lambda self: self.payments)
    @rule()
    def freeze_or_thaw(self) -> None:
        self.count()
        self.model.is_frozen = not self.model.is_frozen
        with transaction():
            if self.model.is_frozen:
                add_cause(self.user, next(iter(self.payments.values())), f"dp_{new_id().hex}", EntryKind.DISPUTED)
            mine = sa.update(Dispute).where(Dispute.user_id == self.user)
            db.session.execute(mine.values(is_open=self.model.is_frozen))

    @rule(amount=_AMOUNTS)
    def adjust(self, amount: int) -> None:
        self.count()
        key = f"adjustment:{new_id()}"
        is_possible = self.model.adjust_down(amount)
        try:
            for _ in range(2):
                with transaction():
                    adjust_down(self.user, amount, key)
        except InsufficientCredits:
            assert not is_possible
        else:
            assert is_possible

    @precondition(lambda self: any(not lot.is_paid and not lot.is_expired for lot in self.model.lots))
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        self.count()
        lot = data.draw(st.sampled_from([lot for lot in self.model.lots if not lot.is_paid and not lot.is_expired]))
        let_expire(self.engine, self.lots[lot.name])
        lot.is_expired = True
        # Readers leave expired credits out, even before they are booked out.
        self.model.book_expiry()

    @invariant()
    def balance_is_as_in_the_model(self) -> None:
        if hasattr(self, "model"):
            with transaction():
                balance = read_balance(self.user)
            model = self.model
            free = model.free - sum(lot.open for lot in model.lots if lot.is_expired)
            assert (balance.paid, balance.free, balance.held) == (model.paid, free, model.held)
            assert balance.is_frozen == model.is_frozen

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        self.model.book_expiry()
        with transaction():
            # The runs do not exist, so none may hold anything at the end.
            for run in self.runs:
                self.model.settle(str(run), 0, close=True)
                close(run, 0)
                self.model.book_expiry()
            account = lock_account(self.user)
            state = {lot.id: (lot.balance, lot.held) for lot in account.lots}
        assert state == {self.lots[lot.name]: (lot.left, lot.held) for lot in self.model.lots}


def test_ledger_does_what_the_model_does(app: APIFlask, engine: sa.Engine, billing: None) -> None:
    _operations.clear()
    LedgerMachine.engine = engine
    many = hypothesis_settings(max_examples=250, stateful_step_count=50, derandomize=True, database=None)
    with app.app_context():
        run_state_machine_as_test(LedgerMachine, settings=many)
        assert _operations["all"] >= _MIN_OPERATIONS
        assert check_ledger()["violations"] == []
