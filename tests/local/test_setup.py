"""``make setup`` does nothing if everything is there, and reports in one line what is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from config.local.folders import CHECKOUT

SCRIPT = "config/local/setup.sh"
# An interpreter that is too old; it can only report its version.
OLD_PYTHON = "#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.2' && exit 0\nexit 1\n"
# Its pip warns about the machine's configuration, and finds no package if a file "offline" exists.
PYTHON = """#!/bin/sh
case "$*" in
    --version) echo Python 3.11.2 ;;
    "-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    *"pip install"*)
        echo "WARNING: a folder of packages is not there" >&2
        [ ! -e offline ] || { echo "ERROR: no such package" >&2; exit 1; } ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without a virtual environment."""
    (tmp_path / "config" / "local").mkdir(parents=True)
    shutil.copy(CHECKOUT / SCRIPT, tmp_path / SCRIPT)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("")
    return tmp_path


def _programs(folder: Path, **scripts: str) -> str:
    """Make a folder for PATH with the shell's usual tools and the given scripts."""
    folder.mkdir()
    for name in ("sh", "dirname", "cat", "cut", "sha256sum", "mkdir", "rm", "flock", "id", "tail", "cp"):
        (folder / name).symlink_to(str(shutil.which(name)))
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return str(folder)


def _setup(checkout: Path, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([checkout / SCRIPT], env={"PATH": path}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("scripts", [{}, {"python3": OLD_PYTHON}])
def test_without_a_new_python_it_says_so_in_one_line(checkout: Path, scripts: dict[str, str]) -> None:
    done = _setup(checkout, _programs(checkout / "bin", **scripts))
    assert done.returncode == 1
    assert done.stderr == "setup: Python 3.11 or newer is needed: please install Debian's package python3.\n"


def test_a_changed_requirement_is_noticed(checkout: Path) -> None:
    path = _programs(checkout / "bin")
    state = subprocess.run(["sha256sum"], input="", capture_output=True, text=True, check=True).stdout.split()[0]
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").write_text("#!/bin/sh\necho Python 3.11.2\n")
    (checkout / ".venv" / "bin" / "python").chmod(0o755)
    (checkout / ".venv" / "setup-done").write_text(f"{state}\nPython 3.11.2\n{checkout.resolve()}\n")
    assert _setup(checkout, path).returncode == 0
    (checkout / "requirements.txt").write_text("something==1.0\n")
    assert "Python 3.11 or newer is needed" in _setup(checkout, path).stderr


def test_warnings_of_pip_are_shown_only_with_its_failure(checkout: Path) -> None:
    path = _programs(checkout / "bin", python3=PYTHON)
    (checkout / "offline").touch()
    failed = _setup(checkout, path)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[1:] == [
        "WARNING: a folder of packages is not there",
        "ERROR: no such package",
        "setup: the packages could not be installed; the lines above say why.",
    ]
    (checkout / "offline").unlink()
    done = _setup(checkout, path)
    assert (done.returncode, done.stderr) == (0, "setup: making .venv with Python 3.11.2 …\n")


def test_a_second_run_does_nothing() -> None:
    # Under another make, this one would print the folders it enters and leaves.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "setup"], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
