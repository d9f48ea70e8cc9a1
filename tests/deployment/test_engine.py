"""An engine that does not respond or cannot clean up is distinguished from a fault of the product."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deployment.engine import Engine, EngineError, EngineSilent, NotCleanedUp

pytest_plugins = ["pytester"]


@pytest.fixture
def engine(tmp_path: Path) -> Callable[[str], Engine]:
    """Make an engine from a shell script."""

    def make(script: str) -> Engine:
        program = tmp_path / "podman"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return Engine(str(program))

    return make


def test_silence_is_not_an_engine_error(engine) -> None:
    with pytest.raises(EngineError, match="no such container"):
        engine("echo no such container >&2; exit 1").call("inspect", "x")
    with pytest.raises(EngineSilent, match="did not respond"):
        engine("exec sleep 600").call("inspect", "x", timeout_s=0.1)


def test_cleaning_up_warns_and_continues(engine, tmp_path: Path) -> None:
    removed = tmp_path / "removed"
    script = f"""case "$1" in
        ps) echo a b ;;
        rm) [ "$4" = b ] || exit 1; echo "$4" >> {removed} ;;
        network) [ "$2" = ls ] && echo n || echo "$3" >> {removed} ;;
    esac"""
    with pytest.warns(NotCleanedUp, match="rm --force --volumes a"):
        engine(script).clean_up("label=x")
    assert removed.read_text().split() == ["b", "n"]


def test_a_silent_engine_is_an_error_not_a_failure(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from tests.deployment.conftest import *\n")
    pytester.makepyfile(
        """
        from tests.deployment.engine import EngineSilent

        def test_silent():
            raise EngineSilent("`podman inspect` did not respond within 1 s")

        def test_wrong():
            assert 1 == 2
        """
    )
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    done.assert_outcomes(errors=1, failed=1)
    done.stdout.fnmatch_lines(["*The container engine is at fault, not the product: `podman inspect`*"])
