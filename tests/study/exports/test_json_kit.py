"""The JSON document of a kit."""

import json
from dataclasses import replace

from backend.library.types import SpanKind
from backend.study.exports.json_kit import to_json
from tests.study.exports.kits import (
    DOCUMENT_ID,
    STUDY_SET_ID,
    an_id,
    card,
    evidence,
    kit,
    mixed_kit,
    page_quote,
    question,
)


def test_document_is_complete_and_json_ready() -> None:
    document = json.loads(json.dumps(to_json(mixed_kit())))
    assert {name: document[name] for name in ("format", "version", "study_set", "is_draft")} == {
        "format": "hackthestudy-kit",
        "version": 1,
        "study_set": {"id": str(STUDY_SET_ID), "title": "Messtechnik"},
        "is_draft": False,
    }
    assert document["topics"][1] == {
        "id": str(an_id(91)),
        "name": "Lage & Maße",
        "summary": "Wo die Daten liegen",
        "parent_id": str(an_id(90)),
    }
    assert document["links"] == [{"source_id": str(an_id(90)), "target_id": str(an_id(91)), "label": "umfasst"}]
    assert document["flashcards"][0] == {
        "id": str(an_id(1)),
        "kind": "basic",
        "front": "Was ist ein Mittelwert?",
        "back": "Summe durch Anzahl",
        "difficulty": "medium",
        "topic_id": str(an_id(91)),
        "evidence": [
            {
                "document_id": str(DOCUMENT_ID),
                "filename": "skript & übung.pdf",
                "page": 3,
                "quote": "Der Mittelwert einer Messreihe",
                "start": 10,
                "end": 40,
                "status": "verified",
                "option_id": None,
                "spans": [],
            }
        ],
        "created_at": "2026-11-20T09:30:00+00:00",
        "updated_at": "2026-11-20T09:30:00+00:00",
    }
    assert [one["kind"] for one in document["flashcards"]] == ["basic", "basic", "cloze"]
    assert document["questions"] == [
        {
            "id": str(an_id(4)),
            "kind": "single_choice",
            "stem": "Welche Zahl ist der Median von 2, 3, 8?",
            "options": [
                {"id": "o0", "text": "2"},
                {"id": "o1", "text": "3"},
                {"id": "o2", "text": "5"},
                {"id": "o3", "text": "8"},
            ],
            "key": "o1",
            "explanation": "Die mittlere ist 3.",
            "difficulty": "hard",
            "topic_id": None,
            "evidence": [],
            "created_at": "2026-11-20T09:30:00+00:00",
            "updated_at": "2026-11-20T09:30:00+00:00",
        }
    ]


def test_texts_are_not_escaped_and_no_item_is_left_out() -> None:
    study_kit = kit([card(1, "<b> & \\(x\\)"), card(2, "")], [question(3, "", key=7)], is_draft=True)
    document = json.loads(json.dumps(to_json(study_kit)))
    assert [one["front"] for one in document["flashcards"]] == ["<b> & \\(x\\)", ""]
    assert len(document["questions"]) == 1
    assert document["is_draft"] is True


def test_a_quote_says_what_its_formulas_are() -> None:
    source, notations = page_quote(
        "At $5, $x$ is $y$ and", (SpanKind.FORMULA, "$x$"), (SpanKind.FORMULA, "$y$"), quote="$5, $x$ is $y"
    )
    document = json.loads(json.dumps(to_json(kit([card(1, "f", sources=[source])], notations=notations))))
    assert document["flashcards"][0]["evidence"][0]["spans"] == [
        {"kind": "formula", "start": 4, "end": 7},
        {"kind": "formula", "start": 11, "end": 13},
    ]


def test_deleted_document_has_no_filename() -> None:
    study_kit = replace(kit([card(1, "f", sources=[evidence()])]), filenames={})
    document = json.loads(json.dumps(to_json(study_kit)))
    assert document["flashcards"][0]["evidence"][0]["filename"] is None
