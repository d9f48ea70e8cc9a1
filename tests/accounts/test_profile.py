"""The profile: read with an ETag, changed only with the current one (`If-Match`)."""

import threading
from typing import Any, get_args

import pytest
import sqlalchemy as sa

from backend.accounts.profile.schemas import ExamDefaultsRequest
from backend.accounts.service import get_exam_defaults
from backend.accounts.types import ExamDefaults
from backend.core.database.transaction import transaction
from backend.generation.schemas import RunRequest
from backend.study.types import Difficulty
from tests.blocked import wait_for_blocked

ME = "/api/v1/users/me"


def tag(client) -> str:
    return client.get(ME).headers["ETag"]


def change(client, body: Any, match: str | None = None):
    return client.patch(ME, json=body, headers={"If-Match": match or tag(client)})


def test_a_new_user(client) -> None:
    answer = client.get(ME)
    assert answer.json == {
        "id": str(client.user_id),
        "name": None,
        "picture_url": None,
        "email": None,
        "email_verified": False,
        "language": None,
        "time_zone": "Europe/Zurich",
        "exam_defaults": None,
        "role": "student",
        "created_at": answer.json["created_at"],
    }
    assert answer.headers["Cache-Control"] == "private, no-cache, no-transform"


def test_an_unchanged_profile_is_not_sent_again(client) -> None:
    answer = client.get(ME, headers={"If-None-Match": tag(client)})
    assert (answer.status_code, answer.data) == (304, b"")


