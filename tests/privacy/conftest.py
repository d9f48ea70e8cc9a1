"""A student who owns one of everything, and a search for what is left of them."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.accounts import service as accounts
from backend.accounts.types import VerifiedIdentity
from backend.core.database.transaction import transaction
from tests.library.conftest import bucket, configure, discard, object_store, query
from tests.privacy.money import fill_billing

__all__ = ["bucket", "configure", "discard", "object_store", "query"]

# Words in no other user's rows: this student's address and name, and words from their documents and cards.
MARKERS = ("zenobia.quill@example.org", "Zenobia Quill", "xylophagous", "Zenobias Firefox", "quill-picture")
NOTES = "A xylophagous beetle eats wood. Xylophagous insects need symbionts. " * 60


class Student:
    """A signed-in student and their data."""

    def __init__(self, client: Any, study_set: str, document: str, api_key: str = "") -> None:
        self.client = client
        self.user_id = client.user_id
        self.study_set = study_set
        self.document = document
        self.api_key = api_key

    def leave(self) -> Any:
        """Delete the account. Returns the response."""
        return self.client.delete("/api/v1/users/me?confirm=erase-everything")

    def let_an_hour_pass(self, engine: sa.Engine) -> None:
        """Make exports so old that the next request makes another one."""
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE data_exports SET ended_at = ended_at - interval '1 hour'")

    def export(self) -> str:
        """Request an export. Returns its path."""
        answer = self.client.post("/api/v1/users/me/export")
        assert answer.status_code == 202, answer.text
        return str(answer.headers["Location"])

    def open(self, path: str) -> zipfile.ZipFile:
        """Download an export and open it."""
        answer = self.client.get(f"{path}/file")
        assert answer.status_code == 200, answer.text
        return zipfile.ZipFile(io.BytesIO(answer.data))


def read(archive: zipfile.ZipFile, table: str) -> list[dict[str, Any]]:
    """Return a table's rows from an archive."""
    return json.loads(archive.read(f"data/{table}.json"))


@pytest.fixture
def owner(client: Any, run_pending_jobs: Callable[[], int]) -> Student:
    """A student with a study set and a document that has been read."""
    study_set = client.make_study_set()
    document = client.upload(study_set, ("notes.txt", NOTES.encode())).json["documents"][0]["id"]
    run_pending_jobs()
    return Student(client, study_set, document)


@pytest.fixture
def student(app: APIFlask, engine: sa.Engine, run_pending_jobs: Callable[[], int]) -> Student:
    """A student after a full journey, with every kind of data except an export."""
    client = app.test_client()
    client.environ_base = {**client.environ_base, "HTTP_USER_AGENT": "Zenobias Firefox"}
    client.sign_in(MARKERS[0])
    client.sign_in(MARKERS[0])
    path = f"/api/v1/study-sets/{client.make_study_set('Xylophagous insects')}"
    document = client.upload(path.rsplit("/", 1)[1], ("xylophagous.txt", NOTES.encode())).json["documents"][0]["id"]
    run_pending_jobs()
    assert client.post(f"{path}/runs", json={}, headers={"Idempotency-Key": "xylophagous"}).status_code == 202
    run_pending_jobs()
    assert client.post(f"/api/v1/documents/{document}/reread").status_code == 202
    run_pending_jobs()
    quote = {"document_id": document, "page": 1, "quote": "A xylophagous beetle eats wood."}
    card = {"front": "What is xylophagous?", "back": "A beetle", "evidence": quote}
    made = client.post(f"{path}/flashcards", json=card, headers={"Idempotency-Key": "card"})
    assert made.status_code == 201, made.text
    choices = [{"text": "A xylophagous beetle", "correct": True}, {"text": "A stone"}]
    made = client.post(f"{path}/questions", json={"stem": "What eats wood?", "options": choices})
    assert made.status_code == 201, made.text
    assert client.post(f"{path}/runs", json={}).status_code == 202
    with app.app_context(), transaction():
        identity = VerifiedIdentity("google", "zenobia.quill@example.org", MARKERS[0], email_verified=True)
        accounts.link(client.user_id, identity)
        accounts.begin_hand_over(client.user_id, "google", is_fresh=True)
    made = client.post("/api/v1/users/me/api-keys", json={"name": "Zenobia Quill"})
    assert made.status_code == 201, made.text
    with engine.begin() as connection:
        for name in ("Xylophagous beetles", "Symbionts"):
            connection.execute(sa.text(_TOPIC), {"name": name, "set": path.rsplit("/", 1)[1]})
        connection.execute(sa.text(_LINK))
        connection.execute(sa.text(_REPLY))
        connection.execute(sa.text(_CALL))
        fill_billing(connection, client.user_id, name=MARKERS[1], email=MARKERS[0])
        connection.execute(
            sa.text("UPDATE users SET name = 'Zenobia Quill', picture_url = 'https://example.org/quill-picture'")
        )
    return Student(client, path.rsplit("/", 1)[1], document, made.json["key"])


