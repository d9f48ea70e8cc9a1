"""The migrations create the tables that the code declares (``alembic check``), on a real database."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

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


def test_no_migration_fills_a_table_that_it_keeps_others_from() -> None:
    """Adding a column locks the table until the migration ends. Filling it in takes long, so the next one does it."""
    for path in sorted((CHECKOUT / "backend/migrations/versions").glob("*.py")):
        upgrade = path.read_text(encoding="utf-8").partition("\ndef downgrade")[0]
        altered = set(re.findall(r"op\.add_column\(\s*'(\w+)'", upgrade))
        assert not altered & set(re.findall(r"UPDATE (\w+) SET", upgrade)), path.name


_FILLING = {"uuid": uuid4(), "text": "x", "integer": 0, "boolean": False, "jsonb": "{}"}


def insert_filled(connection: sa.Connection, table: str, values: dict[str, Any]) -> Any:
    """Insert a row with anything in the columns that need a value. Returns its id."""
    needed = sa.text(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_name = :table AND is_nullable = 'NO' AND column_default IS NULL"
    )
    filled = {name: _FILLING[kind] for name, kind in connection.execute(needed, {"table": table})} | values
    names = ", ".join(filled)
    places = ", ".join(f":{name}" for name in filled)
    return connection.scalar(sa.text(f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id"), filled)


def test_existing_model_calls_get_the_user_of_their_run(new_database: Callable[[], str]) -> None:
    url = new_database()
    engine = sa.create_engine(engine_url(url), poolclass=sa.NullPool)
    migrate = (
        "import sys; from alembic import command; from backend.operations.upkeep.migrate import alembic_config;"
        "getattr(command, sys.argv[1])(alembic_config(), sys.argv[2])"
    )
    environment = {**os.environ, "DATABASE_URL": url}
    subprocess.run([sys.executable, "-c", migrate, "downgrade", "0014"], cwd=CHECKOUT, env=environment, check=True)
    with engine.begin() as connection:
        # Without triggers, so that the user is missing as in a row of the previous release.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        user = insert_filled(connection, "users", {"role": "student"})
        run = insert_filled(connection, "runs", {"user_id": user, "state": "reading"})
        call = insert_filled(connection, "model_calls", {"run_id": run})
    subprocess.run([sys.executable, "-c", migrate, "upgrade", "head"], cwd=CHECKOUT, env=environment, check=True)
    with engine.connect() as connection:
        found = sa.text("SELECT user_id FROM model_calls WHERE id = :id")
        assert connection.execute(found, {"id": call}).scalar_one() == user


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
