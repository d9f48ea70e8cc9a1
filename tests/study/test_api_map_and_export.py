"""The concept map as JSON and SVG, and the kit as a file."""

import io
import json
import zipfile
from uuid import UUID

import pytest
from lxml import etree

from backend.core.database.transaction import transaction
from backend.library.models import Page
from backend.study import service
from backend.study.types import Evidence, EvidenceStatus, FlashcardKind
from tests.study.new_items import evidence_on, new_card, new_question, new_topic


@pytest.fixture
def filled(app, study_set, document, add_items):
    """A study set with three topics in a tree, a link, two cards and a question."""
    add_items(
        study_set,
        topics=[
            new_topic("Energy", "What drives a cell", "Cells"),
            new_topic("Cells", "Units of life"),
            new_topic("Membranes", parent="Cells"),
        ],
        flashcards=[
            new_card("What makes ATP?", "Mitochondria", topic="Energy", evidence=(evidence_on(document, 1),)),
            new_card("A {{c1::membrane}} surrounds a cell.", "", topic="Membranes"),
        ],
        questions=[new_question("What is <ATP>?", "A carrier", topic="Energy", evidence=(evidence_on(document, 2),))],
    )
    with app.app_context(), transaction():
        service.connect_topics(UUID(study_set), {}, [("Membranes", "Energy", "let pass")])
    return study_set


def test_a_concept_map_has_the_tree_the_links_and_the_counts(client, filled):
    answer = client.get(f"/api/v1/study-sets/{filled}/concept-map")
    assert answer.status_code == 200
    topics = {topic["name"]: topic for topic in answer.json["topics"]}
    assert set(topics) == {"Cells", "Energy", "Membranes"}
    assert topics["Cells"]["parent_id"] is None
    assert topics["Energy"]["parent_id"] == topics["Membranes"]["parent_id"] == topics["Cells"]["id"]
    numbers = {name: (topic["flashcards"], topic["questions"]) for name, topic in topics.items()}
    assert numbers == {"Cells": (0, 0), "Energy": (1, 1), "Membranes": (1, 0)}
    assert topics["Energy"]["summary"] == "What drives a cell"
    link = {"source_id": topics["Membranes"]["id"], "target_id": topics["Energy"]["id"], "label": "let pass"}
    assert answer.json["links"] == [link]
    listed = client.get(f"/api/v1/study-sets/{filled}/topics").json["items"]
    assert listed == answer.json["topics"]


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        ("", None, "application/json"),
        ("", "*/*", "application/json"),
        ("", "application/json", "application/json"),
        ("", "text/html,image/svg+xml", "image/svg+xml"),
        ("", "image/svg+xml, application/json;q=0.5", "image/svg+xml"),
        ("?format=svg", "application/json", "image/svg+xml"),
        ("?format=json", "image/svg+xml", "application/json"),
    ],
)
def test_a_concept_map_has_the_requested_format(client, filled, path, accept, expected):
    headers = {"Accept": accept} if accept else {}
    answer = client.get(f"/api/v1/study-sets/{filled}/concept-map{path}", headers=headers)
    assert (answer.status_code, answer.mimetype) == (200, expected)
    assert "Accept" in answer.headers["Vary"]


def test_a_drawn_map_may_only_style_itself(client, filled):
    answer = client.get(f"/api/v1/study-sets/{filled}/concept-map?format=svg")
    root = etree.fromstring(answer.data)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = " ".join(root.itertext())
    assert all(word in text for word in ("Cells", "Energy", "Membranes", "let pass", "Cell biology"))
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "style-src 'unsafe-inline'", "frame-ancestors 'none'", "sandbox"} <= set(policy)
    assert not [part for part in policy if part.startswith("script-src")]
    assert answer.headers["Content-Disposition"].startswith("inline")


