"""The images, built once, and the reference deployment that a module's tests share."""

import fcntl
import os
import secrets
from collections.abc import Generator, Iterator

import pytest

from tests.deployment import measured
from tests.deployment.engine import Engine, EngineSilent, find_engine
from tests.deployment.system import ContainerSystem, build_images
from tests.patience import patient_s

# Many short sections, so that twenty steps can be queued. Everything else is as in the spec.
MANY_STEPS = {"SECTION_CHARS": "1500", "STEPS_IN_FLIGHT_PER_RUN": "32"}


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the measurements from the containers."""
    figures = measured.read()
    if figures and terminalreporter.config.getoption("markexpr") == "containers":
        terminalreporter.section("measured in containers")
        terminalreporter.write_line(measured.as_table(figures))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give container tests time to build the images, and more time than an engine may be silent."""
    for item in items:
        if item.get_closest_marker("containers"):
            item.add_marker(pytest.mark.timeout(patient_s(3600)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark the report of a test that ended because the engine did not respond."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(EngineSilent):
        report.longrepr = f"The container engine is at fault, not the product: {call.excinfo.value}."
        report.user_properties.append(("engine", "silent"))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, str] | None:
    """Report such a test as an error, pytest's outcome for trouble around a test, instead of a failure."""
    if report.failed and ("engine", "silent") in getattr(report, "user_properties", ()):
        return "error", "E", "ENGINE SILENT"
    return None


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A container engine with our images built. Without one the tests fail and say what is missing."""
    found = find_engine()
    # The processes of one pytest-xdist run share the parent of their folders. The first process builds for all.
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
    """The running reference deployment."""
    with ContainerSystem(engine, **MANY_STEPS) as system:
        yield system


@pytest.fixture
def system(standing: ContainerSystem) -> ContainerSystem:
    """The reference deployment, with a well-behaved model that has forgotten earlier calls."""
    standing.model.set_script([])
    standing.model.forget_calls()
    return standing
