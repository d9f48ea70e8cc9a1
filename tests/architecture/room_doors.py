"""Rooms are entered through their doors: ``service``, ``errors``, ``types``, ``hooks``, and ``room`` for the manifest.

import-linter checks which floor may import which, and can protect single modules. It cannot protect every module of a
room except its doors, including modules added later, so this is a rule over the imports.
"""

from collections.abc import Iterator
from pathlib import Path

from backend.rooms import ROOMS as MANIFEST
from tests.architecture.source_tree import Import, Module, imports, modules

# Core is the foundation, not a room to enter by a door.
ROOMS = frozenset(room.name for room in MANIFEST if room.name != "core")
DOORS = frozenset({"service", "errors", "types", "hooks"})

# Concepts that a room shares: pure functions on text, without tables or requests.
PUBLISHED = {"study": frozenset({"evidence"})}
_IMPURE = ("sqlalchemy", "flask", "apiflask", "celery", "backend.core", "backend.settings")

# Additional doors of single rooms, and why.
_OWN_DOORS = {
    "accounts": {"activity": "the worker also writes history; the service would load the whole sign-in"},
}

# Modules besides the doors that the entry points may import, and why.
_FURTHER_DOORS = {
    "backend.rooms": {"room": "the manifest lists every room"},
    "backend.app": {"monitoring.sentry": "the app reports its errors"},
    "backend.worker.program": {
        "watchdog.heartbeat": "the worker's processes write heartbeats",
        "watchdog.processes": "the worker ends its own processes when it cannot stop politely",
        "monitoring.sentry": "the worker reports its errors",
    },
    "backend.worker.computing": {
        "watchdog.heartbeat": "the pool's processes write heartbeats",
        "monitoring.sentry": "errors are sent before a process ends",
    },
    "backend.worker.calling": {
        "watchdog.heartbeat": "the heartbeat says how many threads are busy",
        "monitoring.sentry": "errors are sent before the process ends",
    },
    "backend.cli": {"upkeep": "commands", "watchdog": "a command"},
}


def doors(root: Path) -> Iterator[str]:
    """Report each import that enters a room other than through its doors."""
    for module in modules(root, "backend"):
        home = _room(module.dotted)
        for found in imports(module):
            room = _room(found.module) or _room(found.candidates[0])
            if room is None or room == home:
                continue
            entered = _entered(found)
            own = set(_OWN_DOORS.get(room, ()))
            allowed = DOORS | own | PUBLISHED.get(room, frozenset()) | set(_FURTHER_DOORS.get(module.dotted, ()))
            if not any(entered == door or entered.startswith(f"{door}.") for door in allowed):
                yield f"{module.at(found.node)} enters {room} through {entered or 'its package'}, not a door"


def published(root: Path) -> Iterator[str]:
    """Report each impure import of a published concept, direct or through other modules of its room."""
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
            entered = _entered(found).split(".")[0]
            impure = found.module.startswith(_IMPURE) or entered in ("models", "service", "routes")
            if impure:
                yield f"{module.at(found.node)} imports {found.module}, and {start.dotted} is published as pure"
            inner = next((name for name in found.candidates if name in by_name), None)
            if inner is not None and inner not in seen and _room(inner) == room and not impure:
                seen.add(inner)
                waiting.append(by_name[inner])


def _entered(found: Import) -> str:
    """Return the imported module below its room, such as ``sign_in.routes.sign_in``, or "" for the room itself."""
    parts = found.candidates[0].split(".")
    return ".".join(parts[2:]) if parts[0] == "backend" else ""


def _room(dotted: str) -> str | None:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "backend" and parts[1] in ROOMS else None
