"""A user's files never exceed the storage limit, even with concurrent uploads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.core.database.transaction import transaction
from backend.library import service as library
from backend.library.service import IncomingFile
from backend.library.types import StorageUsage
from backend.settings import get_settings
from tests.conftest import Client
from tests.patience import wait_for

QUOTA = 1000


@pytest.fixture(autouse=True)
def small_quota(monkeypatch: pytest.MonkeyPatch, app: APIFlask):
    """A thousand bytes for each user."""
    monkeypatch.setenv("STORAGE_QUOTA_BYTES", str(QUOTA))
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


def text(number: int, size: int = 400) -> tuple[str, bytes]:
    """Return a file of the given size, different from files with other numbers."""
    return f"notes-{number}.txt", f"Cell {number:04} divides. ".encode().ljust(size, b"x")


def measure(app: APIFlask, user_id: UUID | None) -> StorageUsage:
    assert user_id is not None
    with app.app_context(), transaction():
        return library.measure_storage(user_id)


def test_a_file_that_does_not_fit_is_refused(app: APIFlask, client: Client) -> None:
    study_set, another = client.make_study_set(), client.make_study_set()
    assert client.upload(study_set, text(1)).status_code == 201
    assert client.upload(another, text(2)).status_code == 201
    refused = client.upload(study_set, text(3))
    assert (refused.status_code, refused.json["code"]) == (409, "storage_quota_exceeded")
    assert client.upload(another, text(4, size=200)).status_code == 201
    assert measure(app, client.user_id) == StorageUsage(used_bytes=QUOTA, quota_bytes=QUOTA)


def test_files_of_one_upload_are_accepted_together_or_not_at_all(app: APIFlask, client: Client) -> None:
    study_set = client.make_study_set()
    assert client.upload(study_set, text(1), text(2), text(3)).json["code"] == "storage_quota_exceeded"
    assert measure(app, client.user_id).used_bytes == 0


def test_duplicates_use_no_storage(client: Client) -> None:
    study_set = client.make_study_set()
    client.upload(study_set, text(1, size=QUOTA))
    assert client.upload(study_set, text(1, size=QUOTA)).json["documents"][0]["duplicate"] is True


def test_deleting_frees_storage_and_other_users_have_their_own(client: Client, other_client: Client) -> None:
    study_set = client.make_study_set()
    document = client.upload(study_set, text(1, size=QUOTA)).json["documents"][0]["id"]
    assert other_client.upload(other_client.make_study_set(), text(1, size=QUOTA)).status_code == 201
    assert client.upload(study_set, text(2)).status_code == 409
    assert client.delete(f"/api/v1/documents/{document}").status_code == 204
    assert client.upload(study_set, text(2)).status_code == 201


def test_an_expired_file_uses_no_storage_until_it_is_uploaded_again(
    app: APIFlask, client: Client, engine: sa.Engine
) -> None:
    study_set = client.make_study_set()
    client.upload(study_set, text(1, size=600))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE documents SET stored_in = NULL")
    assert measure(app, client.user_id).used_bytes == 0
    assert client.upload(study_set, text(2, size=600)).status_code == 201
    assert client.upload(study_set, text(1, size=600)).json["code"] == "storage_quota_exceeded"


def test_concurrent_uploads_cannot_both_use_the_remaining_storage(
    app: APIFlask, client: Client, engine: sa.Engine, tmp_path: Path
) -> None:
    # To separate study sets: uploads to one set wait for each other anyway.
    study_set, another = client.make_study_set(), client.make_study_set()
    file = tmp_path / "notes.txt"
    file.write_bytes(text(1, size=600)[1])

    def is_waiting() -> bool:
        query = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        with engine.connect() as connection:
            return connection.exec_driver_sql(query).first() is not None

    with ThreadPoolExecutor(1) as pool:
        with app.app_context(), transaction(), file.open("rb") as stream:
            assert client.user_id is not None
            incoming = IncomingFile(file.name, file, stream, 600)
            library.add_documents(client.user_id, UUID(study_set), [incoming])
            # Not committed yet, so the other upload cannot see it.
            other = pool.submit(client.upload, another, text(2, size=600))
            wait_for("the other upload", lambda: other.done() or is_waiting())
        assert other.result().status_code == 409
    assert measure(app, client.user_id).used_bytes == 600


def test_concurrent_uploads_never_exceed_the_limit(app: APIFlask, client: Client) -> None:
    study_sets = [client.make_study_set() for _ in range(6)]

    def upload(number: int) -> int:
        student = app.test_client()
        student.token = client.token
        return student.upload(study_sets[number], text(number)).status_code

    with ThreadPoolExecutor(len(study_sets)) as pool:
        found = sorted(pool.map(upload, range(len(study_sets))))
    assert found == [201, 201, 409, 409, 409, 409]
    assert measure(app, client.user_id).used_bytes == 800
