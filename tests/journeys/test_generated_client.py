"""A client that a third party's generator makes of docs/openapi.json works: from an upload to a downloaded kit."""

import importlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from config.local.folders import CHECKOUT
from config.local.redis import LocalRedis
from config.local.stack import LocalStack
from tests.faults.conftest import Migrated
from tests.faults.work import wait_for

DOCUMENT = CHECKOUT / "docs" / "openapi.json"
SAMPLE = CHECKOUT / "config" / "local" / "sample" / "lecture-notes.pdf"
ENDED = {"done", "failed", "cancelled"}


def binary_media_types() -> set[str]:
    """Return the media types in which the document describes files."""
    spec = json.loads(DOCUMENT.read_text())
    return {
        media_type
        for methods in spec["paths"].values()
        for operation in methods.values()
        for response in operation["responses"].values()
        for media_type, media in response.get("content", {}).items()
        if media["schema"].get("format") == "binary"
    }


def generate_client(folder: Path) -> str:
    """Write a client into the folder; return the name of its package. The generator may warn of nothing."""
    settings = {
        # By itself it reads no media type but application/octet-stream as bytes.
        "content_type_overrides": dict.fromkeys(binary_media_types(), "application/octet-stream"),
        "post_hooks": [],
    }
    config = folder / "generator.json"
    config.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta=none", "--fail-on-warning"]
    command += [f"--path={DOCUMENT}", f"--config={config}", f"--output-path={folder / 'generated_client'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return "generated_client"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[LocalStack]:
    """The system with the built-in language model."""
    environment = {"OPENAI_API_KEY": None, "GUNICORN_WORKERS": "1", "RATE_LIMIT_READ": "100000/minute"}
    logs = tmp_path_factory.mktemp("logs")
    with LocalStack(
        env=environment, logs=logs, migrate=False, postgres=Migrated(new_database()), redis=LocalRedis()
    ) as running:
        yield running


class GeneratedClient:
    """Calls operations of the generated package by their tag and id, as somebody who is signed in."""

    def __init__(self, package: str, url: str) -> None:
        self._package = package
        self.models = importlib.import_module(f"{package}.models")
        self.types = importlib.import_module(f"{package}.types")
        clients = importlib.import_module(f"{package}.client")
        self._client = clients.Client(base_url=url, raise_on_unexpected_status=True)
        signed_in = self.call("sign_in.dev_login", body=self.models.DevLoginRequest())
        self._client = clients.AuthenticatedClient(url, token=signed_in.access_token, raise_on_unexpected_status=True)

    def call(self, operation: str, *ids: UUID, **parts: Any) -> Any:
        """Send a request; return the parsed body of an answer that is none of an error."""
        endpoint = importlib.import_module(f"{self._package}.api.{operation}")
        answer = endpoint.sync_detailed(*ids, client=self._client, **parts)
        assert answer.status_code < 300, answer.content
        return answer.parsed


@pytest.fixture(scope="module")
def generated(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GeneratedClient]:
    """The generated client, signed in at the running system."""
    folder = tmp_path_factory.mktemp("client")
    package = generate_client(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield GeneratedClient(package, stack.url)
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def study_set(generated: GeneratedClient) -> UUID:
    """A study set with the sample in it, uploaded with the generated client."""
    models = generated.models
    made = generated.call("library.create_study_set", body=models.StudySetRequest("C"))
    with SAMPLE.open("rb") as payload:
        file = generated.types.File(payload, file_name=SAMPLE.name, mime_type="application/pdf")
        uploaded = generated.call("library.upload_documents", made.id, body=models.UploadRequestBody([file]))
    assert [(each.filename, each.purpose) for each in uploaded.documents] == [(SAMPLE.name, "notes")]
    return made.id


@pytest.fixture(scope="module")
def cards(generated: GeneratedClient, study_set: UUID) -> list[Any]:
    """The flashcards of a run for which nothing but their number was said."""
    defaults = generated.models.ExamDefaultsRequest(questions=2)
    profile = generated.call("account.get_profile")
    changes = generated.models.ProfileRequest(exam_defaults=defaults)
    generated.call("account.change_profile", body=changes, if_match="*")
    assert generated.call("account.get_profile").time_zone == profile.time_zone
    run = generated.call("runs.start_run", study_set, body=generated.models.RunRequest(flashcards=4))
    # What was left out is as the exam defaults say; a client that sends null for it would have asked for any number.
    assert (run.asked.flashcards, run.asked.questions) == (4, 2)

    def find_ended() -> Any:
        now = generated.call("runs.get_run", run.id)
        return now if now.state in ENDED else None

    assert wait_for("the end of the run", find_ended).state == "done"
    found = generated.call("study.list_flashcards", study_set).items
    assert found
    return found


def test_evidence_is_read(generated: GeneratedClient, cards: list[Any]) -> None:
    evidence = generated.call("study.list_flashcard_evidence", cards[0].id)
    assert evidence[0].quote
    page = generated.call("library.get_page", evidence[0].document_id, evidence[0].page)
    assert page.text[evidence[0].start : evidence[0].end] == evidence[0].quote


def test_what_is_left_out_of_a_change_stays(generated: GeneratedClient, cards: list[Any]) -> None:
    [card] = [card for card in cards if card.topic_id is not None][:1]
    body = generated.models.FlashcardChangesRequest(front="What divides?")
    changed = generated.call("study.update_flashcard", card.id, body=body)
    assert (changed.front, changed.back, changed.topic_id) == ("What divides?", card.back, card.topic_id)


@pytest.mark.usefixtures("cards")
def test_a_kit_is_downloaded_in_each_format(generated: GeneratedClient, study_set: UUID) -> None:
    kits = {}
    for form in generated.models.DownloadFormat:
        kits[form.value] = generated.call("study.export_study_set", study_set, format_=form).payload.read()
    assert zipfile.is_zipfile(io.BytesIO(kits["apkg"]))
    assert kits["tsv"].startswith(b"#separator")
    assert len(json.loads(kits["json"])["flashcards"]) >= 4
    assert kits["md"].startswith(b"# C")


def test_a_document_is_downloaded_as_it_was(generated: GeneratedClient, study_set: UUID) -> None:
    [document] = generated.call("library.list_documents", study_set).items
    assert generated.call("library.download_document", document.id).payload.read() == SAMPLE.read_bytes()
