"""PostgreSQL's own catalogue: every table that leads to a user is exported, erased, and closed after they leave."""

import re
import subprocess
import sys

import sqlalchemy as sa
from apiflask import APIFlask

from backend.core.database.database import Base
from backend.core.database.privacy_marks import cleared, is_cleared, is_kept, is_withheld, kept
from backend.privacy.exports.explanation import EXPLAINED
from backend.privacy.user_tables import USERS, find_ways, is_deleted_itself, list_cleared, list_erased, list_exported
from tests.conftest import CHECKOUT

# The tables that lead to users, whether or not a room declares them.
_LEADING = sa.text(
    """
WITH RECURSIVE reached AS (
    SELECT 'users'::regclass::oid AS oid
    UNION
    SELECT k.conrelid FROM pg_constraint k JOIN reached l ON k.confrelid = l.oid WHERE k.contype = 'f'
)
SELECT oid::regclass::text FROM reached
"""
)
# Columns that seem to name a user, without a foreign key.
_UNTIED = sa.text(
    """
SELECT c.oid::regclass || '.' || a.attname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname = 'public'
AND a.attname ~ '(^|_)(user|actor|owner|author|student|admin|member|account)(_id|_ids)?$'
AND a.atttypid = 'uuid'::regtype
AND NOT EXISTS (
    SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)
)
ORDER BY 1
"""
)
_GUARDED = sa.text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'refuse_after_leaving'")
_CLEARING = sa.text(
    """
SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger
WHERE tgname = 'clear_after_leaving' AND pg_get_triggerdef(oid) LIKE '% BEFORE INSERT OR UPDATE ON %'
"""
)
_TIES = sa.text(
    """
SELECT k.conrelid::regclass::text, a.attname, k.confdeltype
FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] WHERE k.contype = 'f'
"""
)


def leading(engine: sa.Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.scalars(_LEADING))


def not_exported(engine: sa.Engine) -> set[str]:
    """Return the tables that lead to a user but are not exported, without a mark that says why."""
    withheld = {table.name for table in Base.metadata.sorted_tables if is_withheld(table)}
    return leading(engine) - {table.name for table, _ in list_exported()} - withheld


def not_erased(engine: sa.Engine) -> set[str]:
    """Return the tables that lead to a user but would keep rows, without a mark that says why."""
    kept = {table.name for table in Base.metadata.sorted_tables if is_kept(table)}
    with engine.connect() as connection:
        cascading = {(table, column): action == "c" for table, column, action in connection.execute(_TIES)}
    ways = find_ways()
    gone = {
        table.name
        for table in list_erased()
        if is_deleted_itself(table, ways) or any(cascading[table.name, key.parent.name] for key in ways[table.name])
    }
    return leading(engine) - gone - kept - {USERS}


def not_closed(engine: sa.Engine) -> set[str]:
    """Return the tables that still accept rows for a user who has left, except those whose rows are kept."""
    ways = find_ways()
    direct = {table.name for table in list_erased() if is_deleted_itself(table, ways)}
    with engine.connect() as connection:
        return direct - set(connection.scalars(_GUARDED)) - {"erasures"}


def not_cleared(engine: sa.Engine) -> set[str]:
    """Return the columns that either the mark or the trigger clears after their user has left, but not both."""
    marked = {f"{table.name}.{column.name}" for table, columns in list_cleared() for column in columns}
    with engine.connect() as connection:
        triggers = connection.execute(_CLEARING).all()
    guarded = {f"{table}.{name}" for table, trigger in triggers for name in re.findall(r"'(\w+)'", trigger)}
    return marked ^ guarded


def misplaced_marks(metadata: sa.MetaData) -> set[str]:
    """Return the columns marked as cleared that an erasure could not find or set to NULL."""
    found = {column for _, columns in list_cleared(metadata) for column in columns}
    return {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if is_cleared(column) and (column not in found or not column.nullable)
    }


def untied(engine: sa.Engine) -> list[str]:
    """Return the columns that seem to name a user without a foreign key, except in tables that are marked as kept."""
    kept = {table.name for table in Base.metadata.sorted_tables if is_kept(table)}
    with engine.connect() as connection:
        return [column for column in connection.scalars(_UNTIED) if column.split(".")[0] not in kept]


