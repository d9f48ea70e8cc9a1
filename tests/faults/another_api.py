"""Another API process beside that of a stack, like a second instance of the service."""

import http.client
import json
import sys
from pathlib import Path
from typing import Any, Self

from config.local import folders
from config.local.process import LocalProcess, LocalStackError
from config.local.stack import LocalStack
from tests.patience import HANG_S


class AnotherApi:
    """An API with a stack's environment plus changes. ``api_url`` is its address."""

    def __init__(self, stack: LocalStack, log: Path, **changes: str) -> None:
        self.log = log
        self.port = folders.free_port()
        self.api_url = f"http://127.0.0.1:{self.port}/api/v1"
        self._process = LocalProcess(
            "another API",
            [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.conf.py", "backend.app:create_app()"],
            env={**stack.env, "PORT": str(self.port), **changes},
            log=log,
            grace_s=60,
            folder=folders.CHECKOUT,
        )

    def __enter__(self) -> Self:
        """Start the API; return when it responds, with any status. Raises LocalStackError."""
        self._process.start()
        if self._process.wait_until(self._answers):
            return self
        self._process.stop()
        raise LocalStackError(f"The API does not answer: {self._process.last_lines()}")

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.stop()

    def _answers(self) -> bool:
        try:
            self.health()
        except (OSError, http.client.HTTPException):
            return False
        return True

    def health(self) -> tuple[int, dict[str, Any]]:
        """Return the status and body of the health route."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_S)
        try:
            connection.request("GET", "/api/v1/health")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()
