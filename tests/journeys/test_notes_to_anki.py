"""A student's whole journey over HTTP, on real processes, with a misbehaving language model."""

import http.client
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.local.client import ApiProblem
from config.local.folders import CHECKOUT
from tests.faults.conftest import Migrated, Scene, make_stack
from tests.patience import HANG_S, patient_s
from tests.stand_ins.openai_server import OpenAIStandIn

SAMPLE = CHECKOUT / "config" / "local" / "sample" / "vorlesung.pdf"

# By the call's number. Transient failures are retried, permanent ones are left out, and nothing else is affected.
MISBEHAVIOUR = [
    {"do": "rate_limit", "on": [1], "retry_after": "1"},
    {"do": "server_error", "on": [2]},
    {"do": "sleep", "on": [3], "seconds": 60},
    {"do": "refusal", "on": [4]},
    {"do": "cut", "on": [5, 6], "at": 0.7},
    {"do": "foreign_quotes", "every": 2, "items": 1},
    {"do": "bad_key", "every": 3, "items": 1},
    {"do": "placeholder", "every": 5, "items": 1},
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[Scene]:
    """The system with a model on loopback and a model timeout of three seconds."""
    with OpenAIStandIn() as model:
        logs, database = tmp_path_factory.mktemp("logs"), Migrated(new_database())
        with make_stack(model, logs, database, OPENAI_TIMEOUT_S=str(patient_s(3)), SECTION_CHARS="1500") as stack:
            stack.wait_for_worker("worker-1")
            yield Scene(stack, model)


def follow(scene: Scene, run: str) -> list[str]:
    """Follow a run's server-sent events until it ends, reconnecting when the stream ends. Returns the events' kinds."""
    kinds, last = [], "0"
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", scene.stack.port, timeout=HANG_S)
        headers = {"Authorization": f"Bearer {scene.token}", "Last-Event-ID": last}
        connection.request("GET", f"/api/v1/runs/{run}/events", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200
        for raw in answer:
            line = raw.decode().strip()
            if line.startswith("id: "):
                last = line[4:]
            elif line == "event: end":
                connection.close()
                return kinds
            elif line.startswith("event: "):
                kinds.append(line[7:])
        connection.close()


def check_evidence(scene: Scene, items: list[Any]) -> None:
    """Check that each item's quote is verbatim on its page."""
    for item in items:
        assert item["evidence"]
        for evidence in item["evidence"]:
            page = scene.api.get(f"/documents/{evidence['document_id']}/pages/{evidence['page']}")
            assert page["text"][evidence["start"] : evidence["end"]] == evidence["quote"]


def test_from_a_lecture_to_a_deck(scene: Scene, tmp_path: Path) -> None:
    api = scene.api
    study_set = api.post("/study-sets", {"title": "Vorlesung"})["id"]
    (uploaded,) = api.upload(f"/study-sets/{study_set}/documents", SAMPLE)["documents"]
    assert not uploaded["duplicate"]
    (again,) = api.upload(f"/study-sets/{study_set}/documents", SAMPLE)["documents"]
    assert (again["id"], again["duplicate"]) == (uploaded["id"], True)

    scene.model.set_script(MISBEHAVIOUR)
    run = scene.start_run(study_set, flashcards=24, questions=12)
    kinds = follow(scene, run)
    assert kinds[0] == "run.started"
    assert kinds[-1] == "run.done"
    view = api.get(f"/runs/{run}")
    assert view["language"] == "de"
    assert view["failed_sections"] == 1

    cards, questions = (api.items(f"/study-sets/{study_set}/{kind}") for kind in ("flashcards", "questions"))
    assert view["delivered"] == {"flashcards": len(cards), "questions": len(questions)}
    assert cards
    assert questions
    check_evidence(scene, cards + questions)
    for question in questions:
        assert question["key"] in {option["id"] for option in question["options"]}
    receipt = api.get(f"/runs/{run}/receipt")
    rejected = {entry["check"] for entry in receipt["rejected"]}
    assert {"quote_not_found", "no_such_key"} <= rejected
    (document,) = receipt["documents"]
    assert "refused" in {entry["reason"] for entry in document["skipped"]}
    assert sum(page["flashcards"] for page in document["pages"]) == len(cards)

    scene.model.set_script([])
    more = scene.start_run(study_set, flashcards=6, questions=0)
    assert scene.wait_until_ended(more)["state"] == "done"
    all_cards = api.items(f"/study-sets/{study_set}/flashcards")
    fronts = [card["front"] for card in all_cards]
    assert len(set(fronts)) == len(fronts) > len(cards)

    concept_map = api.get(f"/study-sets/{study_set}/concept-map")
    assert len(concept_map["topics"]) > 1
    assert api.download(f"/study-sets/{study_set}/concept-map", format="svg").startswith(b"<svg")
    deck = tmp_path / "deck.apkg"
    deck.write_bytes(api.download(f"/study-sets/{study_set}/export", format="apkg"))
    assert count_notes(deck, tmp_path) == len(all_cards) + len(questions)


def count_notes(deck: Path, folder: Path) -> int:
    """Return the number of notes in an Anki package."""
    with zipfile.ZipFile(deck) as package:
        collection = next(name for name in package.namelist() if name.startswith("collection.anki2"))
        package.extract(collection, folder)
    with sqlite3.connect(folder / collection) as database:
        return int(database.execute("SELECT count(*) FROM notes").fetchone()[0])


def test_cancelling_during_model_calls(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "seconds": 1.5}])
    scene.model.forget_calls()
    run = scene.start_run(scene.upload(tmp_path, 12))
    scene.wait_for_call(4)
    answer = scene.api.post(f"/runs/{run}/cancel", {})
    before = len(scene.model.calls)
    assert answer["state"] == "cancelling"
    view = scene.wait_until_ended(run)
    assert view["state"] == "cancelled"
    assert len(scene.model.calls) == before
    assert view["delivered"]["flashcards"] > 0
    states = {state for (state,) in scene.query("SELECT DISTINCT state FROM steps WHERE run_id = %s", run)}
    assert states == {"done", "cancelled"}


def test_an_unreadable_file_is_refused_with_advice(scene: Scene, tmp_path: Path) -> None:
    study_set = scene.api.post("/study-sets", {"title": "Kaputt"})["id"]
    broken = tmp_path / "folien.pptx"
    broken.write_bytes(b"PK\x03\x04 this is no presentation")
    with pytest.raises(ApiProblem) as refused:
        scene.api.upload(f"/study-sets/{study_set}/documents", broken)
    assert refused.value.status == 422
    assert scene.api.items(f"/study-sets/{study_set}/documents") == []
