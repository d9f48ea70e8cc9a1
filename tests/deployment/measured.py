"""Measurements of the container tests; printed at their end and stored in a file for the documents."""

import fcntl
import json
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / ".local" / "containers.json"


def note(what: str, **figures: float) -> None:
    """Store figures under a name."""
    FILE.parent.mkdir(exist_ok=True)
    # Several processes may write at the same time.
    with FILE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        FILE.write_text(json.dumps({**read(), what: figures}, indent=2) + "\n")


def read() -> dict[str, dict[str, float]]:
    return json.loads(FILE.read_text()) if FILE.is_file() else {}


def as_table(figures: dict[str, dict[str, float]]) -> str:
    """Return the figures as a table's lines."""
    width = max((len(what) for what in figures), default=0)
    rows = [
        f"{what:<{width}}  " + ", ".join(f"{name} {value}" for name, value in values.items())
        for what, values in figures.items()
    ]
    return "\n".join(rows)
