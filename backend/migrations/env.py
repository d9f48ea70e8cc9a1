"""How Alembic reaches the database and the tables of the code."""

import sqlalchemy as sa
from alembic import context

from backend.accounts import models as accounts_models
from backend.core import idempotency, workers
from backend.core.database import Base, engine_url
from backend.generation import models as generation_models
from backend.library import models as library_models
from backend.settings import get_settings
from backend.study import models as study_models

TABLES = (accounts_models, idempotency, workers, library_models, study_models, generation_models)

# Two containers may migrate at once; the second waits for the first.
_LOCK = 7_305_810

engine = sa.create_engine(engine_url(get_settings().database_url), poolclass=sa.NullPool)
with engine.connect() as connection:
    connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
