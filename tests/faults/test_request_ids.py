"""A request's id is in the worker's log lines for all work it caused, even if the work was lost and sent again."""

import json
import re
import urllib.request
from typing import Any

import pytest
import redis as redis_client

from tests.faults.conftest import Scene
from tests.generation.conftest import NOUNS, notes
from tests.patience import HANG_S, wait_for

pytestmark = pytest.mark.faults

UPLOAD, RUN = "upload-of-notes-0001", "run-of-notes-0001"


def post(scene: Scene, path: str, body: bytes, content_type: str, request_id: str) -> Any:
    """Send a request with its own id. Returns the response's JSON."""
    headers = {"Authorization": f"Bearer {scene.token}", "Content-Type": content_type, "X-Request-Id": request_id}
    request = urllib.request.Request(scene.stack.api_url + path, body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=HANG_S) as answer:
        assert answer.headers["X-Request-Id"] == request_id
        return json.loads(answer.read())


def upload(scene: Scene, pages: int, request_id: str) -> tuple[str, str]:
    """Create a study set with notes. Returns its id and the document's."""
    study_set = str(scene.api.post("/study-sets", {"title": "Notes"})["id"])
    head = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="notes.txt"\r\n\r\n'
    # Each page has its own subject, so that the run has several topics to connect.
    text = b"\f".join(
        page.replace(b"experiment", noun.encode()) for page, noun in zip(notes(pages).split(b"\f"), NOUNS, strict=False)
    )
    body = head + text + b"\r\n--cut--\r\n"
    path = f"/study-sets/{study_set}/documents"
    answer = post(scene, path, body, "multipart/form-data; boundary=cut", request_id)
    return study_set, str(answer["documents"][0]["id"])


def start_run(scene: Scene, study_set: str, request_id: str) -> str:
    """Start a run; return its id."""
    body = json.dumps({"flashcards": 9, "questions": 3}).encode()
    return str(post(scene, f"/study-sets/{study_set}/runs", body, "application/json", request_id)["id"])


def values(line: str, field: str) -> set[str]:
    """Return the values of a field in a line."""
    return set(re.findall(rf"\b{field}=(\S+)", line))


def lines_about(scene: Scene, field: str, value: str, *, log: str = "worker-1") -> list[str]:
    """Return a log's lines that have this value in a field."""
    lines = (scene.stack.logs / f"{log}.log").read_text().splitlines()
    return [line for line in lines if value in values(line, field)]


def check_steps(scene: Scene, run: str, request_id: str) -> None:
    """Check that every step of a run has log lines and that all of them name the request."""
    steps = [str(step) for (step,) in scene.query("SELECT id FROM steps WHERE run_id = %s", run)]
    assert len(steps) > 2
    # A step logs its last line after its commit.
    wait_for("lines of every step", lambda: all(lines_about(scene, "step_id", step) for step in steps))
    for line in [
        *lines_about(scene, "run_id", run),
        *(each for s in steps for each in lines_about(scene, "step_id", s)),
    ]:
        assert values(line, "request_id") == {request_id}, line


def test_request_ids_follow_a_document_and_a_run(scene: Scene) -> None:
    study_set, document = upload(scene, 3, UPLOAD)
    run = start_run(scene, study_set, RUN)
    scene.check_done_once(run)
    lines = lines_about(scene, "document_id", document)
    assert lines
    assert {value for line in lines for value in values(line, "request_id")} == {UPLOAD}
    check_steps(scene, run, RUN)
    kinds = {kind for (kind,) in scene.query("SELECT kind FROM steps WHERE run_id = %s", run)}
    # The worker plans the last step when all sections are done.
    assert kinds == {"plan", "section", "connect"}


def test_a_request_id_survives_an_emptied_broker(scene: Scene) -> None:
    study_set, _ = upload(scene, 3, "upload-of-notes-0002")
    scene.wait_until_read(study_set)
    scene.stack.stop_worker("worker-1")
    run = start_run(scene, study_set, "run-of-notes-0002")
    with redis_client.Redis.from_url(scene.stack.redis.url) as broker:
        assert broker.llen("steps") >= 1
        broker.flushall()
    scene.stack.start_worker("worker-1")
    scene.check_done_once(run)
    check_steps(scene, run, "run-of-notes-0002")
    wait_for("the sweep's line", lambda: "sent=1" in (scene.stack.logs / "sweeper.log").read_text())


def test_a_request_id_survives_a_killed_worker_and_is_in_the_sweeps_line(scene: Scene) -> None:
    study_set, _ = upload(scene, 2, "upload-of-notes-0003")
    scene.model.set_script([{"do": "sleep", "on": [1], "seconds": 8}])
    run = start_run(scene, study_set, "run-of-notes-0003")
    scene.busy_child().kill()
    scene.check_done_once(run)
    check_steps(scene, run, "run-of-notes-0003")
    (step,) = scene.query("SELECT id FROM steps WHERE run_id = %s AND attempt = 2", run)
    (line,) = wait_for("the sweep's line", lambda: lines_about(scene, "row_id", str(step[0]), log="sweeper"))
    assert values(line, "request_id") == {"run-of-notes-0003"}
