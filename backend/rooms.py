"""The list of all rooms, lower floors first. Entry points call ``open_rooms(ROOMS)``."""

from pkgutil import resolve_name

from backend.core.manifest import Room

_NAMES = (
    "core",
    "accounts",
    "library",
    "billing",
    "study",
    "generation",
    "privacy",
    "operations",
    "administration",
)

ROOMS: tuple[Room, ...] = tuple(resolve_name(f"backend.{name}.room:ROOM") for name in _NAMES)
