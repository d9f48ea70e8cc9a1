"""A request has one key for one answer, and an answer survives storage."""

import json
from dataclasses import replace

import pytest

from backend.generation.language_models.interface import (
    ModelAnswer,
    ModelRequest,
    PageImage,
    RateLimits,
    SectionRequest,
    Usage,
)
from backend.generation.language_models.openai.model import OpenAIModel
from tests.generation.openai.calls import write_section
from tests.stand_ins.openai_server import OpenAIStandIn

REQUEST = ModelRequest(
    name="n", schema={"type": "object"}, system="s", user="u", model="m", max_output_tokens=9, effort="none", host="h"
)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x"},
        {"schema": {"type": "array"}},
        {"system": "x"},
        {"user": "x"},
        {"model": "x"},
        {"max_output_tokens": 8},
        {"temperature": 0.3},
        {"effort": None},
        {"host": "x"},
        {"images": (PageImage(1, "image/png", b"x"),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_decides_the_answer_changes_the_key(change: dict[str, object]) -> None:
    assert replace(REQUEST, **change).key != REQUEST.key


def test_what_does_not_decide_the_answer_leaves_the_key() -> None:
    assert replace(REQUEST, cache_key="x", is_awaited=False, schema={"type": "object"}).key == REQUEST.key
    assert len(REQUEST.key) == 64


def test_images_are_told_apart_by_their_content() -> None:
    keys = {replace(REQUEST, images=(PageImage(1, "image/png", data),)).key for data in (b"a", b"b")}
    assert len(keys) == 2


def test_answer_survives_storage_and_another_release() -> None:
    answer = ModelAnswer("{}", Usage(1, 2, 3, 4, 5, 6), is_cut=True, rate_limits=RateLimits(limit_tokens=7))
    stored = json.loads(json.dumps(answer.to_json()))
    assert ModelAnswer.from_json(stored) == answer
    assert "rate_limits" not in stored
    del stored["usage"]["reasoning_tokens"]
    older = ModelAnswer.from_json({**stored, "from_later": 1})
    assert (older.text, older.usage) == ("{}", replace(answer.usage, reasoning_tokens=0))


def test_asking_makes_no_call_and_estimates_its_tokens(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    asked = model.ask_section(section)
    assert server.calls == []
    assert write_section(model, section).usage.input_tokens == pytest.approx(asked.input_tokens, rel=0.5)
