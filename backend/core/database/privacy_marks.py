"""Marks on tables and columns: excluded from data exports, or kept or cleared after account deletion.

By default, every table whose foreign keys lead to a user is exported and erased with that user. The marks are the
exceptions: each is put with its reason into the ``info`` of the table or column, where it is declared.
"""

import sqlalchemy as sa

_WITHHELD = "withheld"
_KEPT = "kept"
_CLEARED = "cleared"

Info = dict[str, str]


def withheld(reason: str) -> Info:
    """Return the ``info`` of a table or column that is excluded from exports."""
    return {_WITHHELD: reason}


def kept(reason: str) -> Info:
    """Return the ``info`` of a table whose rows are kept, with the user's bare id, after account deletion."""
    return {_KEPT: reason}


def cleared(reason: str) -> Info:
    """Return the ``info`` of a nullable column of a kept table that is set to NULL after account deletion.

    The table also needs the trigger ``clear_after_leaving``, because its rows may still be written then.
    """
    return {_CLEARED: reason}


def is_withheld(what: sa.Table | sa.Column[object]) -> bool:
    return _WITHHELD in what.info


def is_kept(table: sa.Table) -> bool:
    return _KEPT in table.info


def is_cleared(column: sa.Column[object]) -> bool:
    return _CLEARED in column.info
