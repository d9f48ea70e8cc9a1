"""Workers share one budget in Redis, and go on by themselves while Redis fails."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from backend.core.process.logging import configure_logging
from backend.generation.calls.limiting.limiter import CallLimiter, Reservation, Wait
from backend.generation.calls.limiting.shared_state import _TIMEOUT_S
from backend.generation.language_models.interface import RateLimits
from backend.settings import Settings
from config.local.redis import LocalRedis
from tests.patience import promised, wait_for

MODEL = "api.example.org gpt-6-luna"
# 20 of 100 requests a day are used: nothing is refilled while a test runs, and one is kept as a margin.
DAILY = RateLimits(100, 80, 17_280.0)
LEFT = 79
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="module")
def standing_server() -> Iterator[LocalRedis]:
    """A Redis that the tests of this module break. Each leaves it running."""
    with LocalRedis() as server:
        yield server


@pytest.fixture
def server(standing_server: LocalRedis) -> LocalRedis:
    """That Redis, empty."""
    with redis.Redis.from_url(standing_server.url) as client:
        client.flushall()
    return standing_server


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Callable[[str], int]:
    """Count how often an event was logged."""
    configure_logging(Settings(environment="test", log_level="WARNING"))
    return lambda name: sum(name in record.getMessage() for record in caplog.records)


def start(url: str) -> CallLimiter:
    return CallLimiter(url, check_pause_s=0.2)


def reserve(limiter: CallLimiter) -> Reservation:
    reserved = limiter.reserve(MODEL, 1000)
    assert isinstance(reserved, Reservation)
    return reserved


def reserve_all(limiter: CallLimiter) -> list[Reservation]:
    """Reserve until told to wait."""
    found = []
    while isinstance(reserved := limiter.reserve(MODEL, 1000), Reservation):
        found.append(reserved)
    assert 0 < reserved.seconds <= 10.2
    return found


def learn(limiter: CallLimiter, limits: RateLimits = DAILY) -> None:
    limiter.settle(reserve(limiter), limits)


def wait_until_recovered(limiter: CallLimiter, events: Callable[[str], int]) -> None:
    def ask() -> bool:
        limiter.find_pause("another model")
        return events("generation.calls.limits_recovered") == 1

    wait_for("Redis to be used again", ask)


def test_one_worker_learns_for_all(server: LocalRedis) -> None:
    first, second = start(server.url), start(server.url)
    learn(first)
    assert len(reserve_all(second)) == LEFT
    assert reserve_all(first) == []


def test_models_have_budgets_of_their_own(server: LocalRedis) -> None:
    limiter = start(server.url)
    reserve_all(limiter)
    assert isinstance(limiter.reserve("another model", 1000), Reservation)


def test_threads_of_several_workers_take_exactly_the_budget(server: LocalRedis) -> None:
    limiters = [start(server.url) for _ in range(4)]
    learn(limiters[0])
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(limiters[number % 4].reserve, MODEL, 1000) for number in range(200)]
        reserved = [each.result() for each in asked]
    assert sum(isinstance(each, Reservation) for each in reserved) == LEFT
    waits = [each.seconds for each in reserved if isinstance(each, Wait)]
    assert len(set(waits)) == len(waits)


def test_a_reservation_that_is_given_up_can_be_taken_by_another_worker(server: LocalRedis) -> None:
    first, second = start(server.url), start(server.url)
    learn(first)
    taken = reserve_all(first)
    first.give_up(taken[0])
    assert len(reserve_all(second)) == 1


def test_a_refusal_stops_all_workers(server: LocalRedis) -> None:
    first, second = start(server.url), start(server.url)
    learn(first)
    first.refuse(reserve(first), 60.0, None)
    assert reserve_all(second) == []


def test_a_pause_holds_for_all_workers_and_is_logged(server: LocalRedis, events: Callable[[str], int]) -> None:
    first, second = start(server.url), start(server.url)
    assert second.find_pause(MODEL) is None
    first.pause(reserve(first), 60.0, "quota_exhausted")
    found = second.find_pause(MODEL)
    assert found is not None
    assert found.reason == "quota_exhausted"
    assert 0 < found.seconds <= 60
    assert reserve_all(second) == []
    assert events("generation.calls.paused") == 1


def test_an_outage_ends_with_its_probe(server: LocalRedis, events: Callable[[str], int]) -> None:
    limiter = start(server.url)
    for _ in range(3):
        limiter.fail(reserve(limiter))
    assert reserve_all(limiter) == []
    (probe,) = wait_for("the probe", lambda: reserve_all(limiter), promised_s=10)
    assert reserve_all(limiter) == []
    limiter.settle(probe, None)
    assert len(reserve_all(limiter)) > 1
    assert (events("generation.calls.paused"), events("generation.calls.resumed")) == (1, 1)


def test_a_corrected_reservation_tells_how_long_to_wait(server: LocalRedis) -> None:
    limiter = start(server.url)
    learn(limiter, RateLimits(limit_tokens=6000, remaining_tokens=6000))
    reserved = reserve(limiter)
    assert limiter.correct(reserved, 2000) == 0
    assert 1 < limiter.correct(reserved, 9000) < 31


def test_keys_have_our_prefix_and_expire(server: LocalRedis) -> None:
    reserve(start(server.url))
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        assert client.keys() == [f"hackthestudy:calls:1:{MODEL}"]
        assert 86_300 < client.ttl(client.keys()[0]) <= 86_400


def test_an_emptied_or_damaged_redis_means_a_slow_start(server: LocalRedis, events: Callable[[str], int]) -> None:
    limiter = start(server.url)
    learn(limiter)
    before = reserve(limiter)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        client.script_flush()
        assert len(reserve_all(limiter)) == 4
        # A call that Redis has forgotten still tells the limits.
        limiter.settle(before, DAILY)
        assert len(reserve_all(limiter)) > 4
        client.set(f"hackthestudy:calls:1:{MODEL}", "{damaged")
        assert len(reserve_all(limiter)) == 4
    assert events("generation.calls.limits_degraded") == 0


def test_workers_go_on_with_what_they_know_while_redis_is_unreachable(
    server: LocalRedis, events: Callable[[str], int]
) -> None:
    limiter = start(server.url)
    learn(limiter)
    early = reserve(limiter)
    server.kill()
    try:
        assert len(reserve_all(limiter)) == LEFT - 1
        limiter.give_up(early)
        late = reserve(limiter)
        assert events("generation.calls.limits_degraded") == 1
    finally:
        server.start()
    wait_until_recovered(limiter, events)
    # Redis was restarted from its file, which knows nothing of what was reserved meanwhile.
    limiter.settle(late, DAILY)
    assert reserve_all(start(server.url)) != []
    assert events("generation.calls.limits_degraded") == 1


def test_without_redis_the_first_calls_start_slowly() -> None:
    limiter = start(NOWHERE)
    first, *others = reserve_all(limiter)
    assert len(others) == 3
    limiter.settle(first, DAILY)
    assert len(reserve_all(limiter)) == LEFT - 3


def test_without_redis_threads_take_exactly_the_budget() -> None:
    limiter = start(NOWHERE)
    learn(limiter)
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(limiter.reserve, MODEL, 1000) for _ in range(200)]
        assert sum(isinstance(each.result(), Reservation) for each in asked) == LEFT


def test_a_frozen_redis_is_waited_for_once(server: LocalRedis, events: Callable[[str], int]) -> None:
    limiter = start(server.url)
    learn(limiter)
    server.freeze()
    try:
        with promised("two hundred reservations", 200 * _TIMEOUT_S):
            reserved = [limiter.reserve(MODEL, 1000) for _ in range(200)]
        assert sum(isinstance(each, Reservation) for each in reserved) == LEFT
        assert events("generation.calls.limits_degraded") == 1
    finally:
        server.thaw()
    wait_until_recovered(limiter, events)


def test_a_full_redis_changes_no_limit(server: LocalRedis, events: Callable[[str], int]) -> None:
    limiter = start(server.url)
    learn(limiter)
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "1")
        try:
            assert len(reserve_all(limiter)) == LEFT
            assert events("generation.calls.limits_degraded") == 1
        finally:
            client.config_set("maxmemory", "0")
    wait_until_recovered(limiter, events)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        assert len(reserve_all(limiter)) == 4
        assert client.keys() == [f"hackthestudy:calls:1:{MODEL}".encode()]
