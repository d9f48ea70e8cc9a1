"""Ports for servers of our own: no two processes are given the same one."""

import contextlib
import socket

from config.local.folders import free_port
from tests.local.processes import start_script

# It goes on, since its ports are its own for as long as it runs; where input has ended, reading would end it.
PRINT_PORTS = """
import time
from config.local.folders import free_port
print(*(free_port() for _ in range(100)), flush=True)
time.sleep(600)
"""


def test_processes_are_given_different_ports_and_none_comes_again_soon() -> None:
    others = [start_script(PRINT_PORTS) for _ in range(3)]
    try:
        ports = [free_port() for _ in range(100)]
        for other in others:
            assert other.stdout is not None
            ports += [int(word) for word in other.stdout.readline().split()]
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert len(set(ports)) == len(ports) == 400


def test_a_port_that_somebody_listens_on_is_left_out() -> None:
    taken = []
    try:
        # Whoever does not ask here may sit on any port, here on the next ones.
        following = free_port() + 1
        for port in range(following, following + 3):
            with contextlib.suppress(OSError):
                taken.append(socket.create_server(("127.0.0.1", port)))
        assert free_port() not in range(following, following + 3)
    finally:
        for listener in taken:
            listener.close()
