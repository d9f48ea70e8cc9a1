"""Rooms are entered through their doors: ``service``, ``errors``, ``types`` and ``signals``.

import-linter knows which floor may see which, and can protect single modules, but not "every module of a room,
also one written tomorrow, except its doors"; so this is a rule over the imports.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source_tree import imports, modules

ROOMS = frozenset({"operations", "privacy", "generation", "study", "library", "billing", "accounts"})
DOORS = frozenset({"service", "errors", "types", "signals"})

# What the roof and the migrations may reach besides the doors, and why.
_FURTHER_DOORS = {
    "backend.app": {
        "routes": "the app registers every room's routes",
        "tokens": "the app configures how tokens are signed",
    },
    "backend.worker": {"tasks": "the worker registers every room's tasks"},
    "backend.migrations.env": {"models": "Alembic compares every room's tables"},
}


def doors(root: Path) -> Iterator[str]:
    """Report each import that enters a room otherwise than through its doors."""
    for module in modules(root, "backend"):
        home = _room(module.dotted)
        further = _FURTHER_DOORS.get(module.dotted, {})
        for found in imports(module):
            room = _room(found.module) or _room(found.candidates[0])
            if room is None or room == home:
                continue
            # ``from backend.library import service`` and ``from backend.library.service import verb`` alike.
            entered = found.candidates[0].split(".")[2:3]
            if not entered or (entered[0] not in DOORS and entered[0] not in further):
                yield f"{module.at(found.node)} enters {room} through {'.'.join(entered) or 'its package'}, not a door"


def _room(dotted: str) -> str | None:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "backend" and parts[1] in ROOMS else None
