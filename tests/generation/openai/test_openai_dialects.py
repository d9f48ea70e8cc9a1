"""Servers that refuse what OpenAI accepts: the dialect is found once, and an outage is not mistaken for one."""

from collections.abc import Callable

import pytest

from backend.generation.language_models.interface import ConnectRequest, DraftTopic, ModelError, SectionRequest
from backend.generation.language_models.openai.model import OpenAIModel
from tests.generation.openai.calls import connect_topics, write_section
from tests.patience import patient_s
from tests.stand_ins.openai_server import OpenAIStandIn


def write(model: OpenAIModel, section: SectionRequest) -> int:
    """Write a section and return how many flashcards came back."""
    return len(write_section(model, section).flashcards)


def formats(server: OpenAIStandIn) -> list[str]:
    """Return the response format that each call asked for."""
    asked = []
    for call in server.calls:
        wanted = call["request"].get("response_format") or {"type": "none"}
        asked.append(wanted["type"] + ("+schema" if "schema" in wanted else ""))
    return asked


def test_strict_schema_is_asked_for_first(model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest) -> None:
    write(model, section)
    wanted = server.calls[0]["request"]["response_format"]
    assert (wanted["type"], wanted["json_schema"]["strict"]) == ("json_schema", True)
    assert formats(server) == ["json_schema"]


@pytest.mark.parametrize(
    ("refusals", "path"),
    [
        (["refuse_json_schema"], ["json_schema", "json_object+schema"]),
        (["fail_json_schema"], ["json_schema", "json_object+schema"]),
        (["refuse_json_schema", "refuse_schema_dialect"], ["json_schema", "json_object+schema", "json_object"]),
        (
            ["refuse_json_schema", "refuse_schema_dialect", "refuse_json_object"],
            ["json_schema", "json_object+schema", "json_object", "none"],
        ),
    ],
    ids=["named", "llama.cpp", "plain JSON mode", "no JSON mode"],
)
def test_format_is_found_once_and_remembered(
    make_model: Callable[..., OpenAIModel],
    server: OpenAIStandIn,
    section: SectionRequest,
    refusals: list[str],
    path: list[str],
) -> None:
    server.set_script([{"do": refusal} for refusal in refusals])
    assert write(make_model(model=path[-1] + "-once"), section) == 3
    assert formats(server) == path

    server.forget_calls()
    # Another model object in the same process, and its other method, use it too.
    model = make_model(model=path[-1] + "-once")
    assert write(model, section) == 3
    connect_topics(model, ConnectRequest((DraftTopic("A", "a"), DraftTopic("B", "b")), "en"))
    assert formats(server) == path[-1:] * 2


def test_schema_is_also_in_the_prompt_because_servers_do_not_show_it(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    write(model, section)
    assert '"additionalProperties": false' in server.calls[0]["request"]["messages"][0]["content"]


def test_guess_is_checked_again_later(
    make_model: Callable[..., OpenAIModel],
    server: OpenAIStandIn,
    section: SectionRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.set_script([{"do": "server_error", "on": [1, 4]}])
    model = make_model()
    assert [write(model, section) for _ in range(2)] == [3, 3]
    assert formats(server) == ["json_schema", *["json_object+schema"] * 2]
    # This guess expires immediately. The next call finds the dialect without a guess, so that result stays.
    monkeypatch.setattr("backend.generation.language_models.openai.sending.GUESS_HOLDS_S", 0.0)
    model = make_model()
    assert [write(model, section) for _ in range(3)] == [3, 3, 3]
    assert formats(server)[3:] == ["json_schema", "json_object+schema", *["json_schema"] * 2]


@pytest.mark.parametrize("parameter", ["temperature", "max_tokens"])
def test_refused_parameter_is_left_out(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest, parameter: str
) -> None:
    server.set_script([{"do": "refuse_parameter", "param": parameter}])
    assert write(model, section) == 3
    assert write(model, section) == 3
    assert [parameter in call["request"] for call in server.calls] == [True, False, False]
    assert formats(server) == ["json_schema"] * 3
    if parameter == "max_tokens":
        # Five items of about 250 tokens, the topics, and half as much again.
        assert server.calls[-1]["request"]["max_completion_tokens"] == 2475


def test_server_that_refuses_nearly_everything(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script(
        [
            {"do": "refuse_parameter", "param": "max_tokens"},
            {"do": "refuse_parameter", "param": "max_completion_tokens"},
            {"do": "refuse_parameter", "param": "temperature"},
            {"do": "refuse_parameter", "param": "reasoning_effort"},
            {"do": "refuse_json_schema"},
            {"do": "refuse_schema_dialect"},
            {"do": "refuse_json_object"},
        ]
    )
    assert write(model, section) == 3
    assert set(server.calls[-1]["request"]) == {"model", "messages"}


def test_every_probe_can_be_stopped_before_it_is_made(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    class Cancelled(Exception):
        pass

    asked = []

    def cancel_second() -> None:
        asked.append(True)
        if len(asked) == 2:
            raise Cancelled

    server.set_script([{"do": "refuse_json_schema"}])
    with pytest.raises(Cancelled):
        write_section(model, section, cancel_second)
    assert len(server.calls) == 1


def test_outage_at_the_first_call_is_not_mistaken_for_a_dialect(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "server_error"}])
    with pytest.raises(ModelError) as caught:
        write(model, section)
    assert (caught.value.code, caught.value.retryable) == ("unavailable", True)
    assert formats(server) == ["json_schema", "json_object+schema"]

    server.set_script([])
    server.forget_calls()
    assert write(model, section) == 3
    assert formats(server) == ["json_schema"]


def test_outage_after_a_good_call_is_not_probed(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    write(model, section)
    server.set_script([{"do": "server_error", "on": [1]}])
    with pytest.raises(ModelError, match="500"):
        write(model, section)
    assert write(model, section) == 3
    assert formats(server) == ["json_schema"] * 3


@pytest.mark.parametrize(("second", "code"), [("rate_limit", "rate_limited"), ("context_too_long", "context_too_long")])
def test_probe_that_fails_for_another_reason_reports_that_reason(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest, second: str, code: str
) -> None:
    server.set_script([{"do": "server_error", "on": [1]}, {"do": second, "on": [2]}])
    with pytest.raises(ModelError) as caught:
        write(model, section)
    assert caught.value.code == code


def test_context_too_long_is_not_probed(model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest) -> None:
    server.set_script([{"do": "context_too_long"}])
    with pytest.raises(ModelError):
        write(model, section)
    assert len(server.calls) == 1


def test_all_probes_share_one_deadline(
    make_model: Callable[..., OpenAIModel], server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "refuse_json_schema"}, {"do": "sleep", "seconds": 30}])
    with pytest.raises(ModelError) as caught:
        write(make_model(timeout_s=patient_s(1.0)), section)
    assert caught.value.code == "timeout"
    assert len(server.calls) == 2