DEFAULTS = {"flashcards": 40, "questions": 0, "language": "it", "difficulty": "hard"}
CHANGES: list[tuple[str, Any, Any]] = [
    ("name", "  Ada \u200b Lovelace\n", "Ada Lovelace"),
    ("name", "Ж" * 100, "Ж" * 100),
    ("picture_url", "https://example.org/a.png?size=2#x", "https://example.org/a.png?size=2#x"),
    ("picture_url", "https://example.org:8443", "https://example.org:8443"),
    ("picture_url", "https://bücher.example/" + "a" * 477, "https://bücher.example/" + "a" * 477),
    ("picture_url", None, None),
    ("language", "it", "it"),
    ("language", None, None),
    ("time_zone", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
    # Browsers still use the old name.
    ("time_zone", "Europe/Kiev", "Europe/Kiev"),
    ("time_zone", "UTC", "UTC"),
    ("exam_defaults", DEFAULTS, DEFAULTS),
    ("exam_defaults", {"questions": 5}, {"flashcards": None, "questions": 5, "language": None, "difficulty": None}),
    ("exam_defaults", {"questions": None}, None),
    ("exam_defaults", None, None),
]


def test_each_field_is_changed_alone(client) -> None:
    everything = {
        "name": "Before",
        "picture_url": "https://example.org/before.png",
        "language": "de",
        "time_zone": "Asia/Tokyo",
        "exam_defaults": {"flashcards": 1, "questions": 1, "language": "de", "difficulty": "easy"},
    }
    for field, value, kept in CHANGES:
        assert change(client, everything).status_code == 200
        before = client.get(ME).json
        answer = change(client, {field: value})
        assert answer.status_code == 200, (field, value, answer.text)
        assert answer.json == {**before, field: kept}
        assert client.get(ME).json == answer.json
        assert answer.headers["ETag"] == tag(client)


REFUSED: list[tuple[str, Any]] = [
    ("name", None),
    ("name", " \u200b "),
    ("name", "x" * 101),
    ("name", 7),
    ("picture_url", ""),
    ("picture_url", "http://example.org/a.png"),
    ("picture_url", "javascript:alert(1)"),
    ("picture_url", "https://"),
    ("picture_url", "https:///a.png"),
    ("picture_url", "https://ada:secret@example.org/a.png"),
    ("picture_url", "https://example.org/a b.png"),
    ("picture_url", 'https://example.org/"onload="x'),
    ("picture_url", "https://example.org\\@evil.example"),
    ("picture_url", "https://example.org/" + "a" * 481),
    ("language", "rm"),
    ("language", "DE"),
    ("time_zone", None),
    ("time_zone", ""),
    ("time_zone", "Zurich"),
    ("time_zone", "localtime"),
    ("time_zone", "Factory"),
    ("time_zone", "europe/zurich"),
    ("time_zone", "../../etc/passwd"),
    ("time_zone", "/etc/localtime"),
    ("time_zone", "posixrules"),
    ("exam_defaults.flashcards", {"flashcards": 501}),
    ("exam_defaults.questions", {"questions": -1}),
    ("exam_defaults.questions", {"questions": "5"}),
    ("exam_defaults.language", {"language": "es"}),
    ("exam_defaults.difficulty", {"difficulty": "impossible"}),
    ("exam_defaults.surprise", {"surprise": 1}),
    ("email", "other@example.org"),
    ("email_verified", True),
    ("role", "admin"),
    ("id", "018f0000-0000-7000-8000-000000000000"),
    ("disabled_at", None),
]


def test_an_invalid_value_is_refused(client) -> None:
    before, seen = client.get(ME).json, tag(client)
    for field, value in REFUSED:
        answer = change(client, {"name": "Ada", field.split(".")[0]: value}, seen)
        assert answer.status_code == 422, (field, value)
        assert [error["field"] for error in answer.json["errors"]] == [field], value
    assert client.get(ME).json == before


def test_an_empty_change_changes_nothing(client) -> None:
    before = client.get(ME)
    after = change(client, {})
    assert (after.status_code, after.json, after.headers["ETag"]) == (200, before.json, before.headers["ETag"])


@pytest.mark.parametrize("headers", [{}, {"If-Match": " "}])
def test_a_change_without_if_match_is_refused(client, headers: dict[str, str]) -> None:
    answer = client.patch(ME, json={"name": "Ada"}, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (428, "precondition_required")
    assert client.get(ME).json["name"] is None


def test_a_change_with_a_stale_etag_is_refused(client) -> None:
    seen = tag(client)
    assert change(client, {"name": "Ada"}, seen).status_code == 200
    answer = change(client, {"name": "Grace"}, seen)
    assert (answer.status_code, answer.json["code"]) == (412, "precondition_failed")
    assert client.get(ME).json["name"] == "Ada"


def test_if_match_accepts_lists_but_no_weak_or_unknown_tags(client) -> None:
    seen = tag(client)
    for match in (f"W/{seen}", '"x"', "x", '""', ","):
        assert change(client, {"name": "Ada"}, match).status_code == 412, match
    assert change(client, {"name": "Ada"}, f'"x", {seen}').status_code == 200
    assert change(client, {"name": "Grace"}, "*").status_code == 200


def test_only_one_of_several_concurrent_changes_succeeds(app, client, engine: sa.Engine) -> None:
    seen, answers = tag(client), []

    def run(name: str) -> None:
        each = app.test_client()
        each.token = client.token
        answers.append(change(each, {"name": name}, seen))

    threads = [threading.Thread(target=run, args=(f"Ada {number}",)) for number in range(3)]
    # All of them wait for the lock before any of them proceeds.
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT id FROM users FOR NO KEY UPDATE"))
        for thread in threads:
            thread.start()
        wait_for_blocked(engine, len(threads))
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    (made,) = (answer.json for answer in answers if answer.status_code == 200)
    assert client.get(ME).json == made


def test_the_profile_of_a_leaving_user_is_not_found(app, client, engine: sa.Engine) -> None:
    from backend.accounts.service import get_profile
    from backend.core.database.transaction import transaction
    from backend.core.errors import NotFound

    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE users SET erasing_at = now(), email = NULL, name = NULL, picture_url = NULL")
        )
    for lock in (False, True):
        with app.app_context(), transaction(), pytest.raises(NotFound):
            get_profile(client.user_id, lock=lock)


def test_the_role_follows_the_database(client, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET role = 'admin'"))
    assert client.get(ME).json["role"] == "admin"


def test_users_see_only_their_own_profile(client, other_client) -> None:
    change(client, {"name": "Ada"})
    assert other_client.get(ME).json["name"] is None
    assert other_client.get(ME).json["id"] == str(other_client.user_id)


def test_defaults_have_the_same_limits_as_a_run() -> None:
    mine, runs = (model.model_json_schema()["properties"] for model in (ExamDefaultsRequest, RunRequest))
    for name in ("flashcards", "questions"):
        assert mine[name]["anyOf"] == runs[name]["anyOf"]
    languages = [set(each["language"]["anyOf"][0]["enum"]) for each in (mine, runs)]
    assert languages[0] == languages[1]
    (difficulties, _) = get_args(ExamDefaultsRequest.model_fields["difficulty"].annotation)
    assert list(get_args(difficulties)) == list(Difficulty)


@pytest.fixture
def notes(client) -> str:
    """A study set with a document."""
    study_set_id = client.make_study_set()
    assert client.upload(study_set_id, ("notes.txt", b"A cell divides. " * 50)).status_code == 201
    return study_set_id


def asked(answer) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    return {**answer.json["asked"], "language": answer.json["language"], "difficulty": answer.json["difficulty"]}


def test_a_run_uses_the_defaults_for_fields_it_leaves_out(client, other_client, notes: str) -> None:
    runs = f"/api/v1/study-sets/{notes}/runs"

    def ask(body: dict) -> dict:
        answer = client.post(runs, json=body)
        # The number of concurrent runs is limited.
        client.post(f"/api/v1/runs/{answer.json['id']}/cancel")
        return asked(answer)

    nothing = dict.fromkeys(DEFAULTS)
    assert ask({}) == nothing
    change(client, {"exam_defaults": DEFAULTS})
    assert ask({}) == DEFAULTS
    assert ask({"questions": 7, "difficulty": "easy"}) == {
        **DEFAULTS,
        "questions": 7,
        "difficulty": "easy",
    }
    assert ask(nothing) == nothing
    change(client, {"exam_defaults": None})
    assert ask({}) == nothing


def test_defaults_of_zero_items_are_refused_when_a_run_starts(client, notes: str) -> None:
    change(client, {"exam_defaults": {"flashcards": 0, "questions": 0}})
    answer = client.post(f"/api/v1/study-sets/{notes}/runs", json={})
    assert (answer.status_code, answer.json["code"]) == (422, "nothing_wanted")
    assert asked(client.post(f"/api/v1/study-sets/{notes}/runs", json={"flashcards": 3}))["flashcards"] == 3


def test_exam_defaults_of_a_newer_release_are_ignored(app, client, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        newer = sa.text("""UPDATE users SET exam_defaults = '{"questions": 5, "surprise": true}'""")
        connection.execute(newer)
    answer = client.get(ME)
    assert answer.status_code == 200
    assert answer.json["exam_defaults"] == {"flashcards": None, "questions": 5, "language": None, "difficulty": None}
    with app.app_context(), transaction():
        assert get_exam_defaults(client.user_id) == ExamDefaults(questions=5)
