"""The images, built once, and the reference deployment that the tests of a module share."""

import fcntl
import os
import secrets
from collections.abc import Iterator

import pytest

from tests.deployment import measured
from tests.deployment.engine import Engine, find_engine
from tests.deployment.system import ContainerSystem, build_images

# Sections short and many, so that twenty steps can wait; the rest is as the spec says.
MANY_STEPS = {"SECTION_CHARS": "1500", "STEPS_IN_FLIGHT_PER_RUN": "32"}


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured in containers."""
    figures = measured.read()
    if figures and terminalreporter.config.getoption("markexpr") == "containers":
        terminalreporter.section("measured in containers")
        terminalreporter.write_line(measured.as_table(figures))


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine, with our images built. Without one the tests fail, and say what is missing."""
    found = find_engine()
    # The processes of one run of pytest-xdist share the parent of their folders: the first one there builds for all.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", secrets.token_hex(8))
    built = tmp_path_factory.getbasetemp().parent / f"images-{run}"
    with built.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            measured.FILE.unlink(missing_ok=True)
            build_images(found)
            built.touch()
    return found


@pytest.fixture(scope="module")
def standing(engine: Engine) -> Iterator[ContainerSystem]:
    """The reference deployment, running."""
    with ContainerSystem(engine, **MANY_STEPS) as system:
        yield system


@pytest.fixture
def system(standing: ContainerSystem) -> ContainerSystem:
    """The reference deployment, its model well-behaved and without memory."""
    standing.model.set_script([])
    standing.model.forget_calls()
    return standing
