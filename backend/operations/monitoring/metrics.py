"""Metrics in Prometheus' format: the requests to this API, and the state of the whole system.

Each process counts its requests. The processes of gunicorn share a folder of files (``PROMETHEUS_MULTIPROC_DIR``, see
``config/gunicorn.conf.py``), so each of them can report the sum. All other metrics are read from the database and the
broker on each scrape, and are the same in every process.

Metrics of rows are gauges over the last hour, not counters: rows are deleted with their study set, and Prometheus takes
a decreasing counter for a restarted one.
"""

import os
import time
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Iterable, Iterator

from flask import Flask, Response, g, request, request_finished, request_started
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from backend.core.work.job_stats import LATELY, EndedStats, JobStats
from backend.operations.monitoring.measurements import DatabaseStats, Measurements, Measurer
from backend.settings import Settings

# The key of the app's extension that collects statistics.
MEASURER = "measurer"
# The key of the scraper's token in the app's configuration.
SCRAPERS_KEY = "METRICS_TOKEN"

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# One value for all unknown paths and methods: otherwise each random path would create a new series.
_OTHER = "other"

# The start time of a counter would be a second series, and the multi-process mode has none.
disable_created_metrics()
_own = CollectorRegistry()
_requests = Counter(
    "hackthestudy_http_requests",
    "Requests to the API.",
    ("method", "route", "status"),
    registry=_own,
)
_latency = Histogram(
    "hackthestudy_http_request_duration_seconds",
    "Time until the response began. An event stream counts until its first byte.",
    ("method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=_own,
)


def configure_metrics(app: Flask, settings: Settings) -> None:
    """Count and time the requests to ``app``, and prepare collecting the other metrics."""
    if settings.metrics_token is not None:
        app.config[SCRAPERS_KEY] = settings.metrics_token.get_secret_value()
    app.extensions[MEASURER] = Measurer(app.app_context)
    request_started.connect(_start_clock, app)
    request_finished.connect(_count, app)


def _start_clock(_app: Flask, **_: object) -> None:
    g.started_s = time.perf_counter()


def _count(_app: Flask, response: Response, **_: object) -> None:
    method = request.method if request.method in _METHODS else _OTHER
    route = request.url_rule.rule if request.url_rule is not None else _OTHER
    _requests.labels(method, route, str(response.status_code)).inc()
    _latency.labels(method, route).observe(time.perf_counter() - g.started_s)


def forget_process(pid: int) -> None:
    """Record that a gunicorn process has ended. Its counts stay in the sums."""
    if _FOLDER in os.environ:
        mark_process_dead(pid)


def render(measured: Measurements, version: str, accept: str) -> tuple[bytes, str]:
    """Return all metrics in the format requested by ``Accept``, and the content type."""
    registry = CollectorRegistry()
    if _FOLDER in os.environ:
        MultiProcessCollector(registry)
    else:
        registry.register(_own)
    registry.register(_Families(measured, version))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Families:
    """A collector for Prometheus' registry."""

    def __init__(self, measured: Measurements, version: str) -> None:
        self._measured = measured
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Yield all families, except those whose source is down."""
        database, messages = self._measured.database, self._measured.messages
        yield InfoMetricFamily("hackthestudy_build", "The running release.", {"version": self._version})
        yield _gauge("database_up", "Whether PostgreSQL answered the scrape in time.", database is not None)
        yield _gauge("broker_up", "Whether Redis answered the scrape in time.", messages is not None)
        if messages is not None:
            counts = (((program.queue,), count) for program, count in messages.items())
            yield _labelled("broker_messages", "Messages in the broker's queues.", ("queue",), counts)
        if database is not None:
            yield from _of_database(database)


def _of_database(known: DatabaseStats) -> Iterator[Metric]:
    runs = known.work.runs
    yield _gauge("recent_window_seconds", "How far back the recent metrics look.", LATELY.total_seconds())
    states = (((state,), count) for state, count in runs.open.items())
    yield _labelled("runs", "Runs that have not ended.", ("state",), states)
    yield _gauge("oldest_open_run_age_seconds", "Age of the oldest run that has not ended.", runs.oldest_open_s)
    yield from _ended("run", "Runs", "model", runs.ended)
    for thing, figures in known.jobs.items():
        yield from _jobs(thing, f"{thing.replace('_', ' ').capitalize()}s", figures)
    yield from _calls(known)
    yield _labelled(
        "worker_places",
        "Jobs that the living workers can run at the same time.",
        ("program",),
        (((program,), places) for program, places in known.workers.places.items()),
    )
    yield _labelled(
        "watchdog_restarts",
        "Workers ended by watchdogs in the last 30 days.",
        ("reason",),
        (((reason,), count) for reason, count in known.workers.restarts.items()),
    )
    if known.ledger is not None:
        yield _labelled(
            "ledger_violations",
            "Violations that the last check of the ledger of credits found.",
            ("invariant",),
            (((invariant,), count) for invariant, count in known.ledger.violations.items()),
        )
        yield _gauge("ledger_check_age_seconds", "Time since the last check of the ledger.", known.ledger.age_s)
    budget = known.free_budget
    yield _gauge("free_budget_used_chf", "Cost of free credits today, spent and held, in CHF.", float(budget.used_chf))
    yield _gauge("free_budget_limit_chf", "DAILY_MODEL_BUDGET_CHF.", float(budget.limit_chf))
    yield _gauge("unhandled_stripe_events", "Events of Stripe that somebody must look at.", known.unhandled_events)


def _jobs(name: str, things: str, figures: JobStats) -> Iterator[Metric]:
    waiting = (((figure.kind, figure.state), figure.count) for figure in figures.open)
    yield _labelled(f"{name}s", f"{things} queued or running.", ("kind", "state"), waiting)
    yield _gauge(
        f"oldest_due_{name}_age_seconds",
        f"{things}: how long the oldest due one has been waiting for a worker.",
        figures.oldest_due_s,
    )
    yield from _ended(name, things, "kind", figures.ended)


def _ended(name: str, things: str, label: str, ended: tuple[EndedStats, ...]) -> Iterator[Metric]:
    """Yield the counts by outcome, and the durations of the successful ones."""
    counts = (((f.kind, f.state, f.error_code or ""), f.count) for f in ended)
    yield _labelled(f"recent_{name}s", f"{things} that ended in the last hour.", (label, "state", "error_code"), counts)
    done = [f for f in ended if f.state == "done"]
    taken = (((f.kind, str(percentile)), seconds) for f in done for percentile, seconds in f.seconds.items())
    yield _labelled(
        f"recent_{name}_duration_seconds",
        f"{things} done in the last hour: time from first start to end, by percentile; 100 is the longest.",
        (label, "percentile"),
        taken,
    )


def _calls(known: DatabaseStats) -> Iterator[Metric]:
    calls = known.work.calls
    yield _labelled(
        "recent_model_calls",
        "Calls of the language model in the last hour; the outcome is ok or an error code.",
        ("model", "outcome"),
        (((call.model, call.outcome), call.count) for call in calls),
    )
    requests: Counts[str] = Counts()
    tokens: Counts[tuple[str, str]] = Counts()
    costs: dict[str, float] = defaultdict(float)
    for call in calls:
        costs[call.model] += call.cost_usd
        requests[call.model] += call.requests
        tokens[call.model, "input"] += call.input_tokens
        tokens[call.model, "cached"] += call.cached_tokens
        tokens[call.model, "output"] += call.output_tokens
    yield _labelled(
        "recent_model_requests",
        "Requests that the language model answered with content in the last hour.",
        ("model",),
        (((model,), count) for model, count in requests.items()),
    )
    yield _labelled(
        "recent_model_tokens",
        "Tokens used in the last hour; those of type cached are part of those of type input.",
        ("model", "type"),
        tokens.items(),
    )
    yield _labelled(
        "recent_model_cost_dollars",
        "Cost of the calls of the last hour, at the vendor's prices. Calls without a price are left out.",
        ("model",),
        (((model,), cost) for model, cost in costs.items() if cost),
    )


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"hackthestudy_{name}", text, value=value)


def _labelled(
    name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"hackthestudy_{name}", text, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family
