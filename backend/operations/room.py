"""The operations room's entry in the manifest."""

from backend.core.manifest import Room, Routes
from backend.operations.watchdog.heartbeat import CANARY, CANARY_TASK, state_folder, write
from backend.settings import Settings, get_settings

_PROBE = "refusing a probe would restart a healthy process"


def _has_scraper(settings: Settings) -> bool:
    return settings.metrics_token is not None


def _return_canary(canary_id: str) -> None:
    """Write a heartbeat: the program takes messages and runs tasks. The id only makes each message unique."""
    write(state_folder(get_settings()), CANARY)


ROOM = Room(
    name="operations",
    routes=(
        Routes("backend.operations.monitoring.routes:operations"),
        # Without a token, the page is not found.
        Routes("backend.operations.monitoring.routes:metrics", prefix="", when=_has_scraper),
    ),
    configure=("backend.operations.monitoring.metrics:configure_metrics",),
    tasks={CANARY_TASK: _return_canary},
    public_endpoints={
        "operations.health": "for probes",
        "operations.live": "for probes",
        "metrics.scrape": "requires its own token",
    },
    unlimited={
        "operations.health": _PROBE,
        "operations.live": _PROBE,
        "metrics.scrape": "used by one scraper, which has its own token",
    },
    any_host=frozenset({"operations.health", "operations.live", "metrics.scrape"}),
)
