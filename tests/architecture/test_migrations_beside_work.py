"""A migration runs beside the previous release: it waits only briefly for a table, then retries."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from backend.core.database.database import engine_url
from backend.operations.upkeep.migrate import alembic_config
from backend.settings import Settings
from tests.architecture.source_tree import CHECKOUT
from tests.patience import HANG_S
from tests.stand_ins.pgbouncer import PgBouncer

TO_FIRST = (
    "from alembic import command; from backend.operations.upkeep.migrate import alembic_config;"
    "command.downgrade(alembic_config(), '0002')"
)
VERSION = sa.text("SELECT version_num FROM alembic_version")
VALIDATED = sa.text("SELECT convalidated FROM pg_constraint WHERE conname = 'ck_documents_key_in_bucket'")


def start(url: str, *arguments: str, pooled: bool = False) -> "subprocess.Popen[str]":
    """Start Python with a database."""
    environment = {**os.environ, "DATABASE_URL": url, "DATABASE_POOLED": str(pooled)}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("pooled", [False, True])
def test_a_migration_retries_until_work_releases_the_table(
    settings: Settings, new_database: Callable[[], str], pooled: bool
) -> None:
    url = new_database()
    back = start(url, "-c", TO_FIRST)
    assert back.wait(HANG_S) == 0, back.communicate()
    engine = sa.create_engine(engine_url(url), poolclass=sa.NullPool)
    with PgBouncer(url) as pool, engine.connect() as other:
        other.execute(sa.text("SELECT count(*) FROM documents"))
        migrating = start(pool.url if pooled else url, "-m", "backend.cli", "migrate", pooled=pooled)
        try:
            assert migrating.stdout is not None
            lines = []
            for line in migrating.stdout:
                lines.append(line)
                if "operations.migration.blocked" in line:
                    break
            assert "operations.migration.blocked" in lines[-1], lines
            # It holds no lock during its pause, so other requests get through.
            with engine.connect() as third:
                assert third.scalar(sa.text("SELECT count(*) FROM documents")) == 0
            other.rollback()
            output = migrating.communicate(timeout=HANG_S)[0]
        finally:
            migrating.kill()
    assert migrating.returncode == 0, output
    with engine.connect() as connection:
        assert connection.scalar(VERSION) == ScriptDirectory.from_config(alembic_config()).get_current_head()
        assert connection.scalar(VALIDATED) is True


def test_each_migration_has_a_transaction_of_its_own(settings: Settings, new_database: Callable[[], str]) -> None:
    url = new_database()
    back = start(url, "-c", TO_FIRST)
    assert back.wait(HANG_S) == 0, back.communicate()
    engine = sa.create_engine(engine_url(url), poolclass=sa.NullPool)
    with engine.connect() as other:
        # 0003 does not need this table, but 0004 does.
        other.execute(sa.text("LOCK TABLE steps"))
        migrating = start(url, "-m", "backend.cli", "migrate")
        try:
            assert migrating.stdout is not None
            assert any("operations.migration.blocked" in line and "revision=0004" in line for line in migrating.stdout)
            with engine.connect() as third:
                assert third.scalar(VERSION) == "0003"
            other.rollback()
            output = migrating.communicate(timeout=HANG_S)[0]
        finally:
            migrating.kill()
    assert migrating.returncode == 0, output
