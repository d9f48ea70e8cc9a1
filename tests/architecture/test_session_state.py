"""No code relies on the state of a database session: behind a pool each transaction gets another (decision 0010)."""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source_tree import CHECKOUT, modules

# Functions and options whose effect outlasts the transaction.
_NAMES = re.compile(r"pg_(try_)?advisory_(lock|unlock)(_shared|_all)?|isolation_level|autocommit(_block)?")
# Statements with such an effect. ON DELETE SET NULL is not one.
_STATEMENTS = re.compile(
    r"\s*(SET\s+(?!LOCAL|NULL|DEFAULT)|RESET\s|LISTEN\s|PREPARE\s|LOAD\s|CREATE\s+(LOCAL\s+|GLOBAL\s+)?TEMP"
    r"|DECLARE\s.*\sWITH\s+HOLD)",
    re.IGNORECASE | re.DOTALL,
)
_SESSION_CONFIG = re.compile(r"set_config\([^()]*,\s*false\s*\)", re.IGNORECASE)


def session_state(root: Path) -> Iterator[str]:
    """No statement, lock or option outlives its transaction."""
    for module in modules(root, "backend"):
        prose = _docstrings(module.tree)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                if _STATEMENTS.match(node.value) or _SESSION_CONFIG.search(node.value):
                    yield f"{module.at(node)} changes the session: {node.value.strip()[:40]}"
                names = _NAMES.findall(node.value) and node.value
            else:
                name = getattr(node, "attr", None) or getattr(node, "arg", None)
                names = isinstance(name, str) and _NAMES.fullmatch(name) and name
            if names:
                yield f"{module.at(node)} uses {names}, which outlives the transaction"


def _docstrings(tree: ast.Module) -> set[int]:
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def test_no_session_state_is_relied_on() -> None:
    assert list(session_state(CHECKOUT)) == []


@pytest.mark.parametrize(
    "line",
    [
        "x = sa.func.pg_advisory_lock(1)",
        "x = sa.func.pg_try_advisory_lock(1)",
        "x = sa.text('SELECT pg_advisory_unlock(1)')",
        "x = engine.execution_options(isolation_level='AUTOCOMMIT')",
        "connection.autocommit = True",
        "x = context.autocommit_block()",
        "x = sa.text('SET statement_timeout = 1')",
        "x = sa.text('LISTEN runs')",
        "x = sa.text('PREPARE p AS SELECT 1')",
        "x = sa.text('CREATE TEMPORARY TABLE t (a int)')",
        "x = sa.text('DECLARE c CURSOR WITH HOLD FOR SELECT 1')",
        "x = sa.text(\"SELECT set_config('a', 'b', false)\")",
    ],
)
def test_session_state_is_reported(tmp_path: Path, line: str) -> None:
    shutil.copytree(CHECKOUT / "backend", tmp_path / "backend", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "backend" / "core" / "clock.py").write_text(f'"""A seed."""\n\n{line}\n')
    (report,) = session_state(tmp_path)
    assert report.startswith("backend/core/clock.py:3 ")
