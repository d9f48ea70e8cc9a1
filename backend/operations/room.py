"""The operations room's entry in the manifest."""

from backend.core.manifest import Room, Routes
from backend.operations.watchdog.heartbeat import CANARY, write
from backend.settings import Settings, get_settings

_PROBE = "a probe that is refused restarts a healthy process"


def _has_scraper(settings: Settings) -> bool:
    return settings.metrics_token is not None


def _return_canary(canary_id: str) -> None:
    """Show that the worker takes messages and works on them. The id only tells messages apart."""
    write(get_settings().worker_state_folder, CANARY)


ROOM = Room(
    name="operations",
    routes=(
        Routes("backend.operations.monitoring.routes:operations"),
        # Without a token there is no such page, not even one that says so.
        Routes("backend.operations.monitoring.routes:metrics", prefix="", when=_has_scraper),
    ),
    configure=("backend.operations.monitoring.metrics:configure_metrics",),
    tasks={"operations.canary": _return_canary},
    public_endpoints={
        "operations.health": "asked by probes",
        "operations.live": "asked by probes",
        "metrics.scrape": "asks for a token of its own",
    },
    unlimited={
        "operations.health": _PROBE,
        "operations.live": _PROBE,
        "metrics.scrape": "asked by one scraper, which has a token of its own",
    },
    any_host=frozenset({"operations.health", "operations.live", "metrics.scrape"}),
)