@pytest.fixture
def remains(engine: sa.Engine) -> Callable[..., list[str]]:
    """List the columns of all tables, in all schemas, that contain one of the words."""

    def look(*words: str) -> list[str]:
        with engine.connect() as connection:
            return [
                f"{schema}.{table}.{column}"
                for schema, table, column, kind in connection.execute(sa.text(_COLUMNS)).all()
                if connection.scalar(_search(schema, table, column, kind), {"words": [f"%{word}%" for word in words]})
            ]

    return look


_TOPIC = """
INSERT INTO topics (id, study_set_id, name, name_key, summary)
VALUES (gen_random_uuid(), :set, :name, 'key of ' || :name, 'xylophagous')
"""
_LINK = """
INSERT INTO topic_links (id, study_set_id, source_id, target_id, label)
SELECT gen_random_uuid(), a.study_set_id, a.id, b.id, 'xylophagous' FROM topics a, topics b
WHERE a.name = 'Xylophagous beetles' AND b.name = 'Symbionts'
"""
_REPLY = """
INSERT INTO replies (id, user_id, study_set_id, request_key, model, answer)
SELECT gen_random_uuid(), user_id, id, 'key of ' || id, 'gpt-6-luna', '{"text": "xylophagous"}' FROM study_sets s
WHERE NOT EXISTS (SELECT 1 FROM replies WHERE study_set_id = s.id)
"""
_CALL = """
INSERT INTO calls (id, run_id, step_id, number, state, attempt, failures)
SELECT gen_random_uuid(), run_id, id, 1, 'done', 1, 0 FROM steps s
WHERE NOT EXISTS (SELECT 1 FROM calls WHERE step_id = s.id)
"""
_COLUMNS = """
SELECT n.nspname, c.relname, a.attname, t.typname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
AND t.typname IN ('text', 'varchar', 'bpchar', 'name', 'citext', 'json', 'jsonb', 'bytea', 'uuid',
    '_text', '_varchar', '_uuid')
ORDER BY 1, 2, 3
"""


def _search(schema: str, table: str, column: str, kind: str) -> sa.TextClause:
    as_text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
    return sa.text(f'SELECT EXISTS (SELECT 1 FROM "{schema}"."{table}" WHERE {as_text} ILIKE ANY (:words))')


@pytest.fixture
def make_due(engine: sa.Engine) -> Callable[[], None]:
    """Make every job that waits for its next attempt due now."""

    def run() -> None:
        with engine.begin() as connection:
            for table in ("erasures", "data_exports", "steps", "documents"):
                connection.execute(sa.text(f"UPDATE {table} SET available_at = now() WHERE state = 'queued'"))

    return run


@pytest.fixture
def seeded(engine: sa.Engine) -> Iterator[sa.Engine]:
    """A database with additional tables that no room declares."""
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE TABLE diaries (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users);"
                "CREATE TABLE diary_pages (id uuid PRIMARY KEY, diary_id uuid REFERENCES diaries, text text);"
                "CREATE TABLE notes_of_others (id uuid PRIMARY KEY, author_id uuid)"
            )
        )
    yield engine
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE diary_pages, diaries, notes_of_others"))
