"""Folders, locks and ports of the local stack. Two checkouts share none of them."""

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

# Below the kernel's range for outgoing connections (usually from 32768), so that a connection cannot occupy the port of
# a service while it restarts.
_PORTS = range(20_000, 32_000)
_PORTS_OF_ONE = 250


def is_reachable(folder: Path) -> bool:
    """Tell whether every user can enter the folder, or the place where it will be created."""
    existing = [part for part in (folder, *folder.parents) if part.is_dir()]
    return all(part.stat().st_mode & stat.S_IXOTH for part in existing)


def kept_folder(name: str, identity: Identity | None) -> Path:
    """Return a private folder that outlives the command, in a place that the identity can reach.

    This is the checkout's ``.local``. If the identity cannot reach it (home folders are often closed to other users),
    it is a folder under ``/var/tmp`` with a hash of the checkout's path in its name. Raises LocalStackError if another
    user has already created that name.
    """
    if identity is None or is_reachable(LOCAL):
        make_local()
        return _private(LOCAL / name, identity)
    digest = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:16]
    return _private(Path("/var/tmp") / f"hackthestudy-{os.geteuid()}-{digest}-{name}", identity)


def make_local() -> None:
    """Create the checkout's ``.local``. Other users can enter it, whatever the umask."""
    if not LOCAL.exists():
        LOCAL.mkdir(exist_ok=True)
        LOCAL.chmod(0o755)


def throwaway_folder(name: str, identity: Identity | None) -> Path:
    """Return a new private folder for one instance. The caller removes it."""
    home = Path(tempfile.gettempdir())
    if identity is not None and not is_reachable(home):
        home = Path("/var/tmp")
    return _private(home / f"hackthestudy-{name}-{secrets.token_hex(8)}", identity)


def _private(folder: Path, identity: Identity | None) -> Path:
    """Create the folder, or check that the existing one is ours, and close it to others.

    /var/tmp is open to everyone, so another user may have created the name before: as a link to one of our folders, or
    as a folder in which they can read or plant data. mkdir(2) never follows a link, and lstat(2) detects one. The
    folder stays ours. The identity can only pass through it, to the folders inside that it owns.
    """
    mode = 0o700 if identity is None else 0o710
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise LocalStackError(f"{folder} is not a folder of this user. Please remove it.") from None
    if identity is not None:
        os.chown(folder, os.geteuid(), identity.group, follow_symlinks=False)
    folder.chmod(mode)
    return folder


def given_to(folder: Path, identity: Identity | None) -> Path:
    """Create a folder inside a private one and give it to the identity, with mode 700."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if identity is not None:
        os.chown(folder, *identity, follow_symlinks=False)
    return folder


def write_secret(file: Path, text: str, identity: Identity | None = None) -> None:
    """Write a file that only this user, or the identity, can read."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
        if identity is not None:
            os.fchown(descriptor, *identity)


def lock(file: Path, *, wait_s: float, message: str) -> int:
    """Lock the file. Returns the descriptor that holds the lock until its last copy is closed.

    The wait is for a predecessor that was killed and whose services are still ending. Raises LocalStackError with the
    message if the lock stays taken.
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
    """Remove a folder with its contents. Errors are ignored."""
    shutil.rmtree(folder, ignore_errors=True)


class _OwnPorts:
    """Ports that no other process on this machine chooses from. They are used in turn, so none is reused soon.

    Seconds may pass between choosing a port and listening on it. A process owns a block of ``_PORTS_OF_ONE`` ports for
    as long as it holds the UDP socket of the block's first port.
    """

    def __init__(self) -> None:
        self._claim: socket.socket | None = None
        self._block = _PORTS
        self._next = 0

    def choose(self) -> int:
        """Return the next port. A program that does not use this class may occupy it."""
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
        raise LocalStackError("Too many processes of this kind are running on this machine.")


_own_ports = _OwnPorts()


def free_port() -> int:
    """Return a free TCP port on the loopback interface that no other process gets from here."""
    for _ in range(_PORTS_OF_ONE):
        port = _own_ports.choose()
        if is_free(port):
            return port
    raise LocalStackError(f"No free port was found between {_PORTS.start} and {_PORTS.stop}.")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port of the loopback interface now."""
    with socket.socket() as probe:
        # As servers do, so that old connections of a server that has just ended do not block its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
