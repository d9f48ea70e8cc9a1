"""Requests are counted in Redis in one round trip, or in this process with the same limits while Redis is down."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from backend.core.process.logging import configure_logging
from backend.core.web.rate_counter import _TIMEOUT_S, Limit, RateCounter
from backend.settings import Settings
from config.local.redis import LocalRedis
from tests.patience import promised, wait_for
from tests.stand_ins.tls_redis import Authority, TlsRedis

THREE = Limit("3/minute")


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
def events(caplog: pytest.LogCaptureFixture):
    """Count how often an event was logged."""
    configure_logging(Settings(environment="test", log_level="WARNING"))
    return lambda name: sum(name in record.getMessage() for record in caplog.records)


def allowed(counter: RateCounter, whose: str = "student", times: int = 5) -> list[bool]:
    return [counter.count(THREE, "read", whose).allowed for _ in range(times)]


def look_until_recovered(counter: RateCounter, events) -> None:
    """Count, as requests do, until Redis counts again."""

    def ask() -> bool:
        counter.count(THREE, "read", "somebody")
        return events("core.rate_limits.recovered") == 1

    wait_for("Redis to count again", ask)


def test_a_limit_is_exact_and_reports_the_rest(server: LocalRedis) -> None:
    counter = RateCounter(server.url)
    windows = [counter.count(THREE, "read", "student") for _ in range(4)]
    assert [(window.allowed, window.remaining) for window in windows] == [(True, 2), (True, 1), (True, 0), (False, 0)]
    assert all(0 < window.ends_in_s <= 60 for window in windows)
    assert counter.count(THREE, "read", "another").remaining == 2
    assert counter.count(THREE, "write", "student").remaining == 2


def test_keys_have_our_prefix_and_expire(server: LocalRedis) -> None:
    RateCounter(server.url).count(THREE, "read", "student")
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        assert client.keys() == ["hackthestudy:limit:LIMITER/read/student/3/1/minute"]
        (name,) = client.keys()
        assert 0 < client.ttl(name) <= 60
        # The key has lost its expiry. The broker evicts nothing, so it would refuse the student forever.
        client.persist(name)
        assert RateCounter(server.url).count(THREE, "read", "student").remaining == 1
        assert 0 < client.ttl(name) <= 60


def test_a_new_window_starts_from_one(server: LocalRedis) -> None:
    counter = RateCounter(server.url)
    assert allowed(counter)[-1] is False
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        # Instead of waiting for a minute.
        client.pexpire(client.keys()[0], 1)
        wait_for("the end of the window", lambda: not client.keys())
    assert allowed(counter) == [True, True, True, False, False]


def test_a_request_takes_one_redis_command(server: LocalRedis) -> None:
    counter = RateCounter(server.url)
    counter.count(THREE, "read", "student")
    with redis.Redis.from_url(server.url) as client:
        client.config_resetstat()
        for _ in range(5):
            counter.count(THREE, "read", "student")
        calls = {name.removeprefix("cmdstat_"): each["calls"] for name, each in client.info("commandstats").items()}
    # The other commands are called by the script, inside Redis.
    assert calls.pop("evalsha") == 5
    assert set(calls) <= {"incrby", "pttl", "config|resetstat", "info"}


def test_a_process_takes_a_hundredth_of_a_large_limit_at_a_time(server: LocalRedis) -> None:
    limit = Limit("1200/minute")
    counter, another = RateCounter(server.url), RateCounter(server.url)
    with redis.Redis.from_url(server.url) as client:
        client.config_resetstat()
        left = [counter.count(limit, "read", "student").remaining for _ in range(25)]
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == 3
    assert left == list(range(1199, 1174, -1))
    # The other process cannot use the first one's batch.
    assert another.count(limit, "read", "student").remaining == 1200 - 36 - 1
    found = [counter.count(limit, "read", "student").allowed for _ in range(1200)]
    assert (found.count(True), found[-1]) == (1200 - 25 - 12, False)


@pytest.mark.parametrize("text", ["100/minute", "250/minute"])
def test_concurrent_requests_get_exactly_the_limit(server: LocalRedis, text: str) -> None:
    limit = Limit(text)
    counter = RateCounter(server.url)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(counter.count, limit, "read", "student") for _ in range(400)]
        assert sum(each.result().allowed for each in asked) == limit.amount


def test_two_concurrent_batches_lose_no_request(server: LocalRedis) -> None:
    limit = Limit("1200/minute")
    counter = RateCounter(server.url)
    # If neither finds a batch, each takes one.
    for _ in range(2):
        assert counter._take_batch(limit, limit.item.key_for("read", "student")).allowed
    assert sum(counter.count(limit, "read", "student").allowed for _ in range(1300)) == 1198


def test_processes_count_together(server: LocalRedis) -> None:
    limit = Limit("100/minute")
    counters = [RateCounter(server.url), RateCounter(server.url)]
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(counters[n % 2].count, limit, "read", "student") for n in range(200)]
        assert sum(each.result().allowed for each in asked) == 100


def test_counting_continues_after_the_broker_was_emptied_or_restarted(server: LocalRedis, events) -> None:
    counter = RateCounter(server.url)
    allowed(counter)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        client.script_flush()
    assert allowed(counter) == [True, True, True, False, False]
    assert events("core.rate_limits.degraded") == 0


def test_an_unreachable_broker_changes_no_limit(server: LocalRedis, events) -> None:
    counter = RateCounter(server.url, pause_s=0.2)
    allowed(counter, "early")
    server.kill()
    try:
        assert allowed(counter) == [True, True, True, False, False]
        assert allowed(counter, "another") == [True, True, True, False, False]
        assert events("core.rate_limits.degraded") == 1
    finally:
        server.start()
    look_until_recovered(counter, events)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    assert allowed(counter) == [True, True, True, False, False]
    assert (events("core.rate_limits.degraded"), events("core.rate_limits.recovered")) == (1, 1)


def test_a_frozen_broker_is_waited_for_once(server: LocalRedis, events) -> None:
    counter = RateCounter(server.url, pause_s=0.2)
    allowed(counter)
    server.freeze()
    try:
        # One wait takes a fifth of a second, so two hundred waits would take forty seconds.
        with promised("two hundred requests", 200 * _TIMEOUT_S):
            assert allowed(counter, "another", times=200) == [True, True, True] + [False] * 197
        assert events("core.rate_limits.degraded") == 1
    finally:
        server.thaw()
    look_until_recovered(counter, events)


def test_a_full_broker_changes_no_limit(server: LocalRedis, events) -> None:
    counter = RateCounter(server.url, pause_s=0.2)
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "1")
        assert allowed(counter) == [True, True, True, False, False]
        assert events("core.rate_limits.degraded") == 1
        client.config_set("maxmemory", "0")
        look_until_recovered(counter, events)
        assert len(client.keys("hackthestudy:limit:*")) > 0


def test_without_a_broker_concurrent_requests_get_exactly_the_limit(server: LocalRedis) -> None:
    limit = Limit("100/minute")
    counter = RateCounter("redis://127.0.0.1:1/0")
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(counter.count, limit, "read", "student") for _ in range(200)]
        assert sum(each.result().allowed for each in asked) == 100


def test_without_a_broker_windows_end_and_are_deleted() -> None:
    counter = RateCounter("redis://127.0.0.1:1/0")
    limit = Limit("1/hour")
    for number in range(2000):
        counter.count(limit, "read", f"address-{number}")
    assert [counter.count(limit, "read", "student").allowed for _ in range(2)] == [True, False]
    # Instead of waiting for an hour.
    kept = counter._fallback._open
    kept.update({key: each._replace(ends_at=each.ends_at - 3600) for key, each in kept.items()})
    assert [counter.count(limit, "read", "student").allowed for _ in range(2)] == [True, False]
    for number in range(2000):
        counter.count(THREE, "read", f"address-{number}")
    assert len(counter._fallback._open) < 2500


def test_a_broker_with_tls_counts(tmp_path: Path, events) -> None:
    with TlsRedis(Authority(tmp_path)) as server:
        settings = Settings(environment="test", redis_url=server.url)
        assert allowed(RateCounter(settings.broker_url)) == [True, True, True, False, False]
        with redis.Redis.from_url(server.url) as client:
            assert len(client.keys("hackthestudy:limit:*")) == 1
    assert events("core.rate_limits.degraded") == 0
