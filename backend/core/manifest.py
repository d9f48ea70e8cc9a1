"""The types of a room's manifest, ``<room>/room.py``. ``backend.rooms`` lists all rooms in floor order.

Each process calls ``open_rooms`` when it starts. Importing a module registers nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from flask import Flask

from backend.core.database.database import Base
from backend.core.errors import DomainError
from backend.core.hooks import Subscription
from backend.core.web.rate_limits import RouteClass
from backend.core.work.jobs import JobKind, install_kinds
from backend.core.work.queue import add_task
from backend.core.work.runner import run_row
from backend.settings import Settings

API_PREFIX = "/api/v1"


def _always(_settings: Settings) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Routes:
    """A blueprint, named as ``package.module:attribute`` because only the API loads routes.

    ``when`` tells whether the routes exist with these settings.
    """

    blueprint: str
    prefix: str = API_PREFIX
    when: Callable[[Settings], bool] = _always


@dataclass(frozen=True, slots=True)
class Chore:
    """Upkeep that runs under the sweep's lock, on every ``every``-th sweep of a process.

    Each runs in a transaction of its own, except those that open transactions themselves (``opens_transactions``).
    """

    run: Callable[[], object]
    every: int = 100
    opens_transactions: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """What a room declares about itself.

    Attributes:
        name: The package's name.
        routes: Blueprints, in the order of the OpenAPI document.
        configure: Functions that take the Flask app and the settings, named as ``package.module:attribute``.
        jobs: Kinds of leased work: one table and one Celery task each.
        tasks: Other Celery tasks by name; each takes one id.
        chores: Upkeep under the sweep's lock.
        background: Upkeep in a thread of each sweeping process; may raise ``Unavailable``.
        tables: All tables of the room.
        hooks: The room's subscriptions to hooks of the rooms below.
        preload: Called by a worker before it forks, so that its child processes share the loaded data.
        public_endpoints: Reasons by endpoint that needs no signed-in user.
        limits: Rate limit classes by endpoint, where the method and the path do not determine the class.
        unlimited: Reasons by endpoint that has no rate limit.
        limited_by_view: Reasons by public endpoint that is not limited once its view has verified another proof.
        any_host: Endpoints that accept any Host header.
        text_bodies: Endpoints that also take a text (text/markdown, text/plain) as the whole body.
        raw_bodies: Maximum bytes by endpoint that takes a body of any content type, unparsed.
        problems: Errors with members of their own, which the OpenAPI document describes.
    """

    name: str
    routes: tuple[Routes, ...] = ()
    configure: tuple[str, ...] = ()
    jobs: tuple[JobKind, ...] = ()
    tasks: Mapping[str, Callable[[str], None]] = field(default_factory=lambda: MappingProxyType({}))
    chores: tuple[Chore, ...] = ()
    background: tuple[Callable[[], object], ...] = ()
    tables: tuple[type[Base], ...] = ()
    hooks: tuple[Subscription, ...] = ()
    preload: tuple[Callable[[], object], ...] = ()
    public_endpoints: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    limits: Mapping[str, RouteClass] = field(default_factory=lambda: MappingProxyType({}))
    unlimited: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    limited_by_view: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    any_host: frozenset[str] = frozenset()
    text_bodies: frozenset[str] = frozenset()
    raw_bodies: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[type[DomainError], ...] = ()


_opened: list[Room] = []


def open_rooms(rooms: Iterable[Room]) -> None:
    """Set the rooms of this process: register their jobs and subscribe their receivers to the hooks."""
    _opened[:] = rooms
    install_kinds(kind for room in _opened for kind in room.jobs)
    for room in _opened:
        for subscription in room.hooks:
            subscription.hook.subscribe(subscription.receiver)


def add_tasks(flask_app: Flask) -> None:
    """Register the Celery tasks of all open rooms. They run in the context of ``flask_app``."""
    for room in opened_rooms():
        for kind in room.jobs:
            add_task(kind.model.task, partial(run_row, kind), flask_app)
        for name, run in room.tasks.items():
            add_task(name, run, flask_app)


def opened_rooms() -> tuple[Room, ...]:
    """Return the rooms of this process, in floor order. Raises RuntimeError before ``open_rooms``."""
    if not _opened:
        raise RuntimeError("No room is open: this process has not called open_rooms().")
    return tuple(_opened)


def merge(rooms: Iterable[Room], attribute: str) -> dict[str, Any]:
    """Merge the mappings that the rooms declare under ``attribute``. Raises ValueError if two have the same key."""
    merged: dict[str, Any] = {}
    for room in rooms:
        for key, value in getattr(room, attribute).items():
            if key in merged:
                raise ValueError(f"Two rooms declare {attribute} of {key}.")
            merged[key] = value
    return merged
