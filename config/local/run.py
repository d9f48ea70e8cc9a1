"""``make run``: the system in the foreground, its data kept; Ctrl-C ends it all."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

from config.local.folders import is_free
from config.local.process import LocalStackError
from config.local.stack import LocalStack

_WIDTH = 9


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
    port = int(os.environ.get("PORT") or 8080)
    if not is_free(port):
        print(f"Port {port} is taken: choose another, for instance make run PORT={port + 1}", file=sys.stderr)
        return 1
    printing = threading.Lock()

    def show(name: str, line: str) -> None:
        with printing, contextlib.suppress(OSError):
            print(f"{name:<{_WIDTH}}| {line}", flush=True)

    try:
        with ended_by_signals(), LocalStack(keep, port=port, on_line=show) as stack:
            url = f"http://localhost:{port}"
            show("run", f"The API is at {url}/api/v1, its documentation at {url}/api/v1/docs. Ctrl-C ends it.")
            while True:
                stack.check()
                time.sleep(0.5)
    except KeyboardInterrupt:
        return 0
    except LocalStackError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
