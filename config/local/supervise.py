"""Runs one command, and ends it with everything it has started when the parent process ends.

A parent killed by SIGKILL cannot clean up. So this small supervisor holds the read end of a pipe whose write end only
the parent has. When the pipe closes, for whatever reason, the supervisor sends the command its stop signal, and later
SIGKILL. It is a "child subreaper" (prctl(2)), so processes orphaned by the command become its children and are ended
too. It has its own session, so Ctrl-C in the terminal reaches only the parent, which then stops its services in order.

Started by ``process.LocalProcess`` as ``python -I -S supervise.py JSON``; needs only the standard library.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import sys
import time
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_HANDLED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
_LIBC = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, argument: int) -> None:
    """Raises OSError if the kernel refuses."""
    if _LIBC.prctl(option, argument, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def _spawn(order: dict[str, Any]) -> int:
    """Fork and execute the command. Returns its process id. If it cannot be executed, the child ends with 127."""
    supervisor = os.getpid()
    for descriptor in (order["report_to"], *order["hold"]):
        os.set_inheritable(descriptor, False)
    # The child starts with our handlers, which would swallow a signal between fork and exec.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        return child
    try:
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        if order["identity"] is not None:
            user, group = order["identity"]
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
        # After changing the user, which resets this option.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # If the supervisor died before the line above, no signal will ever come.
        if os.getppid() == supervisor:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.chdir(order["folder"])
            os.execvp(order["command"][0], order["command"])
    except OSError as error:
        os.write(2, f"{order['command'][0]}: {error.strerror}\n".encode())
    os._exit(127)


def _children() -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The second field is the program's name in parentheses, which may contain spaces.
                parent = file.read().rpartition(b")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == os.getpid():
            found.append(int(name))
    return found


def _end_the_rest() -> None:
    """Kill and reap the processes that the command has left, including their own children."""
    while True:
        for pid in _children():
            os.kill(pid, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


class _Wakeups:
    """Turns signals and the end of the parent into events that one loop waits for."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write)
        # Empty handlers instead of SIG_IGN, which the command would inherit.
        for number in _HANDLED:
            signal.signal(number, lambda *_: None)
        self._poll = select.poll()
        self._poll.register(self._read, select.POLLIN)
        self._poll.register(0, select.POLLIN | select.POLLHUP)
        self.asked_to_end = False
        self.orphaned = False

    def wait(self, timeout_s: float | None) -> None:
        """Wait for a signal, for the end of the parent or for the timeout."""
        for descriptor, _ in self._poll.poll(None if timeout_s is None else timeout_s * 1000):
            if descriptor == self._read:
                self.asked_to_end |= signal.SIGTERM in os.read(self._read, 512)
            elif not os.read(0, 512):
                self._poll.unregister(0)
                self.asked_to_end = self.orphaned = True


def _run(order: dict[str, Any]) -> int:
    """Run the command to its end. Returns its exit code, or 128 + n if signal n ended it."""
    wakeups = _Wakeups()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child = _spawn(order)
    os.write(order["report_to"], b"%d\n" % child)
    os.close(order["report_to"])
    deadline = None
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if wakeups.asked_to_end and deadline is None:
            deadline = time.monotonic() + order["grace_s"]
            os.kill(child, order["stop_signal"])
            # A process frozen by SIGSTOP handles the signal above only after it continues.
            os.kill(child, signal.SIGCONT)
        left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
        if left_s == 0.0:
            os.kill(child, signal.SIGKILL)
            left_s = None
        wakeups.wait(left_s)
    _end_the_rest()
    wakeups.wait(0)
    if wakeups.orphaned:
        for folder in order["remove"]:
            shutil.rmtree(folder, ignore_errors=True)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(_run(json.loads(sys.argv[1])))
