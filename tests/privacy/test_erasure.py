"""Account deletion: access ends immediately, everything is erased, and nothing comes back."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask import request

from backend.accounts import service as accounts
from backend.accounts.errors import AccountErased
from backend.accounts.types import ActivityKind, VerifiedIdentity
from backend.app import create_app
from backend.core.database.database import Base, find_refusal
from backend.core.database.privacy_marks import is_kept
from backend.core.database.transaction import transaction
from backend.core.work.sweep import sweep
from backend.library import service as library
from backend.privacy import service as privacy
from tests.architecture.test_routes import BODIES, NOT_CREATING
from tests.blocked import wait_for_blocked
from tests.conftest import Client
from tests.patience import HANG_S, join
from tests.privacy.conftest import MARKERS, Student

Run = Callable[[], Any]
# All that is left of a user: an id, times, and values that say nothing about anybody.
_TOMBSTONE = """
SELECT email, name, picture_url, language, email_verified, time_zone, exam_defaults, role, erased_at IS NOT NULL
FROM users WHERE id = :user_id
"""
_NOTHING = (None, None, None, None, False, "Europe/Zurich", {}, "student", True)
_REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
CREATE TRIGGER refuse BEFORE DELETE ON study_sets FOR EACH ROW WHEN (OLD.title = 'kept') EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def check_erased(query: Any, remains: Any) -> Callable[[UUID], None]:
    """Check that nothing is left of a user but the tombstone, and their bare id in tables whose rows are kept."""

    def check(user_id: UUID) -> None:
        assert query(_TOMBSTONE, user_id=user_id) == [_NOTHING]
        kept = {table.name for table in Base.metadata.sorted_tables if is_kept(table)}
        left = {column for column in remains(str(user_id)) if column.split(".")[1] not in kept}
        assert left == {"public.users.id"}

    return check


def test_everything_is_erased(student: Student, run_pending_jobs: Run, remains: Any, check_erased: Any) -> None:
    student.export()
    # The words are found before the erasure, so that finding none afterwards means something.
    assert len(remains(*MARKERS)) > 15
    answer = student.leave()
    assert answer.status_code == 202, answer.text
    assert answer.json == {"user_id": str(student.user_id), "status": "erasing"}
    # This header would delete the cookies of all sites under the registrable domain.
    assert "Clear-Site-Data" not in answer.headers
    run_pending_jobs()
    assert remains(*MARKERS) == []
    check_erased(student.user_id)


def test_other_users_data_is_kept(owner: Student, other_client: Any, run_pending_jobs: Run) -> None:
    study_set = other_client.make_study_set()
    other_client.upload(study_set, ("plants.txt", b"A plant grows. " * 30))
    run_pending_jobs()
    owner.leave()
    run_pending_jobs()
    (document,) = other_client.get(f"/api/v1/study-sets/{study_set}/documents").json["items"]
    assert document["status"] == "ready"
    assert other_client.get(f"/api/v1/documents/{document['id']}/file").status_code == 200


def test_access_ends_immediately(student: Student, anonymous: Any, query: Any) -> None:
    export = student.export()
    key = {"Authorization": f"Bearer {student.api_key}"}
    assert anonymous.get("/api/v1/study-sets", headers=key).status_code == 200
    assert student.leave().status_code == 202
    # The erasure job has not run yet.
    assert student.client.get("/api/v1/study-sets").status_code == 401
    assert student.client.get(f"{export}/file").status_code == 401
    assert anonymous.get("/api/v1/study-sets", headers=key).status_code == 401
    for table in ("sessions", "identities", "api_keys", "sign_in_codes"):
        assert query(f"SELECT count(*) FROM {table}") == [(0,)]
    assert query("SELECT state FROM data_exports") == [("cancelled",)]
    assert query("SELECT count(*) FROM runs WHERE ended_at IS NULL") == [(0,)]
    assert query("SELECT email, name, picture_url FROM users") == [(None, None, None)]


def test_signing_in_again_creates_a_new_user(app: APIFlask, owner: Student, run_pending_jobs: Run) -> None:
    owner.leave()
    early = app.test_client().sign_in("student@example.org")
    assert early.user_id != owner.user_id
    run_pending_jobs()
    late = app.test_client().sign_in("student@example.org")
    assert late.user_id == early.user_id
    assert late.get("/api/v1/study-sets").json["items"] == []


def test_the_verified_address_is_free_again(app: APIFlask, student: Student) -> None:
    student.leave()
    with app.app_context(), transaction():
        again = accounts.sign_in(VerifiedIdentity("google", "1", MARKERS[0], email_verified=True))
    assert again != student.user_id


def test_deletion_needs_a_confirmation_and_a_fresh_sign_in(owner: Student, query: Any) -> None:
    for path in ("/api/v1/users/me", "/api/v1/users/me?confirm=true", "/api/v1/users/me?confirm="):
        assert owner.client.delete(path).status_code == 422
    query("UPDATE sessions SET authenticated_at = now() - interval '11 minutes'")
    answer = owner.leave()
    assert (answer.status_code, answer.json["code"]) == (403, "fresh_sign_in_needed")
    assert owner.client.get("/api/v1/study-sets").status_code == 200


def test_a_failed_erasure_resumes_where_it_stopped(
    owner: Student, run_pending_jobs: Run, make_due: Run, query: Any, check_erased: Any
) -> None:
    owner.client.make_study_set("kept")
    owner.client.make_study_set("later")
    query(_REFUSING)
    try:
        owner.leave()
        run_pending_jobs()
        assert query("SELECT title FROM study_sets ORDER BY id") == [("kept",), ("later",)]
        assert query("SELECT state, failures FROM erasures") == [("queued", 0)]
    finally:
        query("DROP FUNCTION refuse() CASCADE")
    make_due()
    run_pending_jobs()
    check_erased(owner.user_id)


def test_an_erasure_is_never_given_up(
    app: APIFlask, owner: Student, run_pending_jobs: Run, make_due: Run, query: Any, check_erased: Any
) -> None:
    owner.leave()
    query("UPDATE erasures SET state = 'running', failures = 2, attempt = 3, lease_until = now() - interval '1 second'")
    with app.app_context():
        sweep()
    assert query("SELECT state, available_at > now() + interval '5 minutes' FROM erasures") == [("queued", True)]
    make_due()
    run_pending_jobs()
    check_erased(owner.user_id)


def test_concurrent_deletions_are_one(app: APIFlask, owner: Student, query: Any) -> None:
    barrier, failures = threading.Barrier(4), []

    def leave() -> None:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    privacy.leave(owner.user_id)
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=leave) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert query("SELECT count(*) FROM erasures") == [(1,)]


def test_a_request_authenticated_before_the_deletion_leaves_nothing(
    built_app: APIFlask, settings: Any, owner: Student, run_pending_jobs: Run, check_erased: Any
) -> None:
    late = create_app(settings)
    late.test_client_class = Client

    @late.before_request
    def leave_now() -> None:
        # After the authentication, and before anything else.
        if request.method == "POST":
            with transaction():
                privacy.leave(owner.user_id)

    client = late.test_client()
    client.token = owner.client.token
    answer = client.post("/api/v1/study-sets", json={"title": "Late"})
    assert (answer.status_code, answer.json["code"]) == (401, "account_erased")
    with built_app.app_context(), transaction():
        revived = privacy.leave(owner.user_id)
    assert revived is None
    run_pending_jobs()
    check_erased(owner.user_id)


# Payments are kept, so their tables accept rows of a user who has left. Billing is off here.
OF_OTHERS = {"payments.create_checkout": "tests/billing/payments/test_api_checkout.py"}


def test_no_creating_route_leaves_anything(
    app: APIFlask, settings: Any, run_pending_jobs: Run, check_erased: Any
) -> None:
    leaving: list[UUID] = []
    late = create_app(settings)
    late.test_client_class = Client

    @late.before_request
    def leave_now() -> None:
        if leaving:
            with transaction():
                privacy.leave(leaving.pop())

    posts = [rule for rule in late.url_map.iter_rules() if "POST" in (rule.methods or ())]
    routes = [rule for rule in posts if rule.endpoint not in NOT_CREATING | OF_OTHERS and "/admin/" not in rule.rule]
    users = []
    for rule in routes:
        client = late.test_client().sign_in("student@example.org")
        study_set = client.make_study_set()
        uploaded = client.upload(study_set, ("notes.txt", b"A cell divides."))
        users.append(client.user_id)
        ids = {"study_set_id": study_set, "document_id": uploaded.json["documents"][0]["id"]}
        path = str(rule.build(ids, append_unknown=False)[1])
        if "document_id" in rule.arguments:
            run_pending_jobs()
        leaving.append(client.user_id)
        if rule.endpoint == "library.upload_documents":
            answer = client.upload(study_set, ("more.txt", b"A plant grows."), Idempotency_Key="k")
        else:
            answer = client.post(path, json=BODIES[rule.endpoint], headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json["code"]) == (401, "account_erased"), rule.endpoint
    run_pending_jobs()
    for user_id in users:
        check_erased(user_id)


def test_deletion_waits_for_writes_in_progress(
    app: APIFlask, engine: sa.Engine, owner: Student, run_pending_jobs: Run, check_erased: Any
) -> None:
    written, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with app.app_context(), transaction():
            library.create_study_set(owner.user_id, "Just in time")
            written.set()
            may_end.wait(HANG_S)

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(HANG_S)
    leaver = threading.Thread(target=owner.leave)
    leaver.start()
    wait_for_blocked(engine)
    may_end.set()
    join(writer)
    join(leaver)
    run_pending_jobs()
    check_erased(owner.user_id)


def test_writes_during_the_deletion_wait_and_are_refused(
    app: APIFlask, engine: sa.Engine, owner: Student, query: Any
) -> None:
    refused: list[object] = []

    def write() -> None:
        with app.app_context():
            try:
                with transaction():
                    library.create_study_set(owner.user_id, "Too late")
            except sa.exc.DBAPIError as error:
                refused.append(find_refusal(error))

    writer = threading.Thread(target=write)
    with app.app_context(), transaction():
        privacy.leave(owner.user_id)
        writer.start()
        wait_for_blocked(engine)
    join(writer)
    assert [type(error) for error in refused] == [AccountErased]
    assert query("SELECT count(*) FROM study_sets WHERE title = 'Too late'") == [(0,)]


def test_nothing_is_written_on_the_tombstone(app: APIFlask, owner: Student, query: Any) -> None:
    owner.leave()
    with app.app_context(), transaction():
        # Only this user could ever read it.
        accounts.record_activity(owner.user_id, ActivityKind.RUN_ENDED)
    assert query("SELECT count(*) FROM activities WHERE kind = 'run_ended'") == [(0,)]
    for change in ("name = 'Zenobia'", "exam_defaults = '{\"a\": 1}'", "language = 'de'", "erasing_at = NULL"):
        with pytest.raises(sa.exc.DBAPIError) as raised:
            query(f"UPDATE users SET {change}")
        assert raised.value.orig.pgcode == "UE001"
    query("UPDATE users SET disabled_at = now()")
