"""Download links for exports: for a browser without a token, to one export, for a few minutes."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from backend.privacy.exports.links import LINK_LIFE
from backend.settings import get_settings
from tests.conftest import CHECKOUT
from tests.core.test_problems import assert_problem
from tests.privacy.conftest import Student

Run = Callable[[], Any]

_FOLLOW = """
import sys
from backend.app import create_app
client = create_app().test_client()
print(*(client.get(sys.argv[1] + more).status_code for more in ("", "x")))
"""


@pytest.fixture
def exported(owner: Student, run_pending_jobs: Run) -> str:
    """The path of an export that is ready."""
    path = owner.export()
    run_pending_jobs()
    return path


def make(client: Any, path: str) -> str:
    """Make a link. Returns its path."""
    answer = client.post(f"{path}/links")
    assert answer.status_code == 200, answer.text
    url = str(answer.json["url"])
    assert url.startswith(f"{get_settings().public_url}/api/v1/exports/")
    return url.removeprefix(get_settings().public_url)


def test_a_browser_without_a_token_downloads_by_a_link(owner: Student, exported: str, anonymous: Any) -> None:
    link = make(owner.client, exported)
    answer = anonymous.get(link)
    assert answer.status_code == 200
    assert zipfile.ZipFile(io.BytesIO(answer.data)).testzip() is None
    assert answer.data == owner.client.get(f"{exported}/file").data
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=hackthestudy-")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    part = anonymous.get(link, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.data) == (206, answer.data[5:10])


def test_a_wrong_ticket_opens_nothing(owner: Student, exported: str, other_client: Any, run_pending_jobs: Run) -> None:
    path = urlsplit(make(owner.client, exported)).path
    theirs = other_client.post("/api/v1/users/me/export").headers["Location"]
    run_pending_jobs()
    of_another = urlsplit(make(other_client, theirs)).query
    for query in (
        "",
        "?ticket=",
        "?ticket=x",
        "?ticket=%00",
        "?ticket=%C3%A9",
        f"?{of_another}",
        "?ticket=" + "A" * 43,
    ):
        assert_problem(other_client.get(path + query), 404, "not_found")
    unlinked = owner.export()
    run_pending_jobs()
    path = f"/api/v1/exports/{unlinked.rsplit('/', 1)[1]}/file"
    assert_problem(other_client.get(f"{path}?ticket="), 404, "not_found")


def test_a_link_expires_after_minutes(owner: Student, exported: str, anonymous: Any, query: Any) -> None:
    link = make(owner.client, exported)
    query("UPDATE data_exports SET link_expires_at = link_expires_at - :life", life=LINK_LIFE)
    assert_problem(anonymous.get(link), 404, "not_found")
    assert owner.client.get(f"{exported}/file").status_code == 200


def test_a_new_link_replaces_the_old(owner: Student, exported: str, anonymous: Any) -> None:
    old, new = make(owner.client, exported), make(owner.client, exported)
    assert_problem(anonymous.get(old), 404, "not_found")
    assert anonymous.get(new).status_code == 200


def test_a_link_ends_with_its_export(
    owner: Student, exported: str, anonymous: Any, run_pending_jobs: Run, query: Any, engine: Any
) -> None:
    query("UPDATE data_exports SET expires_at = now() + interval '1 minute'")
    made = owner.client.post(f"{exported}/links").json
    assert made["expires_at"] == owner.client.get(exported).json["expires_at"]
    link = make(owner.client, exported)
    owner.let_an_hour_pass(engine)
    owner.export()
    run_pending_jobs()
    assert_problem(anonymous.get(link), 404, "not_found")
    assert_problem(owner.client.post(f"{exported}/links"), 410, "export_expired")


@pytest.mark.parametrize("how", ["leaving", "being disabled"])
def test_a_link_ends_with_its_users_access(owner: Student, exported: str, anonymous: Any, query: Any, how: str) -> None:
    link = make(owner.client, exported)
    assert anonymous.get(link).status_code == 200
    if how == "leaving":
        # The erasure job has not run yet, so the archive still exists.
        assert owner.leave().status_code == 202
        assert query("SELECT count(*) FROM export_pieces") != [(0,)]
    else:
        query("UPDATE users SET disabled_at = now() WHERE id = :id", id=owner.user_id)
    assert_problem(anonymous.get(link), 404, "not_found")


def test_only_the_signed_in_owner_can_make_a_link(
    student: Student, other_client: Any, anonymous: Any, run_pending_jobs: Run
) -> None:
    path = student.export()
    assert_problem(student.client.post(f"{path}/links"), 409, "export_not_ready")
    run_pending_jobs()
    assert_problem(other_client.post(f"{path}/links"), 404, "not_found")
    assert_problem(anonymous.post(f"{path}/links"), 401, "not_signed_in")
    key = {"Authorization": f"Bearer {student.api_key}"}
    assert_problem(anonymous.post(f"{path}/links", headers=key), 403, "not_allowed")


def test_a_link_needs_no_fresh_sign_in(owner: Student, exported: str, query: Any) -> None:
    query("UPDATE sessions SET authenticated_at = now() - interval '11 minutes'")
    assert owner.client.post(f"{exported}/links").status_code == 200


def test_a_ticket_is_neither_kept_nor_logged(owner: Student, exported: str, remains: Any) -> None:
    link = make(owner.client, exported)
    ticket = link.rpartition("=")[2]
    assert remains(ticket) == []
    # A separate process, because loggers keep the level of their first use.
    done = subprocess.run(
        [sys.executable, "-c", _FOLLOW, link],
        cwd=CHECKOUT,
        env={**os.environ, "LOG_LEVEL": "DEBUG"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["200", "404"], done.stderr
    answered = [line for line in done.stderr.splitlines() if "http.request.answered" in line]
    assert len(answered) == 2
    assert all(urlsplit(link).path in line for line in answered)
    assert ticket not in done.stderr
