"""What is left of one of the vendor's limits: of requests, or of tokens."""

import math
from dataclasses import dataclass

_MINUTE_S = 60.0
_DAY_S = 86_400.0
# A limit by the minute is available again after a minute at the latest.
_MAX_RESET_OF_A_MINUTE_S = 66.0
# Below this share, one rounded number says nothing about the period.
_MIN_USED_TO_TELL_PERIOD = 0.05
# The vendor rounds, and requests overtake one another.
_MARGIN = 0.005
# Other workers, while Redis is unreachable, or other programs with the same key: what they spend is found within about
# a minute, and forgotten within ten. One sudden difference must not stop us.
_OTHERS_GAIN = 1 / 60.0
_OTHERS_LIFE_S = 600.0
_OTHERS_MAX_STEP = 0.2
_MAX_OTHERS = 0.8
# What is left for them, so that we are not refused because they came first.
_OTHERS_AHEAD_S = 20.0
_MAX_AHEAD = 0.25
# A guessed limit must not allow a long burst.
_GUESSED_BURST = 0.25
_GUESS_GROWTH = 1.03
_GUESS_CUT = 0.8


@dataclass(frozen=True, slots=True)
class Level:
    """The level right after a call was charged, and the corrections made until then."""

    level: float
    corrected: float


@dataclass(slots=True)
class Budget:
    """A bucket that refills continuously, as vendors' do.

    ``level`` is what is left. While ``limit`` is unknown, nothing is refilled, and the level runs below zero by what
    calls have cost: the first header then sets it right. ``corrected`` is the sum of all corrections by headers. A
    ``guessed`` limit is ours, because the vendor refuses calls without stating one; a bucket of it holds no more than
    a fraction, or the ``largest`` call. ``others`` is what other users of the account spend per second, as far as
    headers show it.
    """

    limit: float | None = None
    period_s: float = _MINUTE_S
    level: float = 0.0
    corrected: float = 0.0
    guessed: bool = False
    largest: float = 0.0
    others: float = 0.0

    @property
    def rate(self) -> float:
        """What the vendor refills per second; 0 while the limit is unknown."""
        return 0.0 if self.limit is None else self.limit / self.period_s

    @property
    def net_rate(self) -> float:
        """What is refilled for us per second."""
        return self.rate - min(self.others, self.rate * _MAX_OTHERS)

    @property
    def is_known(self) -> bool:
        return self.limit is not None and not self.guessed

    def refill(self, seconds: float) -> None:
        if self.limit is not None:
            self._raise(self.net_rate * seconds)
            self.others *= math.exp(-seconds / _OTHERS_LIFE_S)

    def charge(self, amount: float) -> Level:
        self.level -= amount
        return Level(self.level, self.corrected)

    def cost(self, amount: float) -> float:
        """What must be left before a call of this size: no more than a full bucket, which is all that can be there."""
        if self.limit is None:
            return amount
        spare = self.limit * _MARGIN + min(self.others * _OTHERS_AHEAD_S, self.limit * _MAX_AHEAD)
        return min(amount + spare, self._capacity)

    def seconds_until(self, amount: float, calls: int = 1) -> float:
        """Seconds until so many calls of this size can have been made."""
        if self.limit is None:
            return 0.0
        missing = self.cost(amount) + (calls - 1) * amount - self.level
        return max(missing / self.net_rate, 0.0)

    def learn_limit(self, limit: float | None, remaining: float | None, reset_s: float | None) -> bool:
        """Take over a stated limit. Returns whether it was unknown until now.

        Some servers state only what is left, or -1 for what they do not count.
        """
        if limit is None and remaining is not None and (self.limit is None or self.guessed or remaining > self.limit):
            limit = remaining
        if limit is None or limit <= 0:
            return False
        is_new = not self.is_known
        self.limit, self.guessed = float(limit), False
        self.level = min(self.level, self.limit)
        self._learn_period(remaining, reset_s)
        return is_new

    def correct(self, remaining: float | None, charged: Level | None, *, is_new: bool) -> None:
        """Follow what an answer says is left.

        The vendor counted at some moment between the call's start and its answer, so anything between what we expect
        for the one and for the other agrees with us. Beyond that, it is right: at once if less is left, and by half if
        more is left, because requests overtake one another.
        """
        if remaining is None or (charged is None and not is_new):
            return
        if charged is None:
            charged = Level(0.0, self.corrected)
        expected = charged.level + self.corrected - charged.corrected
        low, high = (expected, expected) if is_new else (min(expected, self.level), max(expected, self.level))
        change = remaining - low if remaining < low or is_new else max(remaining - high, 0.0) / 2
        self._correct(change, is_new=is_new)

    def lower_to(self, level: float) -> None:
        """Follow a refusal, which tells what is left now."""
        self._correct(min(level - self.level, 0.0))

    def guess(self, spent: float, largest: float) -> None:
        """Guess a limit after a refusal that states none, from what was spent in the last minute."""
        found = spent if self.limit is None else self.limit
        self.largest = max(self.largest, largest)
        self.limit, self.guessed, self.period_s = max(found * _GUESS_CUT, self.largest), True, _MINUTE_S
        self._correct(-self.level, is_new=True)

    def raise_guess(self) -> None:
        """Try a little more after an answer, if the guess is what holds calls back."""
        if self.guessed and self.limit is not None and self.level < self._capacity / 2:
            self.limit *= _GUESS_GROWTH

    @property
    def _capacity(self) -> float:
        if self.limit is None:
            return float("inf")
        return max(self.limit * _GUESSED_BURST, self.largest) if self.guessed else self.limit

    def _correct(self, change: float, *, is_new: bool = False) -> None:
        self.corrected += change
        if not is_new:
            most = self.rate * _OTHERS_MAX_STEP
            self.others = max(self.others + min(max(-change * _OTHERS_GAIN, -most), most), 0.0)
        if change > 0:
            self._raise(change)
        else:
            self.level += change

    def _raise(self, amount: float) -> None:
        self.level = max(self.level, min(self.level + amount, self._capacity))

    def _learn_period(self, remaining: float | None, reset_s: float | None) -> None:
        if remaining is None or reset_s is None or self.limit is None:
            return
        used = self.limit - remaining
        if used < self.limit * _MIN_USED_TO_TELL_PERIOD:
            return
        told = self.limit * reset_s / used
        self.period_s = _MINUTE_S if reset_s <= _MAX_RESET_OF_A_MINUTE_S else min(max(told, _MINUTE_S), _DAY_S)
