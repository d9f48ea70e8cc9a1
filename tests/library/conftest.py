"""Fixtures for tests of stored files: a bucket on loopback, a document in it, and direct queries."""

import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis
import sqlalchemy as sa
from apiflask import APIFlask

from backend.core.work.queue import QUEUE_NAME
from backend.library import service as library
from backend.settings import Settings, get_settings
from config.local.tesseract import find_variables, installed_languages
from tests.stand_ins.object_store import KEY_ID, REGION, SECRET, Gate, ObjectStore

# More than one piece, and not a whole number of pieces; a worker reads the text.
TEXT = "".join(f"Cell number {number} divides into two.\n" for number in range(18_000)).encode()


class Bucket:
    """A bucket that the app reaches through a gate; ``place`` is its name in the settings."""

    def __init__(self, store: ObjectStore, gate: Gate, name: str) -> None:
        self._client = store.client()
        self._client.create_bucket(Bucket=name)
        self.gate = gate
        self.name = name
        self.place = f"s3://{name}/files"

    def keys(self) -> list[str]:
        """Return the names of all objects."""
        return [each["Key"] for each in self._client.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def content(self, key: str) -> bytes:
        """Return an object's bytes."""
        return self._client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def damage(self, key: str, content: bytes | None) -> None:
        """Overwrite an object, or delete it, as only an operator can."""
        if content is None:
            self._client.delete_object(Bucket=self.name, Key=key)
        else:
            self._client.put_object(Bucket=self.name, Key=key, Body=content)


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """One S3 server for all tests."""
    with ObjectStore(tmp_path_factory.mktemp("object-store")) as store:
        yield store


@pytest.fixture
def configure(settings: Settings) -> Iterator[Callable[..., None]]:
    """Set environment variables for this test and the processes it starts."""
    with pytest.MonkeyPatch.context() as patch:

        def to(**variables: str) -> None:
            for name, value in variables.items():
                patch.setenv(name, value)
            get_settings.cache_clear()

        yield to
    get_settings.cache_clear()


@pytest.fixture
def bucket(object_store: ObjectStore, configure, request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """An empty bucket, configured as the place for files."""
    name = "bucket-" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]
    with Gate(object_store.port) as gate:
        made = Bucket(object_store, gate, name)
        configure(
            DOCUMENT_STORAGE=made.place,
            S3_ENDPOINT_URL=gate.url,
            S3_REGION=REGION,
            S3_ACCESS_KEY_ID=KEY_ID,
            S3_SECRET_ACCESS_KEY=SECRET,
        )
        yield made


@pytest.fixture
def move(app: APIFlask) -> Callable[[], int]:
    """Move files from PostgreSQL to the bucket, as the sweep does."""

    def run() -> int:
        with app.app_context():
            return library.move_documents()

    return run


@pytest.fixture
def move_anywhere(app: APIFlask) -> Callable[[], int]:
    """Move files to where they belong, as an operator does: also out of a bucket."""

    def run() -> int:
        with app.app_context():
            return library.move_documents(from_anywhere=True)

    return run


@pytest.fixture
def discard(app: APIFlask, engine: sa.Engine) -> Callable[[], int]:
    """Delete unneeded objects as if their hour were over."""

    def run() -> int:
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE discarded_objects SET due_at = now()"))
        with app.app_context():
            return library.discard_objects()

    return run


@pytest.fixture
def query(engine: sa.Engine) -> Callable[..., list[Any]]:
    """Run a statement directly on the database."""

    def run(statement: str, **values: Any) -> list[Any]:
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    return run


@pytest.fixture
def document(client, run_pending_jobs: Callable[[], int]) -> dict[str, Any]:
    """A document that has been read; ``file`` is the URL of its download."""
    made = client.upload(client.make_study_set(), ("notes.txt", TEXT)).json["documents"][0]
    assert run_pending_jobs() == 1
    return {**made, "path": f"/api/v1/documents/{made['id']}", "file": f"/api/v1/documents/{made['id']}/file"}


@pytest.fixture(scope="session")
def tesseract_variables() -> dict[str, str]:
    """The environment variables for Tesseract, which is installed first if root runs the tests."""
    return find_variables()


@pytest.fixture
def tesseract(tesseract_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Tesseract on PATH; returns its languages."""
    for name, value in tesseract_variables.items():
        monkeypatch.setenv(name, value)
    languages = installed_languages(os.environ)
    if "eng" not in languages:
        pytest.skip("Tesseract cannot be started here: neither Debian's packages nor the wheel work.")
    return languages


@pytest.fixture
def install(tmp_path: Path, configure, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Install a stand-in for LibreOffice: a Python script. Its last arguments are a folder and the document."""

    def put(script: str) -> Path:
        program = tmp_path / "bin" / "soffice"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!{sys.executable} -IS\nimport os, sys, time\n{script}\n", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        configure(WITH_LIBREOFFICE="1")
        return program

    return put


@pytest.fixture
def convert_into(install, tmp_path: Path) -> Callable[..., None]:
    """Install a stand-in that makes this PDF of any document, and counts its starts."""

    def put(pdf: bytes) -> None:
        (tmp_path / "made.pdf").write_bytes(pdf)
        install(
            f"open({str(tmp_path / 'starts')!r}, 'a').write('x')\n"
            "target = os.path.join(sys.argv[-2], 'document.pdf')\n"
            f"open(target, 'wb').write(open({str(tmp_path / 'made.pdf')!r}, 'rb').read())"
        )

    return put


class Messages:
    """The messages in the broker."""

    def __init__(self, url: str) -> None:
        self._broker = redis.Redis.from_url(url)

    def take(self) -> list[UUID]:
        """Remove all messages and return their rows, oldest first."""
        bodies = [json.loads(each)["headers"]["argsrepr"] for each in self._broker.lrange(QUEUE_NAME, 0, -1)]
        self._broker.delete(QUEUE_NAME)
        return [UUID(body.split("'")[1]) for body in reversed(bodies)]


@pytest.fixture
def messages(app: APIFlask, settings: Settings) -> Messages:
    return Messages(settings.redis_url)
