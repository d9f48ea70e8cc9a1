"""The processes that this one starts in a test, to read a document."""

import psutil

_others: set[int] = set()


def leave_out_others() -> None:
    """Leave out from here on what this process has started before, for other tests."""
    _others.clear()
    _others.update(child.pid for child in psutil.Process().children())


def reading_children() -> list[psutil.Process]:
    """Return the children that have been started since."""
    return [child for child in psutil.Process().children() if child.pid not in _others]
