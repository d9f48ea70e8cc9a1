"""The language of responses: the caller's own, else the one that their browser asks for, else English."""

from types import SimpleNamespace

import pytest
from flask import g
from hypothesis import given
from hypothesis import strategies as st

from backend.app import create_app
from backend.core.web.http import choose_language
from backend.settings import Settings
from backend.text.languages import LANGUAGES

SETS = "/api/v1/study-sets"
NOTHING = f"{SETS}/018f0000-0000-7000-8000-000000000000"
NOT_THERE = {
    "en": "Not found, or you don't have access to it.",
    "de": "Nicht gefunden, oder du hast keinen Zugriff darauf.",
    "fr": "Introuvable, ou tu n’y as pas accès.",
    "it": "Non trovato, oppure non hai accesso.",
}

WANTED = [
    ("fr-CH", "fr"),
    ("it", "it"),
    ("IT-ch", "it"),
    ("de-CH;q=0.8, en;q=0.3", "de"),
    ("en;q=0.2, it-CH;q=0.9", "it"),
    ("fr-CH, fr;q=0.9, de;q=0.8", "fr"),
    ("rm-CH, fr;q=0.5, de;q=0.4", "fr"),
    ("fr;q=0, it;q=0.1", "it"),
    ("fr;q=0", "en"),
    ("rm, pt-BR", "en"),
    ("french", "en"),
    ("*", "en"),
    ("", "en"),
    (";;q=,=de", "en"),
]


@pytest.mark.parametrize(("wanted", "language"), WANTED)
def test_the_best_supported_language_is_used(client, wanted: str, language: str) -> None:
    answer = client.get(NOTHING, headers={"Accept-Language": wanted})
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert answer.json["detail"] == NOT_THERE[language]
    assert answer.headers["Content-Language"] == language
    assert {"Accept-Language", "Origin"} <= set(answer.vary)


def test_without_the_header_it_is_english(client) -> None:
    assert client.get(NOTHING).headers["Content-Language"] == "en"


@given(st.text(st.characters(codec="latin-1")))
def test_malformed_headers_are_accepted(wanted: str) -> None:
    assert choose_language(wanted) in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("method", "path", "sent", "code"),
    [
        ("GET", "/api/v1/nowhere", {}, "not_found"),
        ("PUT", SETS, {"json": {}}, "method_not_allowed"),
        ("POST", SETS, {"data": b"{", "content_type": "application/json"}, "invalid_json"),
        ("POST", SETS, {"data": b"x", "content_type": "text/plain"}, "unsupported_media_type"),
        ("POST", SETS, {"json": {"title": ""}}, "invalid_input"),
        ("GET", f"{SETS}?cursor=x", {}, "invalid_cursor"),
    ],
)
def test_every_kind_of_problem_names_its_language(
    client, method: str, path: str, sent: dict, code: str, language: str
) -> None:
    answer = client.open(path, method=method, headers={"Accept-Language": language}, **sent)
    english = client.open(path, method=method, **sent)
    assert answer.json["code"] == english.json["code"] == code
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.vary
    assert (answer.json["detail"] == english.json["detail"]) is (language == "en")


def test_an_anonymous_caller_gets_the_requested_language(anonymous) -> None:
    answer = anonymous.get(SETS, headers={"Accept-Language": "it-CH"})
    assert answer.status_code == 401
    assert answer.json["detail"].startswith("Accedi:")


def test_a_response_without_messages_is_the_same_in_all_languages(client) -> None:
    answer = client.get(SETS, headers={"Accept-Language": "fr"})
    assert answer.status_code == 200
    assert "Accept-Language" not in answer.vary
    assert "Content-Language" not in answer.headers


@pytest.mark.parametrize(
    ("chosen", "language", "varies"), [("it", "it", False), (None, "fr", True), ("", "fr", True), ("rm", "fr", True)]
)
def test_the_language_of_a_profile_comes_before_the_browsers(
    settings: Settings, chosen: str | None, language: str, varies: bool
) -> None:
    app = create_app(settings)

    # Sets the caller directly, because this test is not about authentication.
    def call() -> None:
        g.caller = SimpleNamespace(language=chosen)

    begin = [each for each in app.before_request_funcs[None] if each.__name__ == "begin"]
    app.before_request_funcs[None] = [*begin, call]
    answer = app.test_client().get("/api/v1/nowhere", headers={"Accept-Language": "fr-CH"})
    assert answer.headers["Content-Language"] == language
    assert ("Accept-Language" in answer.vary) is varies
