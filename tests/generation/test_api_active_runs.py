"""A user's active runs are limited, also for concurrent starts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from apiflask import APIFlask

from tests.conftest import Client

ALLOWED = 3
NOTES = b"A cell divides. " * 20
PATH = "/api/v1/study-sets/{}/runs"


def ready_set(client: Client) -> str:
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.txt", NOTES))
    return study_set


def start(client: Client, study_set: str):
    return client.post(PATH.format(study_set), json={})


def test_one_run_too_many_is_refused_until_one_ends(
    app: APIFlask, client: Client, run_pending_jobs: Callable[[], int]
) -> None:
    study_sets = [ready_set(client) for _ in range(ALLOWED)]
    runs = [start(client, study_set).json["id"] for study_set in study_sets]
    refused = start(client, study_sets[0])
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_active_runs")
    assert refused.headers["Retry-After"] == "10"
    quotas = client.get("/api/v1/users/me/quotas").json
    assert (quotas["active_runs"], quotas["most_active_runs"]) == (ALLOWED, ALLOWED)
    assert quotas["storage_used_bytes"] == ALLOWED * len(NOTES)
    assert quotas["storage_quota_bytes"] > quotas["storage_used_bytes"]
    client.post(f"/api/v1/runs/{runs[0]}/cancel")
    assert start(client, study_sets[0]).status_code == 202
    run_pending_jobs()
    assert start(client, study_sets[0]).status_code == 202


def test_the_runs_of_others_do_not_count(client: Client, other_client: Client) -> None:
    study_set = ready_set(client)
    assert [start(client, study_set).status_code for _ in range(ALLOWED)] == [202] * ALLOWED
    assert start(other_client, ready_set(other_client)).status_code == 202


def test_a_repeated_request_starts_no_second_run(client: Client) -> None:
    study_set = ready_set(client)
    for _ in range(2):
        for number in range(ALLOWED):
            headers = {"Idempotency-Key": f"run-{number}"}
            assert client.post(PATH.format(study_set), json={}, headers=headers).status_code == 202


@pytest.mark.parametrize("keyed", [False, True])
def test_concurrent_starts_never_exceed_the_limit(app: APIFlask, client: Client, keyed: bool) -> None:
    # In separate study sets, which share no row that could be locked.
    study_sets = [ready_set(client) for _ in range(8)]
    together = Barrier(len(study_sets))

    def begin(number: int) -> int:
        student = app.test_client()
        student.token = client.token
        headers = {"Idempotency-Key": f"run-{number}"} if keyed else {}
        together.wait()
        return student.post(PATH.format(study_sets[number]), json={}, headers=headers).status_code

    with ThreadPoolExecutor(len(study_sets)) as pool:
        found = sorted(pool.map(begin, range(len(study_sets))))
    assert found == [202] * ALLOWED + [409] * (8 - ALLOWED)
