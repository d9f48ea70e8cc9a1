"""The code of the previous release, which still runs while a deployment replaces one container after another."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from config.local.folders import CHECKOUT

# The last release. Set it to the new one when a release is made.
_RELEASE = "b1f20188bc3b50f75767705f5a814738c911f749"


def unpack_previous_release(folder: Path) -> Path:
    """Unpack the code of the last release; return its folder. Skips if the history lacks it."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", _RELEASE))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> bytes:
    """Return the output of a git command. Skips if there is no history."""
    try:
        return subprocess.run(["git", "-C", str(CHECKOUT), *arguments], check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("The git history lacks the last release (an archive, or a shallow clone?).")
