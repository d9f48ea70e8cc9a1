"""How Alembic reaches the database and the tables of the code."""

import sqlalchemy as sa
from alembic import context

from backend.core.database.database import LOST_HOST, NO_LIMITS, engine_url, set_limits, start_arguments
from backend.core.database.locks import MIGRATION_LOCK
from backend.rooms import ROOMS
from backend.settings import get_settings

# A statement that waits for a table makes everything behind it wait too, so it gives up soon and is tried again later.
_LOCK_TIMEOUT = "3s"

# Alembic compares the tables of every room.
tables = [table for room in ROOMS for table in room.tables]

settings = get_settings()
engine = sa.create_engine(
    engine_url(settings.database_url),
    poolclass=sa.NullPool,
    connect_args={**LOST_HOST, **start_arguments(settings, NO_LIMITS)},
)
set_limits(engine, settings, NO_LIMITS)
with engine.connect() as connection:
    # The lock lasts as long as the transaction; a session lock would stay with a pool's connection. A migration must
    # therefore not commit by itself (autocommit_block). The migrate command runs this file once per migration, because
    # Alembic's own transaction per migration would check what is left to do before we hold the lock.
    context.configure(
        connection=connection,
        target_metadata=tables[0].metadata,
        compare_type=True,
        transactional_ddl=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        # Two containers may migrate at once: the second waits for the first, however long.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        # The migrate command reads this to skip migrations that the database already has.
        context.config.attributes["heads"] = context.get_context().get_current_heads()
        context.run_migrations()
