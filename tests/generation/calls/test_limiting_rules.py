"""The rules of the limiter, one at a time, on a clock of their own."""

import random
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.generation.calls.limiting import rules
from backend.generation.calls.limiting.state import FIRST_WINDOW, State, decode, encode
from backend.generation.language_models.interface import RateLimits

LEASE_S = 900.0
MINUTE = RateLimits(60, 59, 1.0, 30_000, 26_000, 8.0)


class Limiter:
    """The rules, with a clock that tests set forward."""

    def __init__(self) -> None:
        self.state = State(1000.0)
        self._names = count()
        self._chance = random.Random(5)

    def pass_time(self, seconds: float) -> None:
        rules.advance(self.state, self.state.at + seconds, lease_s=LEASE_S)

    def try_to_reserve(self, tokens: float = 4000) -> tuple[str, float]:
        name = f"call-{next(self._names)}"
        return name, rules.reserve(self.state, name, tokens, jitter=self._chance.random())

    def reserve(self, tokens: float = 4000) -> str:
        name, wait_s = self.try_to_reserve(tokens)
        assert wait_s == 0
        return name

    def reserve_all(self, tokens: float = 4000) -> list[str]:
        """Reserve until told to wait."""
        names = []
        while True:
            name, wait_s = self.try_to_reserve(tokens)
            if wait_s > 0:
                return names
            names.append(name)

    def settle(self, name: str, limits: RateLimits | None = None) -> None:
        rules.settle(self.state, name, limits)

    def learn(self) -> None:
        """Make the first call, which tells the limits, and let the budget fill up again."""
        self.settle(self.reserve(), MINUTE)
        self.pass_time(60)


@pytest.fixture
def limiter() -> Limiter:
    return Limiter()


def test_calls_in_flight_double_while_limits_are_unknown(limiter: Limiter) -> None:
    found = []
    for _ in range(4):
        names = limiter.reserve_all()
        found.append(len(names))
        for name in names:
            limiter.settle(name)
    assert found == [4, 8, 16, 32]


def test_the_first_answer_tells_how_many_calls_may_start(limiter: Limiter) -> None:
    first, *others = limiter.reserve_all()
    assert len(others) == FIRST_WINDOW - 1
    limiter.settle(first, MINUTE)
    # 26,000 are left, of which the other three calls take 12,000.
    assert len(limiter.reserve_all()) == 3
    assert limiter.state.tokens.level == pytest.approx(2000)


def test_a_budget_refills_within_its_minute(limiter: Limiter) -> None:
    limiter.learn()
    assert len(limiter.reserve_all()) == 7
    _, wait_s = limiter.try_to_reserve()
    assert wait_s > 0
    limiter.pass_time(16)
    assert len(limiter.reserve_all()) == 2


def test_requests_are_a_budget_too(limiter: Limiter) -> None:
    limiter.learn()
    assert len(limiter.reserve_all(tokens=10)) == 59


def test_a_daily_limit_of_requests_refills_within_its_day(limiter: Limiter) -> None:
    # 20 of 200 are used, and 8640 s is a tenth of a day.
    limiter.settle(limiter.reserve(), RateLimits(200, 180, 8640.0))
    assert limiter.state.requests.period_s == pytest.approx(86_400)
    assert len(limiter.reserve_all()) == 179


def test_a_negative_number_is_no_limit(limiter: Limiter) -> None:
    limiter.settle(limiter.reserve(), RateLimits(60, 59, 1.0, -1, -1, 0.0))
    assert not limiter.state.tokens.is_known
    assert limiter.state.requests.is_known


def test_a_server_that_states_only_what_is_left_is_believed(limiter: Limiter) -> None:
    limiter.settle(limiter.reserve(), RateLimits(remaining_tokens=12_500))
    assert len(limiter.reserve_all()) == 3


def test_a_call_larger_than_the_limit_waits_for_a_full_budget(limiter: Limiter) -> None:
    limiter.learn()
    limiter.settle(limiter.reserve(), None)
    _, wait_s = limiter.try_to_reserve(50_000)
    assert wait_s > 0
    limiter.pass_time(60)
    limiter.reserve(50_000)


def test_a_corrected_reservation_charges_the_difference(limiter: Limiter) -> None:
    limiter.learn()
    name = limiter.reserve(4000)
    assert rules.correct(limiter.state, name, 5000) == 0
    assert limiter.state.tokens.level == pytest.approx(25_000)
    # Beyond what is left, the call waits until it is there.
    assert rules.correct(limiter.state, name, 32_000) == pytest.approx((2000 + 150) / 500)
    assert rules.correct(limiter.state, "of a lost state", 1) == 0


