"""A provider that fails or hangs is not called for every visitor, and does not occupy all threads."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from backend.accounts.providers import browser as flow
from backend.settings import Settings
from tests.accounts.providers.browser import Browser, click
from tests.patience import HANG_S, wait_for
from tests.stand_ins.openid_provider import OpenIdProvider

METADATA = "/.well-known/openid-configuration"
LOGIN = "/api/v1/auth/login/university"
HOUR, DAY = 3601, 86_401


@pytest.fixture
def patient_app(gateway_app: Flask, provider_settings: Settings) -> Flask:
    """An app with four threads, and a provider timeout longer than any test."""
    changes = {"provider_timeout_s": 20.0, "gunicorn_threads": 4}
    flow.configure_providers(gateway_app, provider_settings.model_copy(update=changes))
    return gateway_app


@pytest.fixture
def threads(university: OpenIdProvider) -> Iterator[ThreadPoolExecutor]:
    """Visitors' threads. The provider recovers at the end, so that none hangs."""
    with ThreadPoolExecutor(8) as pool:
        try:
            yield pool
        finally:
            university.be_well()


def asked(university: OpenIdProvider, path: str, times: int) -> None:
    """Wait until the provider has received this many requests of the path."""
    wait_for(f"request {times} of {path}", lambda: university.times_asked(path) >= times)


def test_a_failed_provider_is_not_requested_for_a_while(
    browser: Browser, university: OpenIdProvider, forget_in: Callable[[float], None]
) -> None:
    university.failing[METADATA] = 500
    assert [browser.get(LOGIN).json for _ in range(5)] == [{"error": "provider_unavailable"}] * 5
    # The first visitor caused two requests, the others none.
    assert university.times_asked(METADATA) == 2
    university.be_well()
    forget_in(11)
    assert "identity" in browser.sign_in("university", "anna")


def test_cached_endpoints_serve_while_the_provider_fails(
    browser: Browser, university: OpenIdProvider, forget_in: Callable[[float], None]
) -> None:
    browser.begin("university")
    university.failing[METADATA] = 503
    forget_in(HOUR)
    assert "identity" in browser.sign_in("university", "anna")
    assert university.times_asked(METADATA) == 3
    forget_in(DAY)
    assert browser.get(LOGIN).json == {"error": "provider_unavailable"}


def test_one_thread_fetches_while_others_use_the_cache(
    patient_app: Flask, university: OpenIdProvider, forget_in: Callable[[float], None], threads: ThreadPoolExecutor
) -> None:
    Browser(patient_app).begin("university")
    forget_in(HOUR)
    university.failing[METADATA] = "slow"
    first = threads.submit(Browser(patient_app).begin, "university")
    asked(university, METADATA, 2)
    others = [threads.submit(Browser(patient_app).begin, "university") for _ in range(5)]
    assert all(each.result(HANG_S) for each in others)
    assert not first.done()
    assert university.times_asked(METADATA) == 2
    university.be_well()
    assert first.result(HANG_S)


def test_one_thread_fetches_an_uncached_document(
    patient_app: Flask, university: OpenIdProvider, threads: ThreadPoolExecutor
) -> None:
    university.failing[METADATA] = "slow"
    first = threads.submit(Browser(patient_app).get, LOGIN)
    asked(university, METADATA, 1)
    assert Browser(patient_app).get(LOGIN).json == {"error": "provider_unavailable"}
    assert university.times_asked(METADATA) == 1
    university.be_well()
    assert first.result(HANG_S).status_code == 302
    # A visitor who was refused a slot does not mark the provider as failed.
    assert "identity" in Browser(patient_app).sign_in("university", "anna")


def test_at_most_half_of_the_threads_wait_for_providers(
    patient_app: Flask, university: OpenIdProvider, threads: ThreadPoolExecutor
) -> None:
    browsers = [Browser(patient_app) for _ in range(3)]
    callbacks = [click(each.begin("university"), "anna") for each in browsers]
    university.failing["/token"] = "slow"
    waiting = [threads.submit(browsers[number].come_back, callbacks[number]) for number in range(2)]
    asked(university, "/token", 2)
    assert browsers[2].come_back(callbacks[2]) == {"error": "provider_unavailable"}
    assert university.times_asked("/token") == 2
    assert Browser(patient_app).begin("university")
    university.be_well()
    assert all("identity" in each.result(HANG_S) for each in waiting)
    assert "identity" in browsers[2].sign_in("university", "anna")
