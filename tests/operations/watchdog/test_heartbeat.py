"""What the processes of a program write."""

import threading
from pathlib import Path

import pytest

from backend.core.work.programs import Program
from backend.operations.watchdog.heartbeat import MAIN, ThreadPlaces, read, state_folder, write
from backend.settings import Settings
from tests.patience import join


def test_a_main_process_tells_how_many_threads_are_at_work_and_for_how_long(tmp_path: Path) -> None:
    places, taken, leave = ThreadPlaces(), threading.Barrier(3), threading.Event()

    def work() -> None:
        places.take()
        taken.wait()
        leave.wait()
        places.leave()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    taken.wait()
    first = places.describe()
    assert write(tmp_path, MAIN, name="w", places=4, **places.describe())
    leave.set()
    for thread in threads:
        join(thread)
    seen = read(tmp_path, MAIN)
    assert seen is not None
    assert (seen.places, seen.busy) == (4, 2)
    assert 0 < first["longest_s"] < seen.longest_s
    assert places.describe() == {"busy": 0, "longest_s": 0.0}


@pytest.mark.parametrize("folder", [None, Path("/state")])
def test_each_program_has_its_own_folder(settings: Settings, folder: Path | None) -> None:
    given = settings.model_copy(update={"worker_state_folder": folder})
    found = {state_folder(given, program) for program in Program}
    assert found == ({None} if folder is None else {folder / "computing", folder / "calling"})
