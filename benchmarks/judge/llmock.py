"""Installs llmock into a virtual environment of its own, starts it on loopback and reads its verdict.

llmock (PyPI, MIT) answers like OpenAI. It counts requests and tokens a minute in buckets that refill continuously and
are full at the start, refuses with 429 and the exact wait, injects scripted faults, and grades the client.
"""

import hashlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import requests

from config.local.folders import LOCAL, free_port, make_local
from config.local.process import LocalProcess, LocalStackError

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_TIMEOUT_S = 10.0
_installing = threading.Lock()
# It counts a token for every four bytes of a request.
BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """What llmock saw of the client, and what it found wrong."""

    calls: int
    attempts: int
    fails: int
    warnings: int
    text: str


class Llmock:
    """A running llmock, used as a context manager.

    Args:
        requests_per_minute: The limit of requests.
        tokens_per_minute: The limit of tokens: the prompt by its bytes and the whole output limit.
        latency_ms: Time before each answer, and before it is counted.
    """

    def __init__(self, requests_per_minute: int, tokens_per_minute: int, *, latency_ms: int = 0) -> None:
        self._port = free_port()
        self._process = LocalProcess(
            "llmock",
            [
                str(_install() / "bin" / "llmock"),
                "serve",
                f"--port={self._port}",
                f"--rpm={requests_per_minute}",
                f"--tpm={tokens_per_minute}",
                f"--latency-ms={latency_ms}",
                "--tool-mode=off",
                "--log-level=error",
            ],
            env={**os.environ, "LLMOCK_HOST": "127.0.0.1"},
            log=_home() / f"llmock-{self._port}.log",
        )

    @property
    def base_url(self) -> str:
        """What a client of OpenAI takes as its base URL."""
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> Self:
        self._process.start()
        if not self._process.wait_until(self._answers):
            raise LocalStackError(f"llmock did not start: {self._process.last_lines()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def add_behaviors(self, *behaviors: dict[str, Any]) -> None:
        """Script faults, each for the next request that matches: see llmock's ``/_llmock/scenario``."""
        self._control("POST", "scenario", {"behaviors": list(behaviors)})

    def clear_behaviors(self) -> None:
        """Drop all scripted faults that have not happened."""
        self._control("DELETE", "scenario")

    def served(self) -> list[dict[str, Any]]:
        """Return every request served, oldest first."""
        found: list[dict[str, Any]] = self._control("GET", "requests").json()["requests"]
        return found

    def verdict(self) -> Verdict:
        """Return its verdict on all requests until now."""
        found = self._control("GET", "verdict").json()
        text = self._control("GET", "verdict?format=text").text
        return Verdict(found["calls"], found["attempts"], found["errors"], found["warnings"], text)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.base_url}/models", timeout=_TIMEOUT_S).ok
        except requests.RequestException:
            return False

    def _control(self, method: str, path: str, body: object = None) -> requests.Response:
        url = f"http://127.0.0.1:{self._port}/_llmock/{path}"
        answer = requests.request(method, url, json=body, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        return answer


def _home() -> Path:
    make_local()
    home = LOCAL / "judge"
    home.mkdir(exist_ok=True)
    return home


def _install() -> Path:
    """Return the virtual environment with the pinned packages, made the first time."""
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]
    place = _home() / f"venv-{digest}"
    done = place / "installed"
    with _installing:
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
            pip = [str(place / "bin" / "python"), "-m", "pip", "-qq", "--disable-pip-version-check"]
            subprocess.run([*pip, "install", "--no-deps", "-r", str(_REQUIREMENTS)], check=True)
            done.touch()
    return place
