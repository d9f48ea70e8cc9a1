"""A run as its readers see it: the row with what is derived from others."""

from dataclasses import dataclass

from backend.generation.models import Run
from backend.generation.types import Progress, RunUsage


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with what is derived from its rows. ``eta_s`` is None while nothing can be said."""

    run: Run
    progress: Progress
    usage: RunUsage
    eta_s: int | None
    failed_sections: int = 0
