"""Process-wide shutdown flag, so that long waits end early."""

import threading

_stopping = threading.Event()


def begin_stopping() -> None:
    _stopping.set()


def wait_for_stopping(timeout_s: float) -> bool:
    """Wait for the shutdown flag. Returns False after ``timeout_s``."""
    return _stopping.wait(timeout_s)
