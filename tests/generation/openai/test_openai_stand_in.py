"""The stand-in itself: it must be as strict as OpenAI, and controllable from another process."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from backend.generation.language_models.openai.prompts import SECTION_SCHEMA
from tests.patience import HANG_S
from tests.stand_ins.openai_contract import problems_of_request, problems_of_strict_schema
from tests.stand_ins.openai_material import SPOILERS
from tests.stand_ins.openai_script import ANSWERS, SHAPES
from tests.stand_ins.openai_server import OpenAIStandIn

ROOT = Path(__file__).parents[3]
GOOD = {
    "model": "m",
    "messages": [{"role": "system", "content": "Answer in JSON."}, {"role": "user", "content": "Flashcards: 1"}],
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "material", "strict": True, "schema": SECTION_SCHEMA},
    },
}


def call(url: str, body: Any = None, method: str | None = None, key: str = "k") -> Any:
    """Call the stand-in without a client library; return the decoded response."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=HANG_S) as answer:
        return json.load(answer)


@pytest.fixture
def process() -> Iterator[str]:
    """Run the stand-in as a separate process, and return its URL without the path."""
    command = [sys.executable, "-m", "tests.stand_ins.openai_server", "--delay", "0.05"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip().removesuffix("/v1")
        running.terminate()


def test_process_is_scripted_and_read_over_http(process: str) -> None:
    assert call(f"{process}/v1/models")["data"][0]["id"] == "stand-in"
    call(f"{process}/v1/chat/completions", GOOD)
    call(f"{process}/__script", [{"do": "quota_exhausted", "times": 1}])
    with pytest.raises(HTTPError) as caught:
        call(f"{process}/v1/chat/completions", GOOD)
    assert caught.value.code == 429
    call(f"{process}/v1/chat/completions", GOOD)

    calls = call(f"{process}/__calls")
    assert [made["status"] for made in calls] == [200, 429, 200]
    assert all(made["at_out"] - made["at_in"] >= 0.05 for made in calls if made["status"] == 200)
    call(f"{process}/__calls", method="DELETE")
    assert call(f"{process}/__calls") == []


def test_script_with_an_unknown_name_is_refused(server: OpenAIStandIn) -> None:
    for rules in ([{"do": "rate_limits"}], [{"do": "reset", "when": 3}]):
        with pytest.raises(HTTPError) as caught:
            call(server.url.replace("/v1", "/__script"), rules)
        assert caught.value.code == 400


def test_behaviours_are_named_once() -> None:
    assert len(ANSWERS | SHAPES | SPOILERS) == len(ANSWERS) + len(SHAPES) + len(SPOILERS)


def test_key_is_required(server: OpenAIStandIn) -> None:
    with pytest.raises(HTTPError) as caught:
        call(f"{server.url}/chat/completions", GOOD, key="")
    assert caught.value.code == 401


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "role"),
        ({"colour": "red"}, "colour"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "both"),
        ({"response_format": {"type": "yaml"}}, "yaml"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}}, "strict"),
    ],
)
def test_malformed_request_is_refused(server: OpenAIStandIn, change: dict[str, Any], problem: str) -> None:
    assert problems_of_request(GOOD) == []
    with pytest.raises(HTTPError) as caught:
        call(f"{server.url}/chat/completions", {**GOOD, **change})
    assert caught.value.code == 400
    assert problem in json.load(caught.value)["error"]["message"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {}, "required": []},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": False},
        {
            "type": "object",
            "properties": {"a": {"type": "string", "default": "x"}},
            "required": ["a"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/B", "description": "x"}},
            "required": ["a"],
            "additionalProperties": False,
            "$defs": {"B": {"type": "string"}},
        },
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/C"}},
            "required": ["a"],
            "additionalProperties": False,
        },
    ],
)
def test_schema_outside_strict_mode_is_refused(schema: dict[str, Any]) -> None:
    assert problems_of_strict_schema(schema)


def test_probability_is_repeatable() -> None:
    def run() -> list[int]:
        with OpenAIStandIn(script=[{"do": "quota_exhausted", "probability": 0.5}]) as server:
            for _ in range(12):
                try:
                    call(f"{server.url}/chat/completions", GOOD)
                except HTTPError:
                    continue
            return [made["status"] for made in server.calls]

    first = run()
    assert set(first) == {200, 429}
    assert first == run()


def test_rules_pick_calls_by_number_and_by_content(server: OpenAIStandIn) -> None:
    server.set_script(
        [
            {"do": "unauthorized", "on": [1]},
            {"do": "forbidden", "every": 3},
            {"do": "unknown_model", "contains": "Flashcards: 7"},
        ]
    )
    other = {**GOOD, "messages": [{"role": "user", "content": "JSON, please.\n\nFlashcards: 7"}]}
    for body in (GOOD, GOOD, GOOD, other):
        try:
            call(f"{server.url}/chat/completions", body)
        except HTTPError:
            continue
    assert [made["status"] for made in server.calls] == [401, 200, 403, 404]
