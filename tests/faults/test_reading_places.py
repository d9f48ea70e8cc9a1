"""Large files of one user hold two places, through a killed worker and an emptied broker; others are read meanwhile.

Readers of the large files are frozen as soon as they start, so nothing depends on how long reading takes.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis
from reportlab.pdfgen.canvas import Canvas

from config.local.client import ApiClient
from config.local.postgres import PostgresServer
from config.local.process import LocalStackError
from tests.faults.conftest import Scene, make_stack
from tests.faults.work import freeze
from tests.patience import HANG_S, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.faults

_PAGES = 200


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, database_server: PostgresServer) -> Iterator[Scene]:
    """A system that waits for frozen readers."""
    logs = tmp_path_factory.mktemp("logs")
    with OpenAIStandIn() as model, make_stack(model, logs, database_server, READ_TIMEOUT_S=str(HANG_S)) as stack:
        stack.wait_for_worker("worker-1")
        yield Scene(stack, model)


class FrozenReaders:
    """Freezes each process that reads a PDF for a worker, until the block ends."""

    def __init__(self, list_pool: Callable[[], list[int]]) -> None:
        self._list_pool = list_pool
        self._frozen: dict[int, Callable[[], None]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "FrozenReaders":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for thaw in self._frozen.values():
            thaw()

    def alive(self) -> set[int]:
        return {pid for pid in list(self._frozen) if psutil.pid_exists(pid)}

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            for pid in self._list_pool():
                # Processes end between being listed and being inspected.
                with contextlib.suppress(psutil.NoSuchProcess):
                    for child in psutil.Process(pid).children():
                        if child.pid not in self._frozen and '"format": "pdf"' in " ".join(child.cmdline()):
                            self._frozen[child.pid] = freeze(child)


@pytest.fixture
def large_files(tmp_path: Path) -> list[Path]:
    """Nine PDFs whose reading takes long enough to be seen."""
    paths = []
    for number in range(9):
        path = tmp_path / f"large-{number}.pdf"
        canvas = Canvas(str(path))
        for page in range(_PAGES):
            for line in range(50):
                canvas.drawString(40, 800 - 15 * line, f"File {number}, page {page}, line {line}: cells divide. " * 2)
            canvas.showPage()
        canvas.save()
        paths.append(path)
    return paths


def test_others_are_read_beside_nine_large_files_and_no_place_is_lost(
    scene: Scene, large_files: list[Path], tmp_path: Path
) -> None:
    def list_pool() -> list[int]:
        with contextlib.suppress(psutil.NoSuchProcess, LocalStackError):
            return scene.stack.pool_pids("worker-1")
        return []

    def count(study_set: str) -> dict[str, int]:
        rows = scene.query("SELECT state, count(*) FROM documents WHERE study_set_id = %s GROUP BY state", study_set)
        return dict(rows)

    other = ApiClient(scene.stack.api_url)
    other.sign_in("other@example.org")
    note = tmp_path / "note.txt"
    note.write_text("Cells divide. Plants grow.")
    study_set = str(scene.api.post("/study-sets", {"title": "Large"})["id"])
    with FrozenReaders(list_pool) as readers:
        for path in large_files:
            scene.api.upload(f"/study-sets/{study_set}/documents", path)
        wait_for("two readers", lambda: len(readers.alive()) == 2)
        check_that_it_is_read(other, note)
        assert count(study_set) == {"running": 2, "queued": 7}

        held = readers.alive()
        scene.stack.kill_worker("worker-1")
        Redis.from_url(scene.stack.redis.url).flushdb()
        scene.stack.start_worker("worker-1")
        wait_for("two other readers", lambda: len(readers.alive() - held) == 2)
        note.write_text("Stones rest. Rivers flow.")
        check_that_it_is_read(other, note)
        assert count(study_set) == {"running": 2, "queued": 7}

        # Readers of deleted documents give their places back.
        held = readers.alive()
        scene.query("DELETE FROM study_sets WHERE id = %s", study_set)
        wait_for("the end of the readers", lambda: not held & readers.alive())


def check_that_it_is_read(api: ApiClient, note: Path) -> None:
    study_set = str(api.post("/study-sets", {"title": "Small"})["id"])
    api.upload(f"/study-sets/{study_set}/documents", note)

    def read() -> Any:
        return all(document["status"] == "ready" for document in api.items(f"/study-sets/{study_set}/documents"))

    wait_for("reading of the note", read)
