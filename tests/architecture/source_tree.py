"""The source of a checkout, parsed once, for the rules to search."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDERS = ("backend", "tests", "benchmarks", "config")


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file; ``path`` is relative to the checkout, with slashes."""

    path: str
    text: str
    tree: ast.Module

    @property
    def dotted(self) -> str:
        """The module's import name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def at(self, node: ast.AST) -> str:
        """Return a node's place, for a report."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name. ``module`` is the source, ``name`` the imported name (None for ``import module``)."""

    module: str
    name: str | None
    node: ast.stmt

    @property
    def candidates(self) -> tuple[str, ...]:
        """The modules this may import: in ``from a import b``, the module a.b or the name b of a."""
        return (self.module,) if self.name is None else (f"{self.module}.{self.name}", self.module)


def modules(root: Path, *folders: str) -> Iterator[Module]:
    """Yield the Python modules under the folders of the checkout at ``root``."""
    for folder in folders:
        for file in sorted((root / folder).rglob("*.py")):
            text = file.read_text()
            yield Module(file.relative_to(root).as_posix(), text, _parse(text))


@cache
def _parse(text: str) -> ast.Module:
    # Seeded copies differ from the checkout in one file only.
    return ast.parse(text)


def imports(module: Module) -> Iterator[Import]:
    """Yield every import of a module, also inside functions. Relative imports are made absolute."""
    package = module.dotted if module.path.endswith("/__init__.py") else module.dotted.rpartition(".")[0]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, node)
        elif isinstance(node, ast.ImportFrom):
            start = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(source, alias.name, node)