def test_an_empty_study_set_has_an_empty_map_and_empty_files(client, study_set):
    url = f"/api/v1/study-sets/{study_set}"
    assert client.get(f"{url}/concept-map").json == {"topics": [], "links": []}
    assert etree.fromstring(client.get(f"{url}/concept-map?format=svg").data) is not None
    for form in ("apkg", "tsv", "json", "md"):
        assert client.get(f"{url}/export?format={form}").status_code == 200


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("apkg", "application/octet-stream"),
        ("tsv", "text/tab-separated-values; charset=utf-8"),
        ("json", "application/json"),
        ("md", "text/markdown; charset=utf-8"),
    ],
)
def test_a_kit_is_downloaded_in_each_format(client, filled, form, media_type):
    answer = client.get(f"/api/v1/study-sets/{filled}/export?format={form}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)
    assert answer.headers["Content-Disposition"] == f"attachment; filename=Cell-biology.{form}"
    if form == "apkg":
        assert any(name.startswith("collection.anki") for name in zipfile.ZipFile(io.BytesIO(answer.data)).namelist())
    else:
        assert "Mitochondria" in answer.text


@pytest.mark.parametrize(
    ("spans", "shown"),
    [([], "\\$x\\$ 10<sup>3</sup> of kind"), ([["formula", 0, 3, None]], "$`x`$ 10<sup>3</sup> of kind")],
)
def test_quotes_are_shown_as_their_page_says(app, client, study_set, document, add_items, spans, shown):
    text = "$x$ 10^{3} of kind"
    quote = Evidence(UUID(document), 4, text, 0, len(text), EvidenceStatus.VERIFIED)
    add_items(study_set, flashcards=[new_card("What?", "That", evidence=(quote, evidence_on(document, 1)))])
    with app.app_context(), transaction() as session:
        page = session.get(Page, (UUID(document), 4))
        page.text, page.spans, page.text_version = text, spans, 2
    assert shown in client.get(f"/api/v1/study-sets/{study_set}/export?format=md").text


@pytest.mark.parametrize("query", ["", "?format=pdf", "?format=", "?format=json&user=1"])
def test_an_unknown_format_is_refused(client, study_set, query):
    assert client.get(f"/api/v1/study-sets/{study_set}/export{query}").status_code == 422


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("../../etc/passwd", "attachment; filename=etc-passwd.md"),
        ('a"; filename="b.exe', "attachment; filename=a-filename-b.exe.md"),
        (
            "Zellen & Gewebe: Übung",
            "attachment; filename=Zellen-Gewebe-Ubung.md; filename*=UTF-8''Zellen-Gewebe-%C3%9Cbung.md",
        ),
        ("細胞", "attachment; filename=study-kit.md; filename*=UTF-8''%E7%B4%B0%E8%83%9E.md"),
        ("???", "attachment; filename=study-kit.md"),
        (".htaccess\r\nX-Header: 1", "attachment; filename=htaccess-X-Header-1.md"),
        ("x" * 200, f"attachment; filename={'x' * 80}.md"),
    ],
)
def test_the_file_name_is_safe_for_any_title(client, title, expected):
    study_set = client.make_study_set(title)
    answer = client.get(f"/api/v1/study-sets/{study_set}/export?format=md")
    assert answer.headers["Content-Disposition"] == expected
    assert "X-Header" not in answer.headers


def test_the_kit_contains_everything_once(app, client, filled, document):
    with app.app_context(), transaction():
        kit = service.build_kit(client.user_id, UUID(filled))
    assert (str(kit.study_set_id), kit.title, kit.is_draft) == (filled, "Cell biology", False)
    assert kit.filenames == {UUID(document): "cells.pdf"}
    assert [topic.name for topic in kit.topics if topic.parent_id is None] == ["Cells"]
    assert [link.label for link in kit.links] == ["let pass"]
    assert [(card.kind, card.content.front) for card in kit.flashcards] == [
        (FlashcardKind.BASIC, "What makes ATP?"),
        (FlashcardKind.CLOZE, "A {{c1::membrane}} surrounds a cell."),
    ]
    assert kit.flashcards[0].evidence == (evidence_on(document, 1),)
    (question,) = kit.questions
    assert next(option.text for option in question.content.options if option.id == question.content.key) == "A carrier"
    assert question.evidence == (evidence_on(document, 2),)


def test_a_kit_with_one_drafted_item_is_a_draft(client, filled, add_items):
    def is_draft():
        return json.loads(client.get(f"/api/v1/study-sets/{filled}/export?format=json").data)["is_draft"]

    client.post(f"/api/v1/study-sets/{filled}/flashcards", json={"front": "By hand", "back": "Yes"})
    assert is_draft() is False
    add_items(filled, model="builtin-1", questions=[new_question("Drafted?", "Indeed")])
    assert is_draft() is True
