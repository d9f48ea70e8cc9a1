"""``make run``: runs the system in the foreground, with persistent data, until Ctrl-C."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from config.local.folders import LOCAL, is_free, lock, make_local, write_secret
from config.local.process import LocalStackError
from config.local.stack import LocalStack

_WIDTH = 15
_HIGHEST_PORT = 65_535
# Enough for a predecessor that was just told to end and has nothing to wait for.
_PREDECESSOR_S = 1.0


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt, like Ctrl-C. After the first signal, all are ignored.

    So the shutdown is not interrupted, and each service is ended in its turn.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in numbers:
        signal.signal(number, interrupt)
    yield


def main(keep: str = "run") -> int:
    """Run with the data kept under the name, until a signal (exit code 0) or until a process ends by itself (1)."""
    try:
        port = _port(os.environ.get("PORT") or "8080")
        make_local()
        message = "make run is already running in this checkout, or has not ended yet. Its data is in use."
        held = lock(LOCAL / f"{keep}.lock", wait_s=_PREDECESSOR_S, message=message)
    except LocalStackError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1
    try:
        return _run(keep, port)
    finally:
        os.close(held)


def address_file(folder: Path, keep: str) -> Path:
    """Return the file with the database's URL while the system runs, for other commands of the checkout."""
    return folder / f"{keep}.database"


def _port(text: str) -> int:
    """Parse a port. Raises LocalStackError if it is not a port, or is taken."""
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < port <= _HIGHEST_PORT:
        raise LocalStackError(f"PORT must be a number from 1 to {_HIGHEST_PORT}, not “{text}”.")
    if not is_free(port):
        # Suggest the next port, or the previous one for the highest.
        other = port + 1 if port < _HIGHEST_PORT else port - 1
        raise LocalStackError(f"Port {port} is taken. Choose another, for example make run PORT={other}")
    return port


def _run(keep: str, port: int) -> int:
    printing = threading.Lock()

    def show(name: str, line: str) -> None:
        with printing, contextlib.suppress(OSError):
            print(f"{name:<{_WIDTH}}| {line}", flush=True)

    reason, code = "Ended by a signal or Ctrl-C.", 0
    try:
        with ended_by_signals(), LocalStack(keep, port=port, on_line=show) as stack:
            url = f"http://localhost:{port}"
            # It contains the database's password, as the database's folder does.
            write_secret(address_file(LOCAL, keep), stack.postgres.url)
            show("run", f"The API is at {url}/api/v1, its documentation at {url}/api/v1/docs. Ctrl-C ends it.")
            try:
                while True:
                    stack.check()
                    time.sleep(0.5)
            except KeyboardInterrupt:
                show("run", "Ending …")
                raise
            except LocalStackError as error:
                # Shown now, and again after the output of the other processes while they end.
                show("run", f"{error} Ending the rest …")
                raise
    except KeyboardInterrupt:
        pass
    except LocalStackError as error:
        reason, code = str(error), 1
    finally:
        address_file(LOCAL, keep).unlink(missing_ok=True)
    print(f"run: {reason}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
