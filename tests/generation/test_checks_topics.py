"""A model's topics and links are cleaned and limited before they are stored."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from backend.generation.checks.section import (
    MORE_THAN_ASKED,
    NOT_WRITTEN,
    SCHEMA_INVALID,
    check_reply,
    clean_connections,
    reason_text,
)
from backend.generation.language_models.interface import (
    ConnectReply,
    DraftFlashcard,
    DraftLink,
    DraftQuote,
    DraftTopic,
    SectionPage,
    SectionReply,
    SectionRequest,
    Usage,
)
from backend.library.types import PageText
from backend.study.types import Counts, Difficulty, FlashcardKind
from backend.text.languages import LANGUAGES
from tests.generation.conftest import notes
from tests.generation.test_api_runs import read
from tests.stand_ins.openai_server import OpenAIStandIn

TEXT = "The mitochondrion makes ATP. Osmosis is the diffusion of water."
REQUEST = SectionRequest(UUID(int=1), "notes.txt", (SectionPage(1, None, TEXT),), Counts(2, 0), "en")
DIRTY = "\x00 Cell\u200b\n biology\u202e\U000e0041 "


def topics_of(*topics: DraftTopic) -> tuple[DraftTopic, ...]:
    return check_reply(SectionReply(topics, (), ()), REQUEST, [PageText(1, TEXT)]).topics


def card(front: str, quote: str) -> DraftFlashcard:
    return DraftFlashcard(FlashcardKind.BASIC, front, "It is so.", "Cells", Difficulty.EASY, (DraftQuote(1, quote),))


def test_topics_are_cleaned() -> None:
    assert topics_of(DraftTopic(DIRTY, DIRTY, DIRTY)) == (DraftTopic("Cell biology", "Cell biology", "Cell biology"),)
    assert topics_of(DraftTopic("Cells", "", "\u200b")) == (DraftTopic("Cells", "", None),)


@pytest.mark.parametrize(
    "topic",
    [DraftTopic("", "x"), DraftTopic(" \u200b\x00", "x"), DraftTopic("x" * 121, ""), DraftTopic("x", "", "x" * 121)],
)
def test_a_topic_with_an_empty_or_overlong_name_is_left_out(topic: DraftTopic) -> None:
    assert topics_of(topic, DraftTopic("Cells", "")) == (DraftTopic("Cells", ""),)


def test_limits_count_visible_characters_and_a_long_summary_is_left_out() -> None:
    long = "x" * 120
    assert topics_of(DraftTopic(f" {long}\u200b", "y" * 1000, long)) == (DraftTopic(long, "y" * 1000, long),)
    assert topics_of(DraftTopic("Cells", "y" * 1001)) == (DraftTopic("Cells", ""),)


def test_connections_are_cleaned() -> None:
    reply = ConnectReply(
        {DIRTY: "Life\x00", "Life": None, "Cell biology": "Water", "": "Life", "Water": "x" * 121, "Salt": "\u200b"},
        (
            DraftLink(DIRTY, "Life", " is a\x00 part\nof "),
            DraftLink("Life", "Water", "x" * 80),
            DraftLink("Life", "Salt", "x" * 81),
            DraftLink("Water", "Salt", "\u200b"),
            DraftLink("x" * 121, "Salt", "needs"),
            DraftLink("Water", "\x00", "needs"),
        ),
        Usage(calls=1),
    )
    assert clean_connections(reply) == ConnectReply(
        {"Cell biology": "Life", "Life": None},
        (DraftLink("Cell biology", "Life", "is a part of"), DraftLink("Life", "Water", "x" * 80)),
        Usage(calls=1),
    )


def test_only_delivered_items_count_as_fixed() -> None:
    quotes = ("The mitochondrion makes ATP", "Osmosis is the diffusion", "is the diffusion of water")
    cards = [card(f"What is true\u200b of it, part {number}?", quote) for number, quote in enumerate(quotes)]
    bad = card("What\u200b?", "This stands nowhere.")
    checked = check_reply(SectionReply((), (bad, *cards), ()), REQUEST, [PageText(1, TEXT)])
    assert checked.counts == Counts(2, 0)
    assert checked.fixed == {"invisible_characters": 2}
    assert checked.rejected == {"quote_not_found": 1, MORE_THAN_ASKED: 1}


@pytest.mark.parametrize("check", [SCHEMA_INVALID, MORE_THAN_ASKED, NOT_WRITTEN, "renamed_since"])
def test_every_check_has_a_reason_even_one_that_no_longer_exists(check: str) -> None:
    sentences = {reason_text(check, language) for language in LANGUAGES}
    assert len(sentences) == len(LANGUAGES)
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize("behaviour", ["invisible", "endless_topic"])
def test_a_run_survives_such_topics(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None], behaviour: str
) -> None:
    openai.set_script([{"do": behaviour}])
    run = start_run(pages=2, flashcards=6)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["failed_sections"]) == ("done", 0)
    topics = read(client, f"/study-sets/{run['study_set_id']}/topics")["items"]
    assert topics
    assert max(len(topic["name"]) for topic in topics) <= 120
    assert "\x00" not in str(topics)
    rejected = {entry["check"] for entry in read(client, f"/runs/{run['id']}/receipt")["rejected"]}
    assert ("too_long" in rejected) == (behaviour == "endless_topic")


@pytest.mark.parametrize(("behaviour", "links"), [("invisible", True), ("endless_label", False)])
def test_a_run_survives_such_labels(
    client: Any,
    openai: OpenAIStandIn,
    finish: Callable[[], None],
    behaviour: str,
    links: bool,
) -> None:
    openai.set_script([{"do": behaviour, "contains": "hts:topics", "items": 99}])
    pages = notes(4).decode().split("\f")
    headed = "\n\n".join(
        f"# {name}\n\n{page}" for name, page in zip(("Cells", "Plants", "Soil", "Water"), pages, strict=True)
    )
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.md", headed.encode()))
    run = client.post(f"/api/v1/study-sets/{study_set}/runs", json={}).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    events = client.get(f"/api/v1/runs/{run['id']}/events?after=0").json["items"]
    assert (run["state"], run["error"]) == ("done", None)
    assert [event["data"]["links"] > 0 for event in events if event["kind"] == "topics.connected"] == [links]
    labels = {link["label"] for link in read(client, f"/study-sets/{study_set}/concept-map")["links"]}
    assert labels == ({"leads to"} if links else set())
