"""Ports for our own servers: no two processes get the same one."""

import contextlib
import socket

from config.local.folders import free_port
from tests.local.processes import start_script

# It keeps running because its ports are reserved only while it runs. It cannot wait for input, which may be closed.
PRINT_PORTS = """
import time
from config.local.folders import free_port
print(*(free_port() for _ in range(100)), flush=True)
time.sleep(600)
"""


def test_processes_get_different_ports_and_no_port_is_reused_soon() -> None:
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


def test_a_port_in_use_is_skipped() -> None:
    taken = []
    try:
        # Programs that do not ask here may use any port, in this test the next ones.
        following = free_port() + 1
        for port in range(following, following + 3):
            with contextlib.suppress(OSError):
                taken.append(socket.create_server(("127.0.0.1", port)))
        assert free_port() not in range(following, following + 3)
    finally:
        for listener in taken:
            listener.close()
