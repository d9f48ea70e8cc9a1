"""Models that reason before they answer: the output limit, what it leaves, and what is counted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from backend.generation.language_models.interface import (
    ConnectRequest,
    DraftTopic,
    ModelError,
    RateLimits,
    SectionRequest,
)
from backend.generation.language_models.openai.model import OpenAIModel
from backend.study.types import Counts
from tests.generation.openai.calls import connect_topics, no_check, write_section
from tests.stand_ins.openai_server import OpenAIStandIn


def limits(server: OpenAIStandIn) -> list[int]:
    return [call["request"]["max_tokens"] for call in server.calls]


def test_limit_follows_what_is_asked(make_model: Callable[..., OpenAIModel], section: SectionRequest) -> None:
    model = make_model(max_output_tokens=5000)
    asked = [model.ask_section(replace(section, wanted=Counts(n, 0))).max_output_tokens for n in (1, 2, 10, 100)]
    assert asked == [975, 1350, 4350, 5000]
    topics = tuple(DraftTopic(f"T{n}", "") for n in range(20))
    assert model.ask_connections(ConnectRequest(topics, "en")).max_output_tokens == 2400


def test_reasoning_is_off_unless_it_is_asked_for(
    make_model: Callable[..., OpenAIModel], server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "reason", "tokens": 6000}])
    assert write_section(make_model(), section).usage.reasoning_tokens == 0
    reply = write_section(make_model(effort="low", max_output_tokens=9000), section)
    assert (reply.usage.reasoning_tokens, len(reply.flashcards)) == (6000, 3)
    off, on = (call["request"] for call in server.calls)
    assert (off["reasoning_effort"], on["reasoning_effort"]) == ("none", "low")
    assert "temperature" in off
    assert "temperature" not in on
    assert on["max_tokens"] == 9000


def test_model_may_choose_its_own_effort(
    make_model: Callable[..., OpenAIModel], server: OpenAIStandIn, section: SectionRequest
) -> None:
    write_section(make_model(effort=None), section)
    assert "reasoning_effort" not in server.calls[0]["request"]


@pytest.mark.parametrize(
    ("asked", "known", "sent"),
    [
        ("none", ["low", "medium", "high"], "low"),
        ("none", ["high"], "high"),
        ("max", ["low", "high"], "high"),
        ("minimal", ["none", "low"], "low"),
        ("low", [], None),
    ],
)
def test_refused_effort_is_replaced_by_the_nearest(
    make_model: Callable[..., OpenAIModel],
    server: OpenAIStandIn,
    section: SectionRequest,
    asked: str,
    known: list[str],
    sent: str | None,
) -> None:
    server.set_script([{"do": "refuse_effort", "efforts": known}])
    model = make_model(effort=asked)
    for _ in range(2):
        write_section(model, section)
    efforts = [call["request"].get("reasoning_effort") for call in server.calls]
    assert efforts == [asked, sent, sent]


def test_answer_that_was_cut_before_it_began_gets_more_room_once(
    make_model: Callable[..., OpenAIModel], server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "reason", "tokens": 3000, "always": True}])
    model = make_model()
    reply = write_section(model, section)
    assert (len(reply.flashcards), len(reply.questions)) == (3, 2)
    assert limits(server) == [2475, 9900]
    assert (reply.usage.calls, reply.usage.reasoning_tokens) == (2, 2475 + 3000)
    # The next call has the room from the start.
    write_section(model, section)
    assert limits(server)[2:] == [9900]


def test_model_that_was_seen_to_reason_gets_room_from_then_on(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "reason", "tokens": 100, "always": True}])
    for _ in range(2):
        write_section(model, section)
    assert limits(server) == [2475, 9900]


@pytest.mark.parametrize(("most", "tried"), [(2475, [2475]), (6000, [2475, 6000]), (16_000, [2475, 9900])])
def test_output_that_is_used_up_is_never_a_shorter_section(
    make_model: Callable[..., OpenAIModel],
    server: OpenAIStandIn,
    section: SectionRequest,
    most: int,
    tried: list[int],
) -> None:
    server.set_script([{"do": "reason", "tokens": 20_000, "always": True}])
    with pytest.raises(ModelError, match="OPENAI_REASONING_EFFORT lower or OPENAI_MAX_OUTPUT_TOKENS") as caught:
        write_section(make_model(max_output_tokens=most), section)
    assert (caught.value.code, caught.value.retryable) == ("output_used_up", False)
    assert limits(server) == tried
    assert (caught.value.usage.output_tokens, caught.value.usage.calls) == (sum(tried), len(tried))


def test_thoughts_in_the_text_leave_nothing_either(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    thinking = {"do": "thoughts", "message": "<think>" + "{hm} " * 3000}
    server.set_script([thinking, {"do": "cut", "at": 0.5}])
    with pytest.raises(ModelError) as caught:
        write_section(model, section)
    assert (caught.value.code, len(server.calls)) == ("output_used_up", 2)


@pytest.mark.parametrize(
    ("second", "code"),
    [({"do": "context_too_long"}, "output_used_up"), ({"do": "rate_limit"}, "rate_limited")],
    ids=["no room beside the prompt", "another failure"],
)
def test_second_call_that_fails_keeps_the_usage_of_the_first(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest, second: dict[str, Any], code: str
) -> None:
    server.set_script([{**second, "on": [2]}, {"do": "reason", "tokens": 3000, "always": True}])
    with pytest.raises(ModelError) as caught:
        write_section(model, section)
    assert (caught.value.code, caught.value.usage.output_tokens) == (code, 2475)


def test_second_call_can_be_stopped(model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest) -> None:
    asked = []

    def stop_second() -> None:
        asked.append(True)
        if len(asked) == 2:
            raise InterruptedError

    server.set_script([{"do": "reason", "tokens": 3000, "always": True}])
    with pytest.raises(InterruptedError):
        write_section(model, section, stop_second)
    assert len(server.calls) == 1


def test_connections_get_more_room_as_well(model: OpenAIModel, server: OpenAIStandIn) -> None:
    server.set_script([{"do": "reason", "tokens": 1000, "always": True}])
    reply = connect_topics(model, ConnectRequest((DraftTopic("A", "a"), DraftTopic("B", "b")), "en"))
    assert (reply.parents, reply.usage.calls) == ({"A": None, "B": "A"}, 2)


def test_cache_writes_are_counted(model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest) -> None:
    server.set_script([{"do": "cache_writes", "tokens": 1100}])
    assert write_section(model, section).usage.cache_write_tokens == 1100


HEADERS = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "27525",
    "x-ratelimit-reset-tokens": "4.95s",
}
TOLD = RateLimits(60, 59, 1.0, 30_000, 27_525, 4.95)


def test_rate_limits_are_told_by_answers_and_failures(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    request = model.ask_section(section)
    assert model.send(request, no_check).rate_limits == RateLimits()
    server.set_script([{"do": "limits", "headers": HEADERS}])
    assert model.send(request, no_check).rate_limits == TOLD
    server.set_script([{"do": "rate_limit", "retry_after": "", "headers": HEADERS}])
    with pytest.raises(ModelError) as caught:
        model.send(request, no_check)
    assert (caught.value.rate_limits, caught.value.retry_after_s) == (TOLD, 4.95)
    server.set_script([{"do": "limits", "headers": HEADERS}, {"do": "refusal"}])
    with pytest.raises(ModelError) as caught:
        model.send(request, no_check)
    assert (caught.value.code, caught.value.rate_limits) == ("refused", TOLD)
