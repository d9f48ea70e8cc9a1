"""What tests of metrics have: scrapes, read by Prometheus' own parser."""

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backend.settings import Settings


class Scraped:
    """One answer of ``/metrics``, read by the parser of Prometheus' own library."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(text_string_to_metric_families(text))

    def value(self, name: str, **labels: str) -> float | None:
        """Return the one value of a series, without the project's prefix in its name; None when it is not there."""
        found = [
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == f"hackthestudy_{name}" and sample.labels == labels
        ]
        assert len(found) <= 1, f"{name}{labels} is there {len(found)} times"
        return found[0] if found else None

    def total(self, name: str, **labels: str) -> float:
        """Return the sum over all series that have these labels, and others."""
        return sum(
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == f"hackthestudy_{name}" and labels.items() <= sample.labels.items()
        )


@pytest.fixture
def bearer(settings: Settings) -> dict[str, str]:
    """The header that a scraper sends."""
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
