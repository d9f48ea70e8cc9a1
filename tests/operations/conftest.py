"""Fixtures for tests of metrics: scrapes, parsed by Prometheus' own library."""

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backend.settings import Settings


class Scraped:
    """One response of ``/metrics``, parsed by Prometheus' own library."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(text_string_to_metric_families(text))

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of a series, or None if there is none. ``name`` is without the project's prefix."""
        found = [
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == f"hackthestudy_{name}" and sample.labels == labels
        ]
        assert len(found) <= 1, f"{name}{labels} is there {len(found)} times"
        return found[0] if found else None

    def total(self, name: str, **labels: str) -> float:
        """Return the sum over all series with these labels. They may have others too."""
        return sum(
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == f"hackthestudy_{name}" and labels.items() <= sample.labels.items()
        )


@pytest.fixture
def bearer(settings: Settings) -> dict[str, str]:
    """The scraper's Authorization header."""
    assert settings.metrics_token is not None
    return {"Authorization": f"Bearer {settings.metrics_token.get_secret_value()}"}


@pytest.fixture
def scrape(app: Any, bearer: dict[str, str]) -> Callable[[], Scraped]:
    """Scrape the app."""

    def run() -> Scraped:
        answer = app.test_client().get("/metrics", headers=bearer)
        assert answer.status_code == 200, answer.text
        return Scraped(answer.text)

    return run
