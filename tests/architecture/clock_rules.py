"""Rules that keep machine speed out of test results: only ``tests/patience.py`` reads clocks."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source_tree import Module, imports, modules

_CLOCKS = frozenset({"sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"})
# Files that may read a clock, and why.
MAY_READ_CLOCKS = {
    "tests/patience.py": "the one place",
    "tests/faults/load.py": "orders events of several threads, and judges no duration",
    "tests/operations/watchdog/test_observation.py": "a worker's heartbeat carries the time",
    "tests/operations/watchdog/test_watchdog.py": "a worker's heartbeat carries the time",
    "tests/stand_ins/openai_server.py": "a slow model",
    "tests/stand_ins/sign_in_server.py": "a slow provider",
}
# Methods with a timeout in seconds, and pytest-timeout's marker.
_GIVE_UP = frozenset({"join", "wait", "result", "communicate", "timeout"})


def clocks(root: Path) -> Iterator[str]:
    """A test waits for a condition; it neither sleeps nor measures time itself."""
    for module in _tests(root):
        for node in _reads(module):
            yield f"{module.at(node)} reads a clock: use tests/patience.py"


def needless_clocks(root: Path) -> Iterator[str]:
    """Every listed exception is needed."""
    for path in MAY_READ_CLOCKS:
        if not any(_reads(module) for module in modules(root, "tests") if module.path == path):
            yield f"{path} may read clocks but does not"


def bare_deadlines(root: Path) -> Iterator[str]:
    """A hanging test is ended by ``HANG_S``; a shorter timeout is multiplied by ``patient_s``."""
    for module in _tests(root):
        # A loop's pause while it waits for an event is not a deadline.
        pauses = {
            id(call) for loop in ast.walk(module.tree) if isinstance(loop, ast.While) for call in _calls(loop.test)
        }
        for call in _calls(module.tree):
            seconds = [keyword.value for keyword in call.keywords if keyword.arg == "timeout"]
            if isinstance(call.func, ast.Attribute) and call.func.attr in _GIVE_UP and id(call) not in pauses:
                seconds += call.args[:1]
            if any(_is_number(value) for value in seconds):
                yield f"{module.at(call)} has a bare number of seconds as timeout: use HANG_S or patient_s"


def judged_stopwatches(root: Path) -> Iterator[str]:
    """A stopwatch's time may be recorded or have a lower limit. An upper limit must be a promise of the product."""
    for module in _tests(root):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Compare) and any(_is_upper_limit(node)):
                yield f"{module.at(node)} limits how long something may take: use promised or measure_promise"


def _is_upper_limit(compared: ast.Compare) -> Iterator[bool]:
    terms = [compared.left, *compared.comparators]
    for left, operator, right in zip(terms, compared.ops, terms[1:], strict=False):
        yield isinstance(operator, ast.Lt | ast.LtE) and _names_a_time(left)
        yield isinstance(operator, ast.Gt | ast.GtE) and _names_a_time(right)


def _names_a_time(term: ast.expr) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr == "took_s")
        or (isinstance(node, ast.Name) and node.id == "took_s")
        for node in ast.walk(term)
    )


def _tests(root: Path) -> Iterator[Module]:
    for module in modules(root, "tests"):
        if module.path not in MAY_READ_CLOCKS:
            yield module


def _reads(module: Module) -> list[ast.AST]:
    named = [found.node for found in imports(module) if found.module == "time" and found.name in _CLOCKS]
    return named + [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in _CLOCKS and ast.unparse(node.value) == "time"
    ]


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _is_number(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Constant) and isinstance(value.value, int | float) and not isinstance(value.value, bool)
    )


RULES = (clocks, needless_clocks, bare_deadlines, judged_stopwatches)
