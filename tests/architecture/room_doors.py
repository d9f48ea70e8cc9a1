"""Rooms are entered through their doors: ``service``, ``errors``, ``types`` and ``signals``.

import-linter knows which floor may see which, and can protect single modules, but not "every module of a room,
also one written tomorrow, except its doors"; so this is a rule over the imports.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source_tree import Import, Module, imports, modules

ROOMS = frozenset({"operations", "privacy", "generation", "study", "library", "billing", "accounts"})
DOORS = frozenset({"service", "errors", "types", "signals"})

# Concepts that a room shares: pure functions on text, which know neither tables nor requests.
PUBLISHED = {"study": frozenset({"evidence", "folding", "formulas", "stop_words"})}
_IMPURE = ("sqlalchemy", "flask", "apiflask", "celery", "backend.core", "backend.settings")

# Doors that one room has besides, and why.
_OWN_DOORS = {
    "accounts": {"activity": "a worker writes history too, and would load all of signing in with the service"},
}

# What the roof and the migrations may reach besides the doors, and why.
_FURTHER_DOORS = {
    "backend.app": {
        "routes": "the app registers every room's routes",
        "tokens": "the app configures how tokens are signed",
        "sign_in_routes": "the app registers the routes of signing in with a provider",
        "oauth": "the app tells which providers are configured",
        "hand_over": "the app tells where the browser app is",
        "metrics": "the app has its requests counted",
        "sentry": "the app has its crashes reported",
    },
    "backend.worker": {
        "tasks": "the worker registers every room's tasks",
        "models": "foreign keys point at tables of rooms that have no tasks",
        "choice": "the language models are loaded once, before the worker forks",
        "heartbeat": "the worker's processes give signs of life",
        "processes": "the worker ends its own processes when it cannot stop politely",
        "sentry": "the worker has its crashes reported",
    },
    "backend.cli": {
        "administration": "a command of its own",
        "sweeping": "a command of its own",
        "upgrading": "a command of its own",
        "watchdog": "a command of its own",
    },
    "backend.operations.sweeping": {
        "reading": "what the sweep does when a document has failed too often is registered by import",
        "exporting": "what the sweep does when an export has failed too often is registered by import",
        "erasing": "what the sweep does when an erasure has failed too often is registered by import",
        "recording": "what the sweep does when a step has failed too often is registered by import",
        "models": "foreign keys point at tables of rooms that have no tasks",
    },
    "backend.migrations.env": {"models": "Alembic compares every room's tables"},
}


def doors(root: Path) -> Iterator[str]:
    """Report each import that enters a room otherwise than through its doors."""
    for module in modules(root, "backend"):
        home = _room(module.dotted)
        for found in imports(module):
            room = _room(found.module) or _room(found.candidates[0])
            if room is None or room == home:
                continue
            entered = _entered(found)
            if module.dotted == "backend.app" and entered.endswith("_routes"):
                # A room with many routes keeps them in several modules.
                continue
            own = set(_OWN_DOORS.get(room, ()))
            allowed = DOORS | own | PUBLISHED.get(room, frozenset()) | set(_FURTHER_DOORS.get(module.dotted, ()))
            if entered not in allowed:
                yield f"{module.at(found.node)} enters {room} through {entered or 'its package'}, not a door"


def published(root: Path) -> Iterator[str]:
    """Report what a published concept needs, itself or through others of its room, that is not pure."""
    by_name = {module.dotted: module for module in modules(root, "backend")}
    for room, names in PUBLISHED.items():
        for name in sorted(names):
            start = f"backend.{room}.{name}"
            if start in by_name:
                yield from _impurities(by_name[start], by_name, room)


def _impurities(start: Module, by_name: dict[str, Module], room: str) -> Iterator[str]:
    waiting, seen = [start], {start.dotted}
    while waiting:
        module = waiting.pop()
        for found in imports(module):
            impure = found.module.startswith(_IMPURE) or _entered(found) in ("models", "service", "routes")
            if impure:
                yield f"{module.at(found.node)} imports {found.module}, and {start.dotted} is published as pure"
            inner = next((name for name in found.candidates if name in by_name), None)
            if inner is not None and inner not in seen and _room(inner) == room and not impure:
                seen.add(inner)
                waiting.append(by_name[inner])


def _entered(found: Import) -> str | None:
    """Return the module of a room that is imported, alike for ``from room import x`` and ``from room.x import y``."""
    parts = found.candidates[0].split(".")
    return parts[2] if len(parts) > 2 and parts[0] == "backend" else None


def _room(dotted: str) -> str | None:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "backend" and parts[1] in ROOMS else None
