"""Finds the files, and the names in them, that a document cites as `path` or `path::name`."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = re.compile(r"`((?:backend|tests|config|docs|benchmarks)/[\w/.-]+|[\w-]+\.(?:toml|txt|yml))(?:::(\w+))?`")


def find_missing_places(text: str) -> Iterator[str]:
    for path, name in PLACE.findall(text):
        file = ROOT / path
        if not file.exists():
            yield path
        elif name and name not in names_in(file):
            yield f"{path}::{name}"


@lru_cache
def names_in(file: Path) -> frozenset[str]:
    """Return the functions, classes and constants of a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return frozenset(found)
