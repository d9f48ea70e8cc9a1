"""The code of the previous release, which still runs while a deployment replaces one container after another."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from config.local.folders import CHECKOUT

_MIGRATIONS = "backend/migrations/versions"


def unpack_previous_release(folder: Path) -> Path:
    """Unpack the code from before the newest schema change; return its folder. Skips if the history lacks it."""
    today = {file.name for file in (CHECKOUT / _MIGRATIONS).glob("*.py")}
    for commit in _git("rev-list", "--first-parent", "HEAD").decode().split():
        names = _git("ls-tree", "--name-only", commit, f"{_MIGRATIONS}/").decode().split()
        then = {Path(name).name for name in names if name.endswith(".py")}
        if then and then < today:
            with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", commit))) as archive:
                archive.extractall(folder, filter="data")
            return folder
    pytest.skip("The git history has no older schema (a shallow clone?).")


def _git(*arguments: str) -> bytes:
    """Return the output of a git command. Skips if there is no history."""
    try:
        return subprocess.run(["git", "-C", str(CHECKOUT), *arguments], check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("There is no git history (an archive?), so there is no previous release.")