def test_every_table_of_a_user_is_exported(app: APIFlask, engine: sa.Engine) -> None:
    assert {"users", "identities", "evidence", "model_calls", "activities"} <= leading(engine)
    assert not_exported(engine) == set()


def test_every_table_of_a_user_is_erased(app: APIFlask, engine: sa.Engine) -> None:
    assert not_erased(engine) == set()
    assert not_closed(engine) == set()


def test_columns_that_name_a_user_have_a_foreign_key(app: APIFlask, engine: sa.Engine) -> None:
    assert untied(engine) == []


def test_an_undeclared_table_is_reported(app: APIFlask, seeded: sa.Engine) -> None:
    assert not_exported(seeded) == {"diaries", "diary_pages"}
    assert not_erased(seeded) == {"diaries", "diary_pages"}
    assert untied(seeded) == ["notes_of_others.author_id"]


def test_a_declared_table_is_exported_and_erased() -> None:
    metadata = sa.MetaData()
    sa.Table("users", metadata, sa.Column("id", sa.Uuid, primary_key=True))
    sa.Table("diaries", metadata, sa.Column("id", sa.Uuid, primary_key=True), user_key("user_id", nullable=False))
    sa.Table("letters", metadata, user_key("from_id", nullable=False), user_key("to_id", nullable=False))
    sa.Table("pages", metadata, sa.Column("diary_id", sa.ForeignKey("diaries.id"), nullable=True))
    sa.Table("ledger", metadata, user_key("user_id", nullable=False), info={"kept": "money", "withheld": "no"})
    assert {table.name for table, _ in list_exported(metadata)} == {"users", "diaries", "letters", "pages"}
    assert [table.name for table in list_erased(metadata)] == ["pages", "letters", "diaries"]
    assert len(find_ways(metadata)["letters"]) == 2


def test_columns_to_be_cleared_stay_clear(app: APIFlask, engine: sa.Engine) -> None:
    assert misplaced_marks(Base.metadata) == set()
    assert not_cleared(engine) == set()
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TRIGGER clear_after_leaving ON payments RENAME TO elsewhere"))
    try:
        assert "payments.payer_email" in not_cleared(engine)
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("ALTER TRIGGER elsewhere ON payments RENAME TO clear_after_leaving"))


def test_kept_tables_and_those_below_them() -> None:
    metadata, money, name = sa.MetaData(), kept("money"), cleared("names somebody")
    sa.Table("users", metadata, sa.Column("id", sa.Uuid, primary_key=True))
    sa.Table("accounts", metadata, user_key("owner_id", nullable=False), info=money)
    key = sa.ForeignKey("accounts.owner_id")
    sa.Table("payments", metadata, sa.Column("owner_id", key, nullable=False), sa.Column("a", info=name), info=money)
    key = sa.ForeignKey("accounts.owner_id")
    sa.Table("baskets", metadata, sa.Column("owner_id", key, nullable=False), sa.Column("b", info=name))
    sa.Table("rates", metadata, sa.Column("c", info=name), info=money)
    assert {table.name for table, _ in list_exported(metadata)} == {"users", "accounts", "payments", "baskets"}
    assert [(table.name, [column.name for column in columns]) for table, columns in list_cleared(metadata)] == [
        ("payments", ["a"])
    ]
    # The account stays, so no cascade deletes the basket.
    assert [table.name for table in list_erased(metadata)] == ["baskets"]
    assert is_deleted_itself(metadata.tables["baskets"], find_ways(metadata))
    assert misplaced_marks(metadata) == {"baskets.b", "rates.c"}


def user_key(name: str, *, nullable: bool) -> "sa.Column[object]":
    return sa.Column(name, sa.ForeignKey("users.id"), nullable=nullable)


def test_no_secret_and_no_bytes_are_exported() -> None:
    for table, columns in list_exported():
        for column in columns:
            assert not isinstance(column.type, sa.LargeBinary), f"{table.name}.{column.name}"
            assert "token" not in column.name or table.name == "model_calls", f"{table.name}.{column.name}"
            assert not column.name.endswith("hash"), f"{table.name}.{column.name}"


def test_every_file_of_an_export_is_explained() -> None:
    assert {table.name for table, _ in list_exported()} == set(EXPLAINED)


def test_a_process_without_open_rooms_leaves_nothing_out_silently() -> None:
    code = "from backend.privacy.user_tables import list_erased; list_erased()"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert "No room is open" in done.stderr