def test_a_reservation_that_is_given_up_costs_nothing(limiter: Limiter) -> None:
    limiter.learn()
    before = (limiter.state.requests.level, limiter.state.tokens.level)
    rules.give_up(limiter.state, limiter.reserve())
    assert (limiter.state.requests.level, limiter.state.tokens.level) == before
    assert limiter.state.held == {}


def test_a_dead_worker_holds_its_places_for_half_a_minute(limiter: Limiter) -> None:
    assert len(limiter.reserve_all()) == FIRST_WINDOW
    limiter.pass_time(29)
    assert limiter.reserve_all() == []
    limiter.pass_time(1)
    assert len(limiter.reserve_all()) == FIRST_WINDOW


def test_a_dead_worker_is_forgotten_after_a_lease(limiter: Limiter) -> None:
    limiter.reserve()
    limiter.pass_time(LEASE_S - 1)
    assert limiter.state.held
    limiter.pass_time(1)
    assert not limiter.state.held


def test_nobody_calls_before_the_vendor_allows_it_again(limiter: Limiter) -> None:
    limiter.learn()
    name = limiter.reserve_all()[-1]
    rules.refuse(limiter.state, name, 7.3, RateLimits(60, 53, 7.0, 30_000, 500, 59.0))
    waits = [limiter.try_to_reserve()[1] for _ in range(4)]
    assert waits[0] >= 7.3
    assert limiter.state.tokens.level == 500
    limiter.pass_time(7.2)
    assert limiter.reserve_all() == []
    # Somebody else spends too, as the refusal has shown: a little more is left for them.
    limiter.pass_time(7)
    assert len(limiter.reserve_all()) == 1


def test_refusals_without_a_wait_back_off_and_halve_the_calls_in_flight(limiter: Limiter) -> None:
    for name in [each for _ in range(2) for each in limiter.reserve_all()]:
        limiter.settle(name)
    window = limiter.state.window
    limiter.pass_time(1)
    blocked_s = []
    for _ in range(3):
        name, *others = limiter.reserve_all()
        for each in (name, *others):
            rules.refuse(limiter.state, each, None, None)
        blocked_s.append(limiter.state.blocked_until - limiter.state.at)
        limiter.pass_time(60)
    # Calls that were in flight together are one refusal.
    assert blocked_s == [1, 2, 4]
    assert limiter.state.window <= window / 4


def test_a_surprising_refusal_bounds_the_calls_in_flight_for_ten_minutes(limiter: Limiter) -> None:
    limiter.learn()
    names = limiter.reserve_all(tokens=10)
    rules.refuse(limiter.state, names.pop(), 1.0, RateLimits(60, 30, 1.0, 30_000, 29_000, 1.0))
    for name in names:
        limiter.settle(name)
    limiter.pass_time(61)
    assert len(limiter.reserve_all(tokens=10)) < 59
    limiter.pass_time(600)
    assert len(limiter.reserve_all(tokens=10)) > 25


def test_waiters_are_told_different_moments_in_the_order_of_room(limiter: Limiter) -> None:
    limiter.learn()
    limiter.reserve_all()
    waits = [limiter.try_to_reserve()[1] for _ in range(40)]
    # There is room for one call in eight seconds, and the first waiter has this turn. All others look again later.
    assert limiter.state.turns == [pytest.approx(limiter.state.at + (4000 + 150 - 2000) / 500)]
    assert all(7 <= wait_s <= 10 for wait_s in waits)
    assert len(set(waits)) == len(waits)


def test_waiters_for_an_answer_are_spread(limiter: Limiter) -> None:
    limiter.reserve_all()
    waits = sorted(limiter.try_to_reserve()[1] for _ in range(20))
    assert waits[0] > 0.3
    assert all(sooner < later for sooner, later in pairwise(waits))
    assert waits[-1] > 1


def test_the_probe_decides_whether_a_pause_ends(limiter: Limiter) -> None:
    limiter.learn()
    probe = limiter.reserve()
    for length_s in (60, 120, 240):
        rules.pause(limiter.state, probe, 60, "quota_exhausted")
        assert limiter.state.pause is not None
        assert limiter.state.pause.length_s == length_s
        limiter.pass_time(length_s - 1)
        assert limiter.reserve_all() == []
        limiter.pass_time(2)
        (probe,) = limiter.reserve_all()
    limiter.settle(probe, MINUTE)
    assert limiter.state.pause is None
    assert len(limiter.reserve_all()) > 1


