"""Thousands of calls against vendors that count differently, on a simulated clock: nearly none is made in vain."""

import itertools

import pytest

from tests.generation.calls.simulation import Account, Window, simulate

FAST, SLOW = {"takes_s": (0.0, 0.1)}, {"takes_s": (20.0, 40.0)}
BIG = {"calls": 500, "tokens_per_minute": 500_000, "requests_per_minute": 500}
UNLIMITED = {"tokens_per_minute": 10**9, "requests_per_minute": 10**9}
NO_HEADERS = {"says": "never"}
MAX_ATTEMPTS = 1.3
MAX_TIME = 1.15

# The account, and the most attempts a call where they are far below 1.3.
ACCOUNTS = {
    "60,000 tokens a minute": (Account(calls=47, tokens_per_minute=60_000), 1.1),
    "30,000 tokens a minute": (Account(calls=47), 1.05),
    "10,000 tokens a minute": (Account(calls=47, tokens_per_minute=10_000), 1.1),
    "three requests a minute": (Account(calls=47, requests_per_minute=3), 1.05),
    "fast answers": (Account(vendor=FAST), 1.05),
    "slow answers": (Account(vendor=SLOW), 1.05),
    "a large account": (Account(**BIG), 1.05),
    "128 threads": (Account(**{**BIG, "calls": 400}, threads=128, vendor={"takes_s": (10.0, 20.0)}), 1.05),
    "four workers": (Account(workers=4), 1.05),
    "headers of the end": (Account(vendor={"says": "end"}), 1.1),
    "counts more than we do": (Account(vendor={"counts": 1.3}), 1.05),
    "counts less than we do": (Account(vendor={"counts": 0.8}), 1.0),
    "gives back what is not used": (Account(vendor={"gives_back": 0.3}), 1.0),
    "waits in whole seconds": (Account(vendor={"rounds_up": True}), 1.05),
    "fixed windows": (Account(meter=Window), MAX_ATTEMPTS),
    "fixed windows, large": (Account(**BIG, meter=Window), 1.05),
    "no headers": (Account(vendor=NO_HEADERS), MAX_ATTEMPTS),
    "no headers, fast answers": (Account(vendor={**NO_HEADERS, **FAST}), MAX_ATTEMPTS),
    "no headers, slow answers": (Account(vendor={**NO_HEADERS, **SLOW}), MAX_ATTEMPTS),
    "no headers, no wait": (Account(vendor={**NO_HEADERS, "asks_to_wait": False}), MAX_ATTEMPTS),
    "no headers, fixed windows": (Account(vendor=NO_HEADERS, meter=Window), MAX_ATTEMPTS),
    "no headers, large": (Account(**BIG, vendor=NO_HEADERS), 1.05),
    "four workers without Redis": (Account(workers=4, is_shared=False), MAX_ATTEMPTS),
    "four workers without Redis, large": (Account(**BIG, workers=4, is_shared=False), MAX_ATTEMPTS),
}


@pytest.mark.parametrize("name", ACCOUNTS)
def test_all_calls_are_answered_in_the_time_that_the_quota_allows(name: str) -> None:
    account, max_attempts = ACCOUNTS[name]
    run, ratio = simulate(account)
    assert run.answered == account.calls
    assert run.attempts_per_call <= max_attempts
    assert ratio <= MAX_TIME


@pytest.mark.parametrize(
    "account",
    [
        Account(others=(3000, 12)),
        Account(others=(3000, 12), vendor=SLOW),
        Account(**BIG, others=(8000, 2), vendor={"says": "end"}),
    ],
)
def test_other_programs_with_the_same_key_are_left_their_part(account: Account) -> None:
    run, ratio = simulate(account)
    assert run.answered == account.calls
    assert run.attempts_per_call <= MAX_ATTEMPTS
    # They want half of it.
    assert 1.3 <= ratio <= 2.4


@pytest.mark.parametrize("headers", ["start", "never"])
def test_calls_at_once_are_found_where_no_limit_explains_refusals(headers: str) -> None:
    account = Account(calls=250, **UNLIMITED, vendor={"at_once": 5, "says": headers, "asks_to_wait": False})
    run, _ = simulate(account)
    assert run.answered == account.calls
    assert run.attempts_per_call <= MAX_ATTEMPTS


def test_an_outage_costs_few_attempts_and_little_time() -> None:
    run, ratio = simulate(Account(calls=100, outage=(60.0, 60.0)))
    assert run.answered == 100
    assert run.attempts_per_call <= 1.2
    # What the vendor refilled meanwhile is used.
    assert ratio <= MAX_TIME


def test_a_long_outage_is_probed_by_one_call_at_a_time() -> None:
    run, _ = simulate(Account(calls=50, outage=(30.0, 1200.0)))
    assert run.answered == 50
    # One every ten seconds, and a few before it was found.
    assert 90 <= run.attempts.total() - 50 <= 130


def test_waiters_never_come_back_at_the_same_moment() -> None:
    run, _ = simulate(Account(calls=60))
    late = sorted(at for at in run.started_at if at > run.started_at[0] + 60)
    assert len(late) > 30
    gaps = [after - before for before, after in itertools.pairwise(late)]
    assert min(gaps) > 1
