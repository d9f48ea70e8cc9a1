"""A plain model of the ledger in Python, as an oracle: lots as a list, no database, no running values."""

from dataclasses import dataclass, field

from backend.billing.types import LotSource


@dataclass
class ModelLot:
    name: str
    is_paid: bool
    granted: int
    left: int
    held: int = 0
    is_expired: bool = False

    @property
    def open(self) -> int:
        return max(self.left - self.held, 0)


@dataclass
class ModelHold:
    amount: int
    parts: list[tuple[ModelLot, int]]
    captured: int = 0
    is_open: bool = True


@dataclass
class ModelAccount:
    """One user's credits. Its methods return what the ledger is expected to return, or None if it must refuse."""

    lots: list[ModelLot] = field(default_factory=list)
    holds: dict[str, ModelHold] = field(default_factory=dict)
    taken: dict[str, list[tuple[ModelLot, int]]] = field(default_factory=dict)
    is_frozen: bool = False

    @property
    def paid(self) -> int:
        return sum(lot.left for lot in self.lots if lot.is_paid)

    @property
    def free(self) -> int:
        return sum(lot.left for lot in self.lots if not lot.is_paid)

    @property
    def held(self) -> int:
        return sum(lot.held for lot in self.lots)

    @property
    def available(self) -> int:
        return self.paid + self.free - self.held

    def grant(self, name: str, source: LotSource, amount: int) -> ModelLot:
        lot = ModelLot(name, source is LotSource.PURCHASE, amount, amount)
        self.lots.append(lot)
        return lot

    def in_spending_order(self) -> list[ModelLot]:
        return [lot for is_paid in (False, True) for lot in self.lots if lot.is_paid == is_paid and not lot.is_expired]

    def reserve(self, run: str, amount: int, *, paid_only: bool) -> ModelHold | None:
        lots = [lot for lot in self.in_spending_order() if lot.is_paid or not paid_only]
        most = min(self.available, sum(lot.open for lot in lots))
        if amount and (self.is_frozen or amount > most):
            return None
        parts, left = [], amount
        for lot in lots:
            part = min(left, lot.open)
            if part:
                lot.held += part
                left -= part
                parts.append((lot, part))
        self.holds[run] = ModelHold(amount, parts)
        return self.holds[run]

    def settle(self, run: str, total: int, *, close: bool) -> ModelHold:
        hold = self.holds[run]
        if not hold.is_open:
            return hold
        left, kept = max(total - hold.captured, 0), []
        for lot, part in hold.parts:
            taken = min(left, part)
            lot.left -= taken
            lot.held -= taken
            hold.captured += taken
            left -= taken
            kept.append((lot, part - taken))
        hold.parts = kept
        if close:
            for lot, part in kept:
                lot.held -= part
            hold.is_open = False
        return hold

    def book_taken(self, own: ModelLot, stripe_id: str, target: int) -> int:
        """Return the change, negative if credits were taken."""
        taken = self.taken.setdefault(stripe_id, [])
        change = sum(part for _, part in taken) - target
        if change < 0:
            self._take(own, taken, -change)
        else:
            self._give_back(taken, change)
        return change

    def _take(self, own: ModelLot, taken: list[tuple[ModelLot, int]], amount: int) -> None:
        others = [lot for lot in self.lots if lot is not own and not lot.is_expired]
        paid_first = [lot for lot in others if lot.is_paid] + [lot for lot in others if not lot.is_paid]
        left = amount
        for lot in [own, *paid_first]:
            part = min(left, lot.open)
            if part:
                lot.left -= part
                left -= part
                taken.append((lot, part))
        if left:
            own.left -= left
            taken.append((own, left))

    def _give_back(self, taken: list[tuple[ModelLot, int]], amount: int) -> None:
        while amount:
            # All that was taken from the last lot, even if it was taken in several parts.
            lot = taken[-1][0]
            most = sum(part for each, part in taken if each is lot)
            part = min(amount, most)
            taken[:] = [(each, had) for each, had in taken if each is not lot]
            if most > part:
                taken.append((lot, most - part))
            lot.left += part
            amount -= part

    def adjust_down(self, amount: int) -> bool:
        if amount > self.available:
            return False
        left = amount
        for lot in self.in_spending_order():
            part = min(left, lot.open)
            lot.left -= part
            left -= part
        return True

    def book_expiry(self) -> None:
        """Book out what is left of expired lots, as the ledger does whenever it locks an account."""
        for lot in self.lots:
            if lot.is_expired:
                lot.left -= lot.open
