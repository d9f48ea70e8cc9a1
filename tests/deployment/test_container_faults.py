"""Containers in which a part cannot start, on a kernel that refuses hard links, and with an external broker."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment.engine import Container, Engine, EngineError
from tests.deployment.system import ContainerSystem
from tests.patience import wait_for

pytestmark = pytest.mark.containers


# Docker lets every user in a container listen on low ports, but the test needs a refusal.
NO_LOW_PORTS = ("--sysctl", "net.ipv4.ip_unprivileged_port_start=1024")


@pytest.fixture(scope="module")
def outside(engine: Engine) -> Iterator[ContainerSystem]:
    """A database and a Redis, without any of our containers."""
    with ContainerSystem(engine, apis=0, workers=0, outside_redis=True) as system:
        yield system


def wait_for_the_end(container: Container) -> list[str]:
    """Wait until a container ends with a failure code. Returns its lines."""
    wait_for("the end of the container", lambda: container.exit_code is not None)
    lines = container.logs()
    assert container.exit_code != 0, lines
    assert all(line.startswith("[") for line in lines)
    return lines


def test_33_redis_cannot_start(outside: ContainerSystem) -> None:
    # A port below 1024 needs root, and the container's programs do not run as root.
    part = outside.start("api-redis", "api", REDIS_URL="redis://127.0.0.1:22/0", options=NO_LOW_PORTS)
    lines = wait_for_the_end(part)
    assert any("Failed listening on port 22" in line for line in lines)
    assert any("redis cannot run: the container ends" in line for line in lines)


def test_33_the_watchdog_cannot_start(outside: ContainerSystem) -> None:
    part = outside.start("worker-port", "worker", WATCHDOG_PORT="22", options=NO_LOW_PORTS)
    lines = wait_for_the_end(part)
    assert any("watchdog cannot run: the container ends" in line for line in lines)


@pytest.mark.parametrize("component", ["api", "worker", "migrate"])
def test_unsafe_settings_end_the_container_and_are_logged(outside: ContainerSystem, component: str) -> None:
    part = outside.start(f"{component}-unsafe", component, JWT_SECRET="too-short", LOG_FORMAT="json")
    lines = wait_for_the_end(part)
    text = "\n".join(lines)
    assert {json.loads(line.partition(" ")[2])["level"] for line in lines} >= {"warning"}
    assert "JWT_SECRET" in text
    assert "too-short" not in text


def test_an_external_redis_means_no_redis_is_started(outside: ContainerSystem) -> None:
    part = outside.start("api-outside", "api")
    outside.wait_until_healthy("api-outside")
    assert part.process_ids("redis-server") == []
    assert not any("event=redis.log" in line for line in part.logs())
    assert outside.health("api-outside")["broker"] == "ok"


def test_a_kernel_that_refuses_hard_links(outside: ContainerSystem, tmp_path: Path) -> None:
    profile = tmp_path / "no-links.json"
    refused = {"names": ["link", "linkat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refused]}))
    part = outside.start(
        "api-links",
        "api",
        REDIS_URL="redis://127.0.0.1:6379/0",
        options=("--security-opt", f"seccomp={profile}"),
    )
    outside.wait_until_healthy("api-links")
    script = "import os; open('/tmp/a', 'w').close(); os.link('/tmp/a', '/tmp/b')"
    with pytest.raises(EngineError, match="Operation not permitted"):
        part.execute("python", "-c", script)
