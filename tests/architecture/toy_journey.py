"""Finds the toy room everywhere that rooms are looped over. Runs in its own process in a copy of the checkout."""

import io
import sys
import zipfile
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from backend.app import ROUTE_CLASSES, create_app
from backend.core.database.database import Base, db
from backend.core.database.transaction import transaction
from backend.core.manifest import add_tasks
from backend.core.work.queue import queue
from backend.core.work.sweep import sweep
from backend.operations.upkeep.housekeeping import keep_house
from backend.settings import get_settings

app = create_app(get_settings())
add_tasks(app)
client = app.test_client()


def note(found: str) -> None:
    """Report a finding."""
    sys.stdout.write(f"{found}\n")


def column(name: str) -> Any:
    """Return a column of the only toy."""
    with app.app_context(), transaction():
        return db.session.scalar(sa.text(f"SELECT {name} FROM toys"))


def work(task: str, table: str) -> None:
    """Work on every queued row of a table, as a worker would."""
    with app.app_context(), transaction():
        ids = db.session.scalars(sa.text(f"SELECT id::text FROM {table} WHERE state = 'queued'")).all()
    for row_id in ids:
        queue.tasks[task](row_id)


with app.app_context(), db.engine.begin() as connection:
    differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert {step[1].name for step in differences if step[0] == "add_table"} == {"toys"}, differences
    Base.metadata.tables["toys"].create(connection)
note("autogenerate knows its table")

signed_in = client.post("/api/v1/auth/dev-login", json={"email": "ada@example.org"}).json
headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
assert client.post("/api/v1/toys").status_code == 401
assert client.post("/api/v1/toys", headers=headers).status_code == 201
assert ROUTE_CLASSES.find("toy.make_toy", "/api/v1/toys", "POST").value == "run"
assert "/api/v1/toys" in client.get("/api/v1/openapi.json").json["paths"]
note("the app serves its route")

with app.app_context():
    with transaction():
        db.session.execute(sa.text("UPDATE toys SET sent_at = NULL"))
    assert sweep().sent == 1
note("the sweep sends its rows")

with app.app_context():
    measured = app.extensions["measurer"].measure()
assert [figure.count for figure in measured.database.jobs["toy"].open if figure.state == "queued"] == [1]
note("metrics count it")

work("toy.wind", "toys")
assert (column("state"), column("turns")) == ("done", 1)
note("the worker works on it")

with app.app_context():
    keep_house(1)
assert column("turns") == 11
note("the sweep does its chore")

export = client.post("/api/v1/users/me/export", headers=headers)
work("privacy.make_export", "data_exports")
archive = client.get(f"{export.headers['Location']}/file", headers=headers)
with zipfile.ZipFile(io.BytesIO(archive.data)) as files:
    assert "data/toys.json" in files.namelist(), files.namelist()
note("the export has it")

study_set = client.post("/api/v1/study-sets", json={"title": "Toys"}, headers=headers).json["id"]
assert client.delete(f"/api/v1/study-sets/{study_set}", headers=headers).status_code == 204
assert column("turns") == 0
note("its hook is called")

assert client.delete("/api/v1/users/me?confirm=erase-everything", headers=headers).status_code == 202
work("privacy.erase_user", "erasures")
assert column("count(*)") == 0
note("the erasure erases it")
