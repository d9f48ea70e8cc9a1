"""Fixtures for administration: an administrator, users with addresses and names, and the audit log."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import Client

ADMIN = "/api/v1/admin"
# The built-in language model makes flashcards from these.
NOTES = b"""
Mitosis is the division of a cell nucleus into two genetically identical nuclei.
Osmosis is the movement of water through a semipermeable membrane towards the higher concentration.
A ribosome is a particle in the cytoplasm that builds proteins from amino acids.
Photosynthesis is the process by which plants turn light into chemical energy.
An enzyme is a protein that speeds up a chemical reaction without being used up.
"""


@pytest.fixture
def admin(app: Any, engine: sa.Engine) -> Client:
    """A client signed in as a user with the admin role."""
    client = app.test_client().sign_in("admin@example.org")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": client.user_id})
    return client


@pytest.fixture
def describe(engine: sa.Engine) -> Callable[..., None]:
    """Set a user's address and name."""

    def write(client: Client, email: str | None, name: str | None = None, *, verified: bool = True) -> None:
        statement = "UPDATE users SET email = :email, email_verified = :verified, name = :name WHERE id = :id"
        values = {"email": email, "name": name, "verified": verified, "id": client.user_id}
        with engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    return write


@pytest.fixture
def logged(engine: sa.Engine) -> Callable[[], list[Any]]:
    """Read the rows of the audit log, oldest first."""

    def read() -> list[Any]:
        with engine.connect() as connection:
            return list(connection.execute(sa.text("SELECT * FROM admin_actions ORDER BY id")))

    return read


@pytest.fixture
def start_failed_run(client: Client, run_pending_jobs: Callable[[], int]) -> Callable[[], str]:
    """Start a run of the student that fails, because its document has no usable content; return its id."""

    def start() -> str:
        study_set_id = client.make_study_set("Secret plans")
        assert client.upload(study_set_id, ("private-name.txt", b"42")).status_code == 201
        run_id: str = client.post(f"/api/v1/study-sets/{study_set_id}/runs", json={}).json["id"]
        run_pending_jobs()
        assert client.get(f"/api/v1/runs/{run_id}").json["state"] == "failed"
        return run_id

    return start
