"""A user's rows: every row from which foreign keys lead to the user's own, in the tables of all rooms.

The tables come from SQLAlchemy's metadata, which has those of every room once the rooms are open.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import Base
from backend.core.database.privacy_marks import is_cleared, is_kept, is_withheld
from backend.core.manifest import opened_rooms

USERS = "users"

Ways = Mapping[str, tuple[sa.ForeignKey, ...]]
"""For each table that leads to a user, the foreign keys to follow: a row is the user's if one of them leads to them."""


def find_ways(metadata: sa.MetaData = Base.metadata) -> Ways:
    """Return the ways of all tables that lead to users; the one of ``users`` itself is empty.

    Prefers foreign keys that are NOT NULL to nullable ones, and short ways to long ones.
    """
    if metadata is Base.metadata:
        # Raises if the rooms are not open: a table that is not known yet would be left out silently.
        opened_rooms()
    ways: dict[str, tuple[sa.ForeignKey, ...]] = {USERS: ()}
    while found := _find_next(metadata, ways, nullable=False) or _find_next(metadata, ways, nullable=True):
        ways.update(found)
    return ways


def _find_next(metadata: sa.MetaData, ways: Ways, *, nullable: bool) -> dict[str, tuple[sa.ForeignKey, ...]]:
    found: dict[str, tuple[sa.ForeignKey, ...]] = {}
    for table in metadata.sorted_tables:
        keys = [
            key
            for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
            if key.column.table.name in ways and key.parent.nullable is nullable
        ]
        if table.name in ways or not keys:
            continue
        # A row with two users (actor and subject) belongs to both. Other NOT NULL keys all lead to the same user.
        direct = [key for key in keys if key.column.table.name == USERS]
        found[table.name] = tuple(keys if nullable else direct or keys[:1])
    return found


def is_of(table: sa.Table, user_id: UUID, ways: Ways) -> sa.ColumnElement[bool]:
    """Return the condition under which a row of a table belongs to a user."""
    if table.name == USERS:
        return table.c.id == user_id
    return sa.or_(*(_leads_to(key, user_id, ways) for key in ways[table.name]))


def _leads_to(key: sa.ForeignKey, user_id: UUID, ways: Ways) -> sa.ColumnElement[bool]:
    above = key.column.table
    if above.name == USERS:
        return key.parent == user_id
    return key.parent.in_(sa.select(key.column).where(is_of(above, user_id, ways)))


def list_exported(metadata: sa.MetaData = Base.metadata) -> list[tuple[sa.Table, list[sa.Column[object]]]]:
    """Return the tables and columns that are part of an export."""
    ways = find_ways(metadata)
    return [
        (table, [column for column in table.columns if not is_withheld(column)])
        for table in metadata.sorted_tables
        if table.name in ways and not is_withheld(table)
    ]


def list_erased(metadata: sa.MetaData = Base.metadata) -> list[sa.Table]:
    """Return the tables whose rows are deleted when their user is erased; referencing tables come first."""
    ways = find_ways(metadata)
    return [
        table
        for table in reversed(metadata.sorted_tables)
        if table.name in ways and table.name != USERS and not is_kept(table)
    ]


def is_deleted_itself(table: sa.Table, ways: Ways) -> bool:
    """Tell whether the table's rows refer to a row that stays after an erasure, so that no cascade deletes them."""
    return any(key.column.table.name == USERS or is_kept(key.column.table) for key in ways[table.name])


def list_cleared(metadata: sa.MetaData = Base.metadata) -> list[tuple[sa.Table, list[sa.Column[object]]]]:
    """Return the tables whose rows are kept when their user is erased, with the columns that are set to NULL."""
    ways = find_ways(metadata)
    kept = [table for table in metadata.sorted_tables if table.name in ways and is_kept(table)]
    found = [(table, [column for column in table.columns if is_cleared(column)]) for table in kept]
    return [(table, columns) for table, columns in found if columns]


def has_any(columns: Sequence[sa.Column[object]]) -> sa.ColumnElement[bool]:
    """Return the condition under which a row has a value in one of the columns."""
    return sa.or_(*(column.is_not(None) for column in columns))
