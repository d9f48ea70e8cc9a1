"""Where the local stack keeps its files, its locks and its ports: nothing is shared between two checkouts."""

import fcntl
import hashlib
import os
import secrets
import shutil
import socket
import stat
import tempfile
import time
from pathlib import Path

from config.local.process import Identity, LocalStackError

CHECKOUT = Path(__file__).resolve().parents[2]
LOCAL = CHECKOUT / ".local"

# Below the range that the kernel takes for outgoing connections (from 32768 on, as a rule): a service that is
# restarted on its port must not find some connection's end sitting there.
_PORTS = range(20_000, 32_000)
_PORTS_OF_ONE = 250


def is_reachable(folder: Path) -> bool:
    """Whether every user may walk into the folder (or into where it will be made)."""
    existing = [part for part in (folder, *folder.parents) if part.is_dir()]
    return all(part.stat().st_mode & stat.S_IXOTH for part in existing)


def kept_folder(name: str, identity: Identity | None) -> Path:
    """Return a private folder that outlives the command, made where the identity can reach it.

    It lies in the checkout's ``.local``. Where another user must reach it and cannot (a home folder is
    often closed to all others), it lies under ``/var/tmp`` with the checkout's path hashed into its name.
    Raises LocalStackError when that name is taken by something that is not ours.
    """
    if identity is None or is_reachable(LOCAL):
        make_local()
        return _private(LOCAL / name, identity)
    digest = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:16]
    return _private(Path("/var/tmp") / f"hackthestudy-{os.geteuid()}-{digest}-{name}", identity)


def make_local() -> None:
    """Make the checkout's ``.local``. Other users may walk through it, whatever the umask."""
    if not LOCAL.exists():
        LOCAL.mkdir(exist_ok=True)
        LOCAL.chmod(0o755)


def throwaway_folder(name: str, identity: Identity | None) -> Path:
    """Return a new private folder for one instance; its owner removes it."""
    home = Path(tempfile.gettempdir())
    if identity is not None and not is_reachable(home):
        home = Path("/var/tmp")
    return _private(home / f"hackthestudy-{name}-{secrets.token_hex(8)}", identity)


def _private(folder: Path, identity: Identity | None) -> Path:
    """Make the folder, or make sure that the one which is there is ours and closed to others.

    /var/tmp is open to everybody, so the name may have been taken beforehand: by a link to a folder of
    ours, or by a folder of somebody who then reads or plants what we store. mkdir(2) never follows a link,
    and lstat(2) shows one for what it is. The folder stays ours; the other identity may only walk through
    it, to the folders inside that are given to it.
    """
    mode = 0o700 if identity is None else 0o710
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise LocalStackError(f"{folder} is not a folder of this user: please remove it.") from None
    if identity is not None:
        os.chown(folder, os.geteuid(), identity.group, follow_symlinks=False)
    folder.chmod(mode)
    return folder


def given_to(folder: Path, identity: Identity | None) -> Path:
    """Make a folder inside a private one and give it to the identity; mode 700."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if identity is not None:
        os.chown(folder, *identity, follow_symlinks=False)
    return folder


def write_secret(file: Path, text: str, identity: Identity | None = None) -> None:
    """Write a file that only its owner, or the identity, can read."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
        if identity is not None:
            os.fchown(descriptor, *identity)


def lock(file: Path, *, wait_s: float, message: str) -> int:
    """Lock the file; return the descriptor that holds the lock until its last copy is closed.

    The wait covers a predecessor that was killed and whose services are still ending.
    Raises LocalStackError with the message when the lock stays taken.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise LocalStackError(message) from None
            time.sleep(0.05)
        else:
            return descriptor


def remove(folder: Path) -> None:
    """Remove a folder with all in it; what is gone already is no error."""
    shutil.rmtree(folder, ignore_errors=True)


class _OwnPorts:
    """Ports that no other process on this machine chooses from, in turn, so that none comes again soon.

    Between the choice of a port and the moment in which a server listens on it, seconds may pass. A process owns
    the ports from one multiple of ``_PORTS_OF_ONE`` to the next, for as long as it holds the first one's UDP socket.
    """

    def __init__(self) -> None:
        self._claim: socket.socket | None = None
        self._block = _PORTS
        self._next = 0

    def choose(self) -> int:
        """Return the next of them, which may be in use by somebody who did not ask here."""
        if self._claim is None:
            self._claim, self._block = self._claim_block()
        self._next += 1
        return self._block[self._next % len(self._block)]

    def _claim_block(self) -> tuple[socket.socket, range]:
        starts = list(_PORTS[::_PORTS_OF_ONE])
        secrets.SystemRandom().shuffle(starts)
        for start in starts:
            claim = socket.socket(type=socket.SOCK_DGRAM)
            try:
                claim.bind(("127.0.0.1", start))
            except OSError:
                claim.close()
            else:
                return claim, range(start, start + _PORTS_OF_ONE)
        raise LocalStackError("Too many processes of this kind run on this machine.")


_own_ports = _OwnPorts()


def free_port() -> int:
    """Return a free TCP port on the loopback interface, which no other process is given."""
    for _ in range(_PORTS_OF_ONE):
        port = _own_ports.choose()
        if is_free(port):
            return port
    raise LocalStackError(f"No free port was found between {_PORTS.start} and {_PORTS.stop}.")


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of the loopback interface now."""
    with socket.socket() as probe:
        # As servers do: the last connections of one that has just ended do not bar its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
