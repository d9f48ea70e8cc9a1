"""The API is told to stop under load: no request is cut off (fault 5)."""

import http.client
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.local.stack import API
from tests.faults.conftest import Migrated, Scene, make_stack
from tests.faults.load import Load
from tests.patience import HANG_S, pause, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.faults

STUDENTS = 16
UPLOADS = 3
UPLOAD_PIECES = 12
UPLOAD_S = 3.0


@pytest.fixture
def scene(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[Scene]:
    """A system with two API processes and no worker, so that a run lasts as long as the test needs."""
    with OpenAIStandIn() as model:
        logs, database = tmp_path / "logs", Migrated(new_database())
        changes = {"GUNICORN_WORKERS": "2", "STREAM_SECONDS": "3600"}
        with make_stack(model, logs, database, workers=0, **changes) as stack:
            yield Scene(stack, model)


class SlowUpload(threading.Thread):
    """Sends a file in pieces over some seconds, and keeps the response's status."""

    def __init__(self, scene: Scene, study_set: str) -> None:
        super().__init__()
        self.status: int | str = "none"
        self.under_way = threading.Event()
        self._scene = scene
        self._study_set = study_set

    def run(self) -> None:
        """Send it."""
        boundary = "piece-by-piece"
        text = b"Mitochondria make most of the energy of a cell. " * 4000
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{self.name}.txt"\r\n'
            "Content-Type: text/plain\r\n\r\n"
        ).encode()
        body = head + text + f"\r\n--{boundary}--\r\n".encode()
        connection = http.client.HTTPConnection("127.0.0.1", self._scene.stack.port, timeout=HANG_S)
        try:
            connection.putrequest("POST", f"/api/v1/study-sets/{self._study_set}/documents")
            connection.putheader("Authorization", f"Bearer {self._scene.token}")
            connection.putheader("Content-Type", f"multipart/form-data; boundary={boundary}")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            step = -(-len(body) // UPLOAD_PIECES)
            for start in range(0, len(body), step):
                connection.send(body[start : start + step])
                self.under_way.set()
                pause(UPLOAD_S / UPLOAD_PIECES, "a client that is slow")
            self.status = connection.getresponse().status
        except OSError as error:
            self.status = repr(error)
        finally:
            connection.close()


def open_stream(scene: Scene, run: str) -> Any:
    """Open a run's event stream. Returns the response after its first event."""
    connection = http.client.HTTPConnection("127.0.0.1", scene.stack.port, timeout=HANG_S)
    connection.request("GET", f"/api/v1/runs/{run}/events", headers={"Authorization": f"Bearer {scene.token}"})
    answer = connection.getresponse()
    assert answer.status == 200
    while not answer.readline().startswith(b"id:"):
        pass
    return answer


def test_5_no_request_is_cut_off_when_the_api_stops_under_load(scene: Scene, tmp_path: Path) -> None:
    study_set = scene.upload(tmp_path, 1)
    stream = open_stream(scene, scene.start_run(study_set, flashcards=2, questions=1))
    load = Load(scene.stack.port, "/api/v1/study-sets", {"Authorization": f"Bearer {scene.token}"})
    load.start(STUDENTS)
    uploads = [SlowUpload(scene, study_set) for _ in range(UPLOADS)]
    for upload in uploads:
        upload.start()
    for upload in uploads:
        assert upload.under_way.wait(HANG_S)
    wait_for("answers", lambda: load.answered > 2 * STUDENTS)

    load.mark()
    scene.stack.part(API).send_signal(signal.SIGTERM)
    rest = stream.read()
    code = scene.stack.part(API).wait(HANG_S)
    load.wait()
    for upload in uploads:
        upload.join()

    assert code == 0
    assert [upload.status for upload in uploads] == [201] * UPLOADS
    assert (load.cut, load.statuses) == ([], {200})
    # A client that connects at the very moment the last process closes its socket is reset before any of its
    # request was read. gunicorn's own worker does that to all of them.
    assert len(load.cut_late) <= 1
    # The stream ends without an event that ends the run.
    assert b"event: end" not in rest


def test_5_a_stream_resumes_after_the_last_event_received(scene: Scene, tmp_path: Path) -> None:
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=1)
    open_stream(scene, run)
    scene.stack.restart(API)
    connection = http.client.HTTPConnection("127.0.0.1", scene.stack.port, timeout=HANG_S)
    headers = {"Authorization": f"Bearer {scene.token}", "Last-Event-ID": "1"}
    connection.request("GET", f"/api/v1/runs/{run}/events", headers=headers)
    scene.api.post(f"/runs/{run}/cancel", {})
    text = connection.getresponse().read().decode()
    connection.close()
    assert "id: 2\n" in text
    assert "id: 1\n" not in text
    assert text.endswith("event: end\ndata: {}\n\n")
