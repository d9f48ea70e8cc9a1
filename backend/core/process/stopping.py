"""Whether this process was told to stop: what only waits for something to happen then ends at once."""

import threading

_stopping = threading.Event()


def begin_stopping() -> None:
    """Tell whoever waits in this process that it ends."""
    _stopping.set()


def wait_for_stopping(timeout_s: float) -> bool:
    """Wait until the process is told to stop, or for ``timeout_s``; tell whether it was."""
    return _stopping.wait(timeout_s)
