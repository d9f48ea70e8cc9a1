"""As many pages are recognised at the same time as the machine has cores."""

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backend.library.extraction.ocr.slots import RecognitionSlots
from backend.library.extraction.reader import slots_folder
from tests.library.extraction.ocr.scans import PARAGRAPH, page_picture, write_scan
from tests.patience import patient_s

CORES = len(os.sched_getaffinity(0))
HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
input()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the slots, which other tests do not share."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    slots_folder().mkdir()
    return slots_folder()


@pytest.fixture
def hold(folder: Path) -> Iterator[Callable[[int], int]]:
    """Hold a slot, as another reading child does."""
    files: list[int] = []

    def _hold(number: int) -> int:
        file = os.open(folder / f"slot-{number}", os.O_RDWR | os.O_CREAT)
        fcntl.flock(file, fcntl.LOCK_EX)
        files.append(file)
        return file

    yield _hold
    for file in files:
        os.close(file)


def test_a_free_slot_is_taken_without_waiting(folder, hold):
    for number in range(CORES - 1):
        hold(number)
    waited: list[bool] = []
    with RecognitionSlots(str(folder), 60).take(lambda: waited.append(True)):
        other = os.open(folder / f"slot-{CORES - 1}", os.O_RDWR)
        with closing(os.fdopen(other)), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert waited == []


def test_a_slot_is_free_again_when_its_holder_is_killed(folder, hold):
    for number in range(CORES - 1):
        hold(number)
    command = [sys.executable, "-c", HOLDER, str(folder / f"slot-{CORES - 1}")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        # The holder is killed once it is known that a slot is waited for.
        with RecognitionSlots(str(folder), patient_s(60)).take(holder.kill):
            pass
        assert holder.wait() == -9


def test_waiting_is_bounded_over_all_pages(folder, hold):
    for number in range(CORES):
        hold(number)
    slots = RecognitionSlots(str(folder), 0.2)
    waited: list[bool] = []
    for _ in range(3):
        with slots.take(lambda: waited.append(True)):
            pass
    assert waited == [True]


def test_waiting_does_not_count_as_reading(tmp_path, folder, hold, read, tesseract):
    files = [hold(number) for number in range(CORES)]
    wall_s = patient_s(4.0)
    release = threading.Timer(1.5 * wall_s, lambda: [fcntl.flock(file, fcntl.LOCK_UN) for file in files])
    release.start()
    pages, _ = read(write_scan(tmp_path / "scan.pdf", [page_picture([PARAGRAPH])]), wall_s=wall_s)
    release.join()
    assert pages[0].text == PARAGRAPH
