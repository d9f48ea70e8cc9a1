"""Changes that the triggers of a table refuse, made as the owner of the table can make them."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

_STATES = """
SELECT tgname, CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'O' THEN 'ENABLE' END
FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass) AND NOT tgisinternal
"""


@contextmanager
def disabled_triggers(connection: sa.Connection, *tables: str) -> Iterator[None]:
    """Disable every trigger of the tables within a transaction, and then enable each one again as it was."""
    enabled = []
    for table in tables:
        for name, state in connection.execute(sa.text(_STATES), {"table": table}):
            assert state, f"{name} of {table} was already disabled: a test before this one left it so."
            enabled.append(f"ALTER TABLE {table} {state} TRIGGER {name}")
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for statement in enabled:
        connection.exec_driver_sql(statement)
