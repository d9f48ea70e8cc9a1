"""Finds the child processes that a test started to read a document."""

import psutil

_others: set[int] = set()


def leave_out_others() -> None:
    """Ignore the children that this process has already started for other tests."""
    _others.clear()
    _others.update(child.pid for child in psutil.Process().children())


def reading_children() -> list[psutil.Process]:
    """Return the children that were started since then."""
    return [child for child in psutil.Process().children() if child.pid not in _others]
