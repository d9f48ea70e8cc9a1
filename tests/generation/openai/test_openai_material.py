"""Material from a server that behaves, and from one that does not."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from backend.generation.language_models.interface import ConnectRequest, DraftTopic, ModelError, SectionRequest
from backend.generation.language_models.openai.model import OpenAIModel
from backend.study.types import Difficulty, FlashcardKind
from tests.generation.openai.calls import connect_topics, write_section
from tests.stand_ins.openai_server import OpenAIStandIn


def test_section_gives_asked_items_with_verbatim_quotes(model: OpenAIModel, section: SectionRequest) -> None:
    reply = write_section(model, section)

    assert (len(reply.flashcards), len(reply.questions)) == (3, 2)
    assert {topic.name for topic in reply.topics} == {"Cells", "Photosynthesis"}
    assert {card.kind for card in reply.flashcards} == {FlashcardKind.BASIC, FlashcardKind.CLOZE}
    pages = {page.number: page.text for page in section.pages}
    for item in (*reply.flashcards, *reply.questions):
        assert all(quote.quote in pages[quote.page] for quote in item.quotes)
    for question in reply.questions:
        assert len({option.text for option in question.options}) == 4
        assert question.key in {option.id for option in question.options}
    assert not reply.truncated
    assert reply.malformed == 0


def test_usage_is_what_the_server_reported(model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest) -> None:
    first, second = (write_section(model, section).usage for _ in range(2))

    call = server.calls[1]
    assert (second.input_tokens, second.output_tokens) == (call["prompt_tokens"], call["completion_tokens"])
    assert (first.cached_tokens, second.calls) == (0, 1)
    assert 0 < second.cached_tokens == call["cached_tokens"]


def test_missing_usage_counts_as_zero_tokens(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "no_usage"}])
    usage = write_section(model, section).usage
    assert (usage.input_tokens, usage.output_tokens, usage.calls) == (0, 0, 1)


def test_request_carries_options(
    make_model: Callable[..., OpenAIModel], server: OpenAIStandIn, section: SectionRequest
) -> None:
    model = make_model(max_output_tokens=777)
    plain = write_section(model, section)
    wanted = replace(
        section,
        language="de",
        difficulty=Difficulty.HARD,
        existing=tuple(card.front for card in plain.flashcards),
        known_topics=("CELLS",),
    )
    reply = write_section(model, wanted)

    assert {card.difficulty for card in reply.flashcards} == {Difficulty.HARD}
    assert not {card.front for card in reply.flashcards} & set(wanted.existing)
    assert "CELLS" in {topic.name for topic in reply.topics}
    assert any("Welches Wort" in card.front for card in reply.flashcards)
    assert server.calls[0]["request"]["max_tokens"] == 777
    assert model.name == server.calls[0]["request"]["model"]


def test_before_call_can_stop_the_call(model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest) -> None:
    class Cancelled(Exception):
        pass

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        write_section(model, section, cancel)
    assert server.calls == []


def test_calls_run_side_by_side_and_keep_their_connections(section: SectionRequest) -> None:
    gate = threading.Barrier(8)
    with OpenAIStandIn(delay_s=0.3) as server:
        model = OpenAIModel(api_key="k", model="side-by-side", base_url=server.url, timeout_s=20.0)
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: write_section(model, section, gate.wait), range(16)))
        model.close()
        calls = server.calls
    assert len(replies) == 16
    overlapping = [sum(other["at_in"] <= call["at_in"] < other["at_out"] for other in calls) for call in calls]
    assert max(overlapping) == 8
    assert server.connections <= 8


@pytest.mark.parametrize(
    ("behaviour", "seen"),
    [
        ("foreign_quotes", lambda reply: "never written" in reply.flashcards[0].quotes[0].quote),
        ("bad_key", lambda reply: reply.questions[0].key == "no-such-option"),
        ("wrong_option_count", lambda reply: len(reply.questions[0].options) == 3),
        ("placeholder", lambda reply: reply.flashcards[0].back == "N/A"),
        ("duplicates", lambda reply: reply.flashcards[0] == reply.flashcards[-1]),
        ("extra_fields", lambda reply: len(reply.flashcards) == 3),
    ],
)
def test_bad_material_is_passed_to_the_checks(
    model: OpenAIModel,
    server: OpenAIStandIn,
    section: SectionRequest,
    behaviour: str,
    seen: Callable[[object], bool],
) -> None:
    server.set_script([{"do": behaviour}])
    reply = write_section(model, section)
    assert seen(reply)
    assert reply.malformed == 0


def test_one_malformed_item_does_not_take_its_neighbours(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "malformed_item"}])
    reply = write_section(model, section)
    assert (len(reply.flashcards), len(reply.questions), reply.malformed) == (2, 1, 2)


def test_nothing_but_malformed_items_is_bad_output(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "malformed_item", "items": 9}])
    with pytest.raises(ModelError) as caught:
        write_section(model, section)
    assert (caught.value.code, caught.value.retryable) == ("bad_output", True)

    server.set_script([{"do": "cut", "at": 0.02}])
    with pytest.raises(ModelError) as caught:
        write_section(model, section)
    assert (caught.value.code, caught.value.retryable) == ("truncated", False)


def test_cut_response_keeps_its_complete_items(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    whole = write_section(model, section)
    server.set_script([{"do": "cut", "at": 0.6}])
    reply = write_section(model, section)

    assert reply.truncated
    assert 0 < len(reply.flashcards) + len(reply.questions) < 5
    assert reply.flashcards == whole.flashcards[: len(reply.flashcards)]
    assert reply.questions == whole.questions[: len(reply.questions)]
    assert reply.usage.output_tokens > 0


def test_cut_response_is_recognised_whatever_the_server_says(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "cut_silently", "at": 0.6}])
    assert write_section(model, section).truncated


def test_json_is_found_in_a_fence(model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest) -> None:
    server.set_script([{"do": "fenced"}])
    reply = write_section(model, section)
    assert len(reply.flashcards) == 3
    assert not reply.truncated


TOPICS = tuple(DraftTopic(name, f"About {name}.") for name in ("Cells", "Energy", "Light: waves", "Plants"))


def test_topics_are_connected(model: OpenAIModel) -> None:
    reply = connect_topics(model, ConnectRequest((*TOPICS[:2], *TOPICS[3:]), "en"))
    assert reply.parents == {"Cells": None, "Energy": "Cells", "Plants": "Cells"}
    assert [(link.source, link.label, link.target) for link in reply.links] == [("Energy", "leads to", "Plants")]
    assert reply.usage.calls == 1


def test_cycle_of_parents_is_broken(model: OpenAIModel, server: OpenAIStandIn) -> None:
    server.set_script([{"do": "circle"}])
    reply = connect_topics(model, ConnectRequest((*TOPICS[:2], *TOPICS[3:]), "en"))
    assert reply.parents == {"Cells": "Plants", "Energy": "Cells", "Plants": None}


def test_connections_with_unknown_names_are_ignored(model: OpenAIModel) -> None:
    # The stand-in ends a name at a colon, so its response has one that was not in the request.
    reply = connect_topics(model, ConnectRequest(TOPICS, "en"))
    assert set(reply.parents) == {"Cells", "Energy", "Plants"}
    assert reply.links == ()


@pytest.mark.parametrize("behaviour", ["invalid_json", "cut"])
def test_connections_that_cannot_be_read(model: OpenAIModel, server: OpenAIStandIn, behaviour: str) -> None:
    server.set_script([{"do": behaviour, "at": 0.1}])
    with pytest.raises(ModelError) as caught:
        connect_topics(model, ConnectRequest(TOPICS, "en"))
    assert caught.value.code == ("truncated" if behaviour == "cut" else "bad_output")
    assert caught.value.usage.calls == 1
