"""Processes of this machine, for tests that check that nothing was left behind."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).resolve().parents[2]


def family_of(pid: int) -> list[psutil.Process]:
    """Return the process and all its descendants."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def are_gone(processes: list[psutil.Process]) -> bool:
    """Tell whether none of them is alive. A zombie that has not been reaped yet counts as gone."""
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes if _exists(p))


def _exists(process: psutil.Process) -> bool:
    try:
        process.status()
    except psutil.NoSuchProcess:
        return False
    return True


def start_script(source: str, **env: str) -> subprocess.Popen[str]:
    """Run Python source in its own process, in the checkout, with its output as a pipe."""
    return subprocess.Popen(
        [sys.executable, "-c", source],
        cwd=CHECKOUT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
    )