def test_a_pause_grows_up_to_half_an_hour(limiter: Limiter) -> None:
    rules.pause(limiter.state, limiter.reserve(), 60, "quota_exhausted")
    lengths = []
    for _ in range(8):
        limiter.pass_time(lengths[-1] if lengths else 60)
        rules.pause(limiter.state, limiter.reserve(), 60, "quota_exhausted")
        assert limiter.state.pause is not None
        lengths.append(limiter.state.pause.length_s)
    assert lengths == [120, 240, 480, 960, 1800, 1800, 1800, 1800]


def test_calls_of_before_a_pause_do_not_prolong_it(limiter: Limiter) -> None:
    first, second, third, fourth = limiter.reserve_all()
    rules.pause(limiter.state, first, 60, "quota_exhausted")
    rules.pause(limiter.state, second, 60, "quota_exhausted")
    rules.fail(limiter.state, third, None)
    limiter.settle(fourth)
    assert limiter.state.pause is not None
    assert (limiter.state.pause.reason, limiter.state.pause.until) == ("quota_exhausted", limiter.state.at + 60)


def test_a_probe_that_is_given_up_leaves_its_place(limiter: Limiter) -> None:
    rules.pause(limiter.state, limiter.reserve(), 60, "quota_exhausted")
    limiter.pass_time(60)
    rules.give_up(limiter.state, limiter.reserve())
    limiter.settle(limiter.reserve())
    assert limiter.state.pause is None


def test_three_failures_in_a_row_are_an_outage(limiter: Limiter) -> None:
    for _ in range(2):
        rules.fail(limiter.state, limiter.reserve(), None)
    limiter.settle(limiter.reserve())
    for _ in range(2):
        rules.fail(limiter.state, limiter.reserve(), None)
    assert limiter.state.pause is None
    rules.fail(limiter.state, limiter.reserve(), None)
    assert limiter.state.pause is not None
    assert limiter.state.pause.reason == "outage"


def test_a_failed_call_stays_charged_except_in_an_outage(limiter: Limiter) -> None:
    limiter.learn()
    left = []
    for _ in range(4):
        name = limiter.reserve() if limiter.state.pause is None else "late"
        rules.fail(limiter.state, name, None)
        left.append(limiter.state.tokens.level)
    assert left == [26_000, 22_000, 22_000, 22_000]


def test_a_state_that_cannot_be_read_or_is_of_the_future_starts_anew() -> None:
    known = Limiter()
    known.learn()
    assert decode(encode(known.state), known.state.at) == known.state
    assert decode(encode(known.state), known.state.at - 5) == known.state
    for text in (None, b"", b"{}", b"[1]", b'{"at": "x"}'):
        assert decode(text, 5.0) == State(5.0)
    assert decode(encode(known.state), known.state.at - 3600) == State(known.state.at - 3600)


_numbers = st.none() | st.integers(-1, 100_000)
_seconds = st.none() | st.floats(0, 100_000)
_limits = st.none() | st.builds(RateLimits, _numbers, _numbers, _seconds, _numbers, _numbers, _seconds)
_actions = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "correct", "settle", "refuse", "fail", "pause", "give_up", "wait"]),
        st.integers(0, 50_000),
        _seconds,
        _limits,
    ),
    max_size=60,
)


@given(_actions)
def test_whatever_a_vendor_says_somebody_can_call_again(
    actions: list[tuple[str, int, float | None, RateLimits]],
) -> None:
    limiter = Limiter()
    names: list[str] = []
    for action, number, seconds, limits in actions:
        state = limiter.state
        name = names.pop(number % len(names)) if names and action not in ("reserve", "wait") else "unknown"
        if action == "reserve":
            found, wait_s = limiter.try_to_reserve(number)
            names += [found] if wait_s == 0 else []
            assert 0 <= wait_s <= 10.2
        elif action == "correct":
            assert rules.correct(state, name, number) >= 0
            names.append(name)
        elif action == "settle":
            rules.settle(state, name, limits)
        elif action == "refuse":
            rules.refuse(state, name, seconds, limits)
        elif action == "fail":
            rules.fail(state, name, seconds)
        elif action == "pause":
            rules.pause(state, name, seconds or 60, "quota_exhausted")
        elif action == "give_up":
            rules.give_up(state, name)
        else:
            limiter.pass_time(seconds or number)
        for budget in (state.requests, state.tokens):
            assert budget.limit is None or budget.level <= max(budget.limit, budget.largest) + 1e-6
        assert decode(encode(state), state.at) == state
    # All that is held expires, every pause and refusal ends, and a day refills every budget.
    limiter.pass_time(2 * 86_400)
    limiter.reserve(1000)
