"""The migrations create the tables that the code declares (``alembic check``), on a real database."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from backend.core.database.database import engine_url
from tests.architecture.source_tree import CHECKOUT


def check(url: str) -> subprocess.CompletedProcess[str]:
    """Compare the database with the code."""
    command = [sys.executable, "-m", "backend.cli", "check-migrations"]
    environment = {**os.environ, "DATABASE_URL": url}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_code_and_migrations_agree(new_database: Callable[[], str]) -> None:
    done = check(new_database())
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE documents ADD COLUMN colour text",
        "ALTER TABLE documents DROP COLUMN filename",
        "ALTER TABLE documents ALTER COLUMN size_bytes TYPE integer",
        "ALTER TABLE documents ALTER COLUMN filename DROP NOT NULL",
        "ALTER TABLE documents DROP CONSTRAINT uq_documents_study_set_id_sha256",
        "DROP TABLE stored_pieces",
    ],
)
def test_a_difference_is_reported(new_database: Callable[[], str], change: str) -> None:
    url = new_database()
    engine = sa.create_engine(engine_url(url))
    with engine.begin() as connection:
        connection.execute(sa.text(change))
    engine.dispose()
    done = check(url)
    assert done.returncode != 0
    assert "New upgrade operations detected" in done.stdout + done.stderr


def test_migrations_can_be_reverted_and_reapplied(new_database: Callable[[], str]) -> None:
    url = new_database()
    environment = {**os.environ, "DATABASE_URL": url}
    script = (
        "from alembic import command; from backend.operations.upkeep.migrate import alembic_config;"
        "c = alembic_config();"
        "command.downgrade(c, 'base'); command.upgrade(c, 'head'); command.check(c)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_migrations_have_one_head() -> None:
    script = (
        "from alembic.script import ScriptDirectory as S; from backend.operations.upkeep.migrate import alembic_config;"
    )
    done = subprocess.run(
        [sys.executable, "-c", script + "print(*S.from_config(alembic_config()).get_heads())"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.split()) == 1


def test_an_older_release_leaves_a_newer_schema_alone(new_database: Callable[[], str]) -> None:
    url = new_database()
    engine = sa.create_engine(engine_url(url))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    command = [sys.executable, "-m", "backend.cli", "migrate"]
    environment = {**os.environ, "DATABASE_URL": url}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "operations.migration.schema_is_newer" in done.stderr
    with engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "9999"
    engine.dispose()
