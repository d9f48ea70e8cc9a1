"""What the containers' tests measured; shown at their end, and kept as a file for the documents."""

import fcntl
import json
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / ".local" / "containers.json"


def note(what: str, **figures: float) -> None:
    """Note figures under a name."""
    FILE.parent.mkdir(exist_ok=True)
    # Several processes may note at once.
    with FILE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        FILE.write_text(json.dumps({**read(), what: figures}, indent=2) + "\n")


def read() -> dict[str, dict[str, float]]:
    """Return what has been noted."""
    return json.loads(FILE.read_text()) if FILE.is_file() else {}


def as_table(figures: dict[str, dict[str, float]]) -> str:
    """Return the figures as lines of a table."""
    width = max((len(what) for what in figures), default=0)
    rows = [
        f"{what:<{width}}  " + ", ".join(f"{name} {value}" for name, value in values.items())
        for what, values in figures.items()
    ]
    return "\n".join(rows)
