"""A small request causes neither a large response nor much work, regardless of the sender."""

import itertools
import json
import string
from typing import Any

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from backend.app import PUBLIC_ENDPOINTS
from backend.core.web.uploads import MAX_JSON_VALUES, MAX_PARAMETERS
from backend.core.web.validation_messages import MAX_ERRORS_NAMED
from tests.conftest import Client

SETS = "/api/v1/study-sets"
REFRESH = "/api/v1/auth/refresh"
MAX_RESPONSE_BYTES = 4000


def unknown_keys(count: int) -> dict[str, int]:
    """Return an object of short unknown keys."""
    names = map("".join, itertools.product(string.ascii_letters + string.digits, repeat=3))
    return dict.fromkeys(itertools.islice(names, count), 1)


def post(client: Client, path: str, body: object, **more: Any) -> TestResponse:
    text = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    return client.post(path, data=text, **{"content_type": "application/json", **more})


def too_many(answer: TestResponse) -> bool:
    """Say whether the request was refused before its values were validated."""
    return answer.status_code == 422 and "1000" in answer.json["detail"]


MORE = {
    "en": "Only 20 of 500 errors are listed.",
    "de": "Aufgeführt sind nur 20 von 500 Fehlern.",
    "fr": "Seules 20 erreurs sur 500 sont indiquées.",
    "it": "Sono elencati solo 20 errori su 500.",
}


@pytest.mark.parametrize("language", MORE)
def test_only_the_first_errors_are_named(anonymous: Client, language: str) -> None:
    answer = post(anonymous, REFRESH, unknown_keys(500), headers={"Accept-Language": language})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert len(answer.json["errors"]) == MAX_ERRORS_NAMED == 20
    assert answer.json["detail"].endswith(f" {MORE[language]}")
    assert len(answer.data) < MAX_RESPONSE_BYTES


def test_all_errors_are_named_as_long_as_they_are_few(anonymous: Client) -> None:
    answer = post(anonymous, REFRESH, unknown_keys(MAX_ERRORS_NAMED))
    assert len(answer.json["errors"]) == MAX_ERRORS_NAMED
    assert answer.json["detail"] == "Some fields are not valid."


def test_a_long_name_is_shortened_in_the_response(client: Client) -> None:
    answer = post(client, SETS, {"title": "Botany", "x" * 900_000: 1})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "x" * 100 + "…"
    assert len(answer.data) < MAX_RESPONSE_BYTES


@pytest.mark.parametrize(
    "body",
    [
        unknown_keys(MAX_JSON_VALUES + 1),
        {"title": unknown_keys(MAX_JSON_VALUES)},
        {"title": [unknown_keys(MAX_JSON_VALUES // 2)] * 3},
        {"title": [[[1]]] * (MAX_JSON_VALUES // 3 + 1)},
        unknown_keys(100_000),
        b'{"title":[' + b"[]," * 300_000 + b"[]]}",
        {"title": "," * 60_000},
    ],
    ids=[
        "keys",
        "keys of a field",
        "keys of elements",
        "lists in lists",
        "keys of a megabyte",
        "lists of a megabyte",
        "commas",
    ],
)
def test_values_are_counted_before_they_are_checked(client: Client, body: object) -> None:
    answer = post(client, SETS, body)
    assert too_many(answer)
    assert answer.json["errors"] == [{"field": "body", "messages": [answer.json["detail"]]}]
    assert len(answer.data) < MAX_RESPONSE_BYTES


def test_valid_requests_do_not_have_too_many_values(client: Client) -> None:
    texts = {"stem": "," * 4000, "explanation": "," * 4000}
    options = [{"text": f"{number}{',' * 990}", "correct": number == 0} for number in range(8)]
    answer = post(client, f"{SETS}/{client.make_study_set()}/questions", {**texts, "options": options})
    assert answer.status_code == 201
    just_as_many = {"title": "Botany", **unknown_keys(MAX_JSON_VALUES - 1)}
    assert not too_many(post(client, SETS, just_as_many))


# Public routes whose bodies may be larger, and what proves who sent them.
WITH_PROOF = {"/api/v1/payment/webhook": "Stripe's signature; tests/billing/payments/test_api_webhook.py"}


def test_public_routes_accept_only_small_bodies(app: APIFlask, anonymous: Client) -> None:
    paths = [
        rule.rule for rule in app.url_map.iter_rules() if rule.endpoint in PUBLIC_ENDPOINTS and "POST" in rule.methods
    ]
    assert REFRESH in paths
    for path in paths:
        if path in WITH_PROOF:
            continue
        for kind in ("application/json", "multipart/form-data; boundary=x"):
            answer = post(anonymous, path, b'{"a": "%s"}' % (b"x" * 8000), content_type=kind)
            assert (answer.status_code, answer.json["code"]) == (413, "too_large"), path
        assert post(anonymous, path, b'{"a": "%s"}' % (b"x" * 7000)).status_code == 422, path


def test_json_is_not_read_from_a_form(client: Client, anonymous: Client) -> None:
    # It would bypass the limit of JSON bodies, because forms may contain files.
    assert post(anonymous, REFRESH, {}, content_type="multipart/form-data").status_code == 415
    for size in (10, 2_000_000):
        answer = post(client, SETS, {"title": "x" * size}, content_type="multipart/form-data; boundary=x")
        assert answer.status_code in (413, 415)
    assert client.get(SETS).json["items"] == []


@pytest.mark.parametrize("separate", ["&a{}=1", "&a{}", "&a"])
def test_parameters_are_counted_before_they_are_checked(client: Client, anonymous: Client, separate: str) -> None:
    query = "".join(separate.format(number) for number in range(700))
    answer = client.get(f"{SETS}?limit=5{query}")
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "query"
    assert len(answer.data) < MAX_RESPONSE_BYTES
    public = anonymous.get(f"/api/v1/exports/018f0000-0000-7000-8000-000000000000/file?ticket=a{query}")
    assert (public.status_code, public.json["errors"][0]["field"]) == (422, "query")
    few = "&".join(f"a{number}" for number in range(MAX_PARAMETERS))
    assert client.get(f"{SETS}?{few}").json["errors"][0]["field"] == "a0"


def test_the_headers_of_an_upload_part_are_limited(client: Client) -> None:
    head = b"--x\r\n" + b"A: b\r\n" * 100_000 + b"Content-Disposition: form-data; name=files; filename=a.txt\r\n\r\n"
    answer = client.post(
        f"{SETS}/{client.make_study_set()}/documents",
        data=head + b"A cell divides. " * 40 + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
