"""Servers as their vendors run them: what each refuses, and the form in which each answers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from backend.generation.language_models.interface import ModelError, SectionReply, SectionRequest
from backend.generation.language_models.openai.hosts import is_openai, read_host
from backend.generation.language_models.openai.model import OpenAIModel
from backend.study.types import Difficulty, FlashcardKind
from tests.generation.openai.calls import no_check, write_section
from tests.stand_ins.openai_server import OpenAIStandIn

EFFORTS = ["low", "medium", "high"]
Rules = list[dict[str, Any]]


def whole(reply: SectionReply) -> bool:
    return (len(reply.flashcards), len(reply.questions), reply.malformed, reply.truncated) == (3, 2, 0, False)


@pytest.fixture
def make_openai(
    make_model: Callable[..., OpenAIModel], server: OpenAIStandIn, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., OpenAIModel]:
    """Make models that call OpenAI under its own name: the stand-in is the proxy on the way."""
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    def make(**options: object) -> OpenAIModel:
        return make_model(**{"base_url": "http://eu.api.openai.com/v1/", **options})

    return make


@pytest.mark.parametrize(
    ("rules", "requests"),
    [
        pytest.param(
            [
                {"do": "refuse_parameter", "param": "max_tokens"},
                {"do": "refuse_effort", "efforts": EFFORTS},
                {"do": "refuse_temperature"},
                {"do": "reason", "tokens": 300, "always": True},
            ],
            4,
            id="reasons always",
        ),
        pytest.param([{"do": "forbid_parameter", "param": "reasoning_effort"}], 2, id="Mistral"),
        pytest.param([{"do": "parts"}], 1, id="Magistral"),
        pytest.param([{"do": "thoughts", "message": "<think>{braces} first</think>\n"}], 1, id="DeepSeek-R1"),
        pytest.param([{"do": "thoughts", "message": 'so {"topics": []}?\n</think>\n\n'}], 1, id="vLLM"),
        pytest.param([{"do": "wrapped"}], 1, id="wrapped"),
        pytest.param([{"do": "tool_call"}], 1, id="tool call"),
        pytest.param([{"do": "other_words"}], 1, id="schema not enforced"),
        pytest.param(
            [{"do": "error_list", "message": "Unknown name reasoning_effort", "on": [1]}], 2, id="Gemini, effort"
        ),
        pytest.param(
            [{"do": "bad_request", "message": "Model grok does not support parameter reasoningEffort.", "on": [1]}],
            2,
            id="Grok, effort",
        ),
        pytest.param([{"do": "fail_json_schema"}], 2, id="llama.cpp"),
        pytest.param([{"do": "only_responses"}], 2, id="responses only"),
    ],
)
def test_vendor_gives_all_that_was_asked(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest, rules: Rules, requests: int
) -> None:
    server.set_script(rules)
    assert whole(write_section(model, section))
    assert len(server.calls) == requests
    server.forget_calls()
    assert whole(write_section(model, section))
    assert len(server.calls) == 1, "the dialect was not remembered"


def test_values_in_other_words_mean_the_same(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    plain = write_section(model, section)
    server.set_script([{"do": "other_words"}])
    assert write_section(model, section) == replace(plain, usage=write_section(model, section).usage)
    assert {card.kind for card in plain.flashcards} == set(FlashcardKind)
    hard = write_section(model, replace(section, difficulty=Difficulty.HARD))
    assert {item.difficulty for item in (*hard.flashcards, *hard.questions)} == {Difficulty.HARD}


def test_answer_without_any_item_is_no_success(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "nothing"}])
    with pytest.raises(ModelError) as caught:
        write_section(model, section)
    assert (caught.value.code, caught.value.retryable, caught.value.usage.calls) == ("bad_output", True, 1)


def test_items_before_a_content_filter_are_kept(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "filtered_midway", "at": 0.6}])
    reply = write_section(model, section)
    assert reply.truncated
    assert 0 < len(reply.flashcards) + len(reply.questions) < 5


@pytest.mark.parametrize("rule", [{"do": "content_filter"}, {"do": "filtered_midway", "at": 0.01}])
def test_content_filter_before_any_item_is_a_refusal(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest, rule: dict[str, Any]
) -> None:
    server.set_script([rule])
    with pytest.raises(ModelError) as caught:
        write_section(model, section)
    assert (caught.value.code, caught.value.usage.calls) == ("refused", 1)


def test_bad_sample_of_groq_does_not_change_the_dialect(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "json_validate_failed", "on": [1]}])
    with pytest.raises(ModelError) as caught:
        write_section(model, section)
    assert (caught.value.code, caught.value.retryable, len(server.calls)) == ("bad_output", True, 1)
    assert whole(write_section(model, section))
    assert server.calls[-1]["request"]["response_format"]["type"] == "json_schema"


def test_prompt_that_ollama_cut_is_as_good_as_refused(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "context", "tokens": 1024}])
    with pytest.raises(ModelError) as caught:
        write_section(model, section)
    assert (caught.value.code, caught.value.usage.input_tokens) == ("context_too_long", 1024)
    server.set_script([{"do": "context", "tokens": 1023}])
    assert whole(write_section(model, section))


@pytest.mark.parametrize("rule", [{"do": "cut", "at": 0.6}, {"do": "filtered_midway", "at": 0.6}, {"do": "refusal"}])
def test_responses_say_how_they_end_as_well(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest, rule: dict[str, Any]
) -> None:
    server.set_script([{"do": "only_responses"}, rule])
    if rule["do"] == "refusal":
        with pytest.raises(ModelError) as caught:
            write_section(model, section)
        assert caught.value.code == "refused"
        return
    asked = model.ask_section(section)
    answer = model.send(asked, no_check)
    assert (answer.is_cut, answer.is_filtered) == (rule["do"] == "cut", rule["do"] == "filtered_midway")
    assert model.read_section(answer, section).truncated
    assert answer.usage.input_tokens == server.calls[-1]["prompt_tokens"] > 0
    assert server.calls[-1]["request"]["max_output_tokens"] == asked.max_output_tokens
    assert server.calls[-1]["request"]["reasoning"] == {"effort": "none"}


@pytest.mark.parametrize(
    ("address", "openai"),
    [
        ("https://api.openai.com/v1", True),
        ("https://api.openai.com/v1/", True),
        ("https://API.OpenAI.com./v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://mine.openai.azure.com/openai/v1/", True),
        ("https://mine.services.ai.azure.com/openai/v1", True),
        ("https://api.openai.com.example.org/v1", False),
        ("https://notapi.openai.com/v1", False),
        ("http://127.0.0.1:11434/v1", False),
    ],
)
def test_openai_is_known_by_its_host(
    make_model: Callable[..., OpenAIModel], section: SectionRequest, address: str, openai: bool
) -> None:
    assert is_openai(read_host(address)) is openai
    asked = make_model(base_url=address).ask_section(section)
    assert ("additionalProperties" in asked.system) is not openai


def test_openai_gets_what_it_alone_knows(
    make_openai: Callable[..., OpenAIModel], server: OpenAIStandIn, section: SectionRequest
) -> None:
    model = make_openai(service_tier="flex")
    assert whole(write_section(model, section))
    sent = server.calls[0]["request"]
    assert (sent["store"], sent["prompt_cache_key"]) == (False, f"document-{section.document_id}")
    assert {"service_tier", "max_tokens"}.isdisjoint(sent)
    assert sent["max_completion_tokens"] > 0

    answer = model.send(replace(model.ask_section(section), is_awaited=False), no_check)
    assert server.calls[-1]["request"]["service_tier"] == answer.service_tier == "flex"


@pytest.mark.parametrize("parameter", ["store", "prompt_cache_key", "service_tier"])
def test_what_openai_alone_knows_is_dropped_where_refused(
    make_openai: Callable[..., OpenAIModel], server: OpenAIStandIn, section: SectionRequest, parameter: str
) -> None:
    server.set_script([{"do": "refuse_parameter", "param": parameter}])
    model = make_openai(service_tier="flex")
    for _ in range(2):
        model.send(replace(model.ask_section(section), is_awaited=False), no_check)
    asked = {"store", "prompt_cache_key", "service_tier"}
    assert [asked & set(call["request"]) for call in server.calls] == [asked, *[asked - {parameter}] * 2]


def test_other_servers_get_nothing_that_only_openai_knows(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    write_section(model, section)
    assert {"store", "prompt_cache_key", "service_tier"}.isdisjoint(server.calls[0]["request"])


def test_full_tier_costs_the_usual_price_this_once(
    make_openai: Callable[..., OpenAIModel], server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "tier_full", "times": 1}])
    model = make_openai(service_tier="flex")
    for _ in range(2):
        model.send(replace(model.ask_section(section), is_awaited=False), no_check)
    tiers = [call["request"].get("service_tier") for call in server.calls]
    assert tiers == ["flex", None, "flex"]
