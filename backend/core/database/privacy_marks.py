"""What of a user's rows she is told, and what stays when she leaves: said where a table or column is declared.

Every table that leads to a user by foreign keys is part of her export and goes with her account. What is to be
otherwise says so, with the reason, in the ``info`` of its table or column.
"""

import sqlalchemy as sa

_WITHHELD = "withheld"
_KEPT = "kept"

Info = dict[str, str]


def withheld(reason: str) -> Info:
    """Return the ``info`` of a table or column that is no part of a user's export, and why."""
    return {_WITHHELD: reason}


def kept(reason: str) -> Info:
    """Return the ``info`` of a table whose rows stay, under the user's bare id, when she leaves, and why."""
    return {_KEPT: reason}


def is_withheld(what: sa.Table | sa.Column[object]) -> bool:
    """Tell whether a table or column is left out of exports."""
    return _WITHHELD in what.info


def is_kept(table: sa.Table) -> bool:
    """Tell whether a table's rows stay when their user leaves."""
    return _KEPT in table.info
