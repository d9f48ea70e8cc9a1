"""``make run``: the system in the foreground, its data kept; Ctrl-C ends it all."""

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

_WIDTH = 9
_HIGHEST_PORT = 65_535
# Enough for one that was just told to end and has nothing to wait for.
_PREDECESSOR_S = 1.0


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into the KeyboardInterrupt that Ctrl-C is; after the first, all are ignored.

    What runs on the way out is then not interrupted again, and every service is ended in its turn.
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
    """Run on the data kept under the name, until a signal comes (exit code 0) or a process ends by itself (1)."""
    try:
        port = _port(os.environ.get("PORT") or "8080")
        make_local()
        message = "make run is running already in this checkout, or is still ending; its data is in use."
        held = lock(LOCAL / f"{keep}.lock", wait_s=_PREDECESSOR_S, message=message)
    except LocalStackError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1
    try:
        return _run(keep, port)
    finally:
        os.close(held)


def address_file(folder: Path, keep: str) -> Path:
    """Return where the address of the database stands while the system runs, for other commands of the checkout."""
    return folder / f"{keep}.database"


def _port(text: str) -> int:
    """Return the port that the text names. Raises LocalStackError when there is none such or it is taken."""
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < port <= _HIGHEST_PORT:
        raise LocalStackError(f"PORT must be a number from 1 to {_HIGHEST_PORT}, not “{text}”.")
    if not is_free(port):
        # The next one up, which the highest of all does not have.
        other = port + 1 if port < _HIGHEST_PORT else port - 1
        raise LocalStackError(f"Port {port} is taken: choose another, for instance make run PORT={other}")
    return port


def _run(keep: str, port: int) -> int:
    printing = threading.Lock()

    def show(name: str, line: str) -> None:
        with printing, contextlib.suppress(OSError):
            print(f"{name:<{_WIDTH}}| {line}", flush=True)

    reason, code = "Ended by a signal, as Ctrl-C is.", 0
    try:
        with ended_by_signals(), LocalStack(keep, port=port, on_line=show) as stack:
            url = f"http://localhost:{port}"
            # It has the password of the database, as the folder of the database has.
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
                # Said now, and once more after all that the others say of their end.
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
