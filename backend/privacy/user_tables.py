"""What belongs to a user: every row from which foreign keys lead to hers, in whichever room's table it is.

The tables are taken from what the rooms have declared, so none is left out and no room has to be entered.
"""

from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa

from backend.accounts import service as accounts
from backend.core.database.database import Base
from backend.core.database.privacy_marks import is_kept, is_withheld
from backend.core.web import idempotency
from backend.generation import service as generation
from backend.library import service as library
from backend.study import service as study

USERS = "users"
# A table is known once its room has been imported: every room below is named here, whether its verbs are used or not.
ROOMS = (accounts, idempotency, library, study, generation)

Ways = Mapping[str, tuple[sa.ForeignKey, ...]]
"""For each table that leads to a user, the foreign keys to follow: a row is hers where one of them leads to her."""


def find_ways(metadata: sa.MetaData = Base.metadata) -> Ways:
    """Return the ways of all tables that lead to users; that of the table of users itself is empty.

    Keys that are always set are followed rather than those that may be empty, and short ways rather than long ones.
    """
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
        # A row with two users (who did it, to whom) is of both; otherwise keys that are always set lead to the same.
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
    """Return the tables and columns that an export tells."""
    ways = find_ways(metadata)
    return [
        (table, [column for column in table.columns if not is_withheld(column)])
        for table in metadata.sorted_tables
        if table.name in ways and not is_withheld(table)
    ]


def list_erased(metadata: sa.MetaData = Base.metadata) -> list[sa.Table]:
    """Return the tables of which nothing of a user's is left once she is erased, those that lead to others first."""
    ways = find_ways(metadata)
    return [
        table
        for table in reversed(metadata.sorted_tables)
        if table.name in ways and table.name != USERS and not is_kept(table)
    ]
