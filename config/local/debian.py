"""Programs from Debian's or Ubuntu's packages, for root only and without starting any system service."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from config.local.folders import LOCAL, lock, make_local

_POLICY = Path("/usr/sbin/policy-rc.d")
_CLUSTERS = Path("/etc/postgresql-common/createcluster.d/hackthestudy.conf")


def can_install() -> bool:
    """Whether packages can be installed: root on a system with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str, service: str | None = None) -> bool:
    """Install packages quietly; return whether that worked.

    ``service`` comes with them. It is started neither now nor at the next boot: only its program is needed.
    """
    make_local()
    held = lock(LOCAL / "apt.lock", wait_s=600, message="Another command is installing packages.")
    try:
        print(f"Installing from Debian: {' '.join(packages)} …", file=sys.stderr, flush=True)
        before = service is None or _has_unit(service)
        with _no_services():
            worked = _apt("install", *packages) or (_apt("update") and _apt("install", *packages))
        if worked and service and not before and shutil.which("systemctl"):
            _quietly(["systemctl", "disable", service])
        return worked
    finally:
        os.close(held)


def _apt(verb: str, *packages: str) -> bool:
    options = ["-qq", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    return _quietly(["apt-get", *options, verb, *packages])


def _quietly(command: list[str]) -> bool:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, check=False, env=env, capture_output=True, stdin=subprocess.DEVNULL)
    return done.returncode == 0


def _has_unit(service: str) -> bool:
    return any(Path(home, f"{service}.service").exists() for home in ("/lib/systemd/system", "/etc/systemd/system"))


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Forbid the start of services and the making of a cluster while packages are installed.

    A policy that is there already is the administrator's and stays as it is.
    """
    made = []
    for file, text in ((_POLICY, "#!/bin/sh\nexit 101\n"), (_CLUSTERS, "create_main_cluster = false\n")):
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)
            made.append(file)
    try:
        yield
    finally:
        for file in made:
            file.unlink(missing_ok=True)
