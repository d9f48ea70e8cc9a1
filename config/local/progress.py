"""Shows the progress of a run: as a bar on a terminal, else as plain lines."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Show = Callable[[dict[str, Any]], None]

# A line for each change would be hundreds of lines.
_LINE_EVERY_S = 5.0


@contextlib.contextmanager
def shown_progress() -> Iterator[Show]:
    """Yield a function that shows a run (the JSON of ``GET /runs/{id}``) on standard error."""
    if not sys.stderr.isatty():
        yield _Lines().show
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[eta]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None, counts="", eta="")

        def show(run: dict[str, Any]) -> None:
            done, total = counted_work(run)
            bar.update(
                task, description=run["stage"], completed=done, total=total, counts=counts(run), eta=time_left(run)
            )

        yield show


class _Lines:
    def __init__(self) -> None:
        self._stage = ""
        self._shown_at = 0.0

    def show(self, run: dict[str, Any]) -> None:
        if run["stage"] == self._stage and time.monotonic() < self._shown_at + _LINE_EVERY_S:
            return
        self._stage, self._shown_at = run["stage"], time.monotonic()
        print("  ".join(filter(None, [run["stage"], counts(run), time_left(run)])), file=sys.stderr, flush=True)


def counted_work(run: dict[str, Any]) -> tuple[int, int | None]:
    """Return the done and the total work of a run's stage. The total is None while it is unknown."""
    progress = run["progress"]
    if run["state"] in ("queued", "reading"):
        return progress["pages_read"], progress["pages_total"]
    return progress["sections_done"], progress["sections_total"] or None


def counts(run: dict[str, Any]) -> str:
    """Return the counts of a run as text."""
    progress = run["progress"]
    pages = f"{progress['pages_read']}/{progress['pages_total'] or '?'} pages"
    if not progress["sections_total"]:
        return pages
    asked = f" of {progress['items_asked']}" if progress["items_asked"] else ""
    sections = f"{progress['sections_done']}/{progress['sections_total']} sections"
    return f"{pages} · {sections} · {progress['items_kept']}{asked} items"


def time_left(run: dict[str, Any]) -> str:
    """Return the estimated time left as text, or "" if there is no estimate."""
    seconds = run["eta_s"]
    return "" if seconds is None else f"about {seconds // 60}:{seconds % 60:02d} left"
