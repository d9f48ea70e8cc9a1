"""The child process: its limits, how it ends from outside, and what it leaves behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import psutil
import pytest

from backend.library.extraction.errors import ReaderNotStarted, UnreadableFile
from backend.library.extraction.reader import DocumentFormat, ReadLimits, read_document
from backend.settings import OCR_PAGE_S
from tests.library.extraction.children import leave_out_others, reading_children
from tests.patience import HANG_S, patient_s, promised

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def only_children_of_the_test() -> None:
    """Ignore processes of other tests that live as long as the test process."""
    leave_out_others()


@pytest.fixture
def notes(make_pdf) -> Path:
    return make_pdf([[f"Page {number} says something about cells."] for number in range(300)])


def _child() -> psutil.Process:
    (child,) = reading_children()
    return child


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (signal.SIGKILL, "too_large"),
        (signal.SIGABRT, "too_large"),
        (signal.SIGSEGV, "damaged"),
        (signal.SIGTERM, "damaged"),
        (signal.SIGXCPU, "timed_out"),
    ],
)
def test_a_child_that_is_killed_is_a_typed_error(slow_text, sent, code):
    def kill(page: object) -> None:
        os.kill(_child().pid, sent)

    with pytest.raises(UnreadableFile) as refused:
        read_document(slow_text, DocumentFormat.TXT, ReadLimits(max_pages=10_000), kill)
    assert refused.value.code == code


@pytest.mark.parametrize(("sent", "children"), [(signal.SIGKILL, 2), (signal.SIGABRT, 1), (signal.SIGXCPU, 1)])
def test_only_a_child_that_the_system_kills_is_started_again_and_once(slow_text, sent, children):
    seen: set[int] = set()

    def kill(page: object) -> None:
        child = _child()
        seen.add(child.pid)
        os.kill(child.pid, sent)

    with pytest.raises(UnreadableFile):
        read_document(slow_text, DocumentFormat.TXT, ReadLimits(max_pages=10_000), kill)
    assert len(seen) == children


def test_a_document_whose_reader_was_killed_once_is_read_completely(slow_text):
    undisturbed: list[object] = []
    limits = ReadLimits(max_pages=10_000)
    report = read_document(slow_text, DocumentFormat.TXT, limits, undisturbed.append)
    killed: list[int] = []
    pages: list[object] = []

    def take(page: object) -> None:
        pages.append(page)
        if len(pages) == 2:
            killed.append(_child().pid)
            os.kill(killed[0], signal.SIGKILL)

    assert read_document(slow_text, DocumentFormat.TXT, limits, take) == report
    assert pages == undisturbed
    assert len(killed) == 1


def test_a_reading_is_checked_while_no_page_comes(tmp_path):
    # The reader waits for a writer that never comes.
    silent = tmp_path / "silent.txt"
    os.mkfifo(silent)

    class Deleted(Exception):
        pass

    def check() -> None:
        raise Deleted

    with pytest.raises(Deleted):
        read_document(silent, DocumentFormat.TXT, ReadLimits(wall_s=HANG_S), lambda page: None, check)
    assert reading_children() == []


@pytest.fixture
def slow_text(tmp_path) -> Path:
    """A text with more pages than fit in a pipe, so that its reader is still alive at the first page."""
    path = tmp_path / "long.txt"
    path.write_text("Some words about cells.\n" * 100_000, encoding="utf-8")
    return path


def test_the_wall_clock_ends_a_child_that_hangs(slow_text, monkeypatch):
    stopped = []

    def stop(page: object) -> None:
        if not stopped:
            stopped.append(_child().pid)
            os.kill(stopped[0], signal.SIGSTOP)

    # Long enough for the first page. Stopped, the child would never end by itself.
    limits = ReadLimits(max_pages=10_000, wall_s=patient_s(2.0))
    with promised("reading", 15), pytest.raises(UnreadableFile, match="timed_out"):
        read_document(slow_text, DocumentFormat.TXT, limits, stop)
    assert not psutil.pid_exists(stopped[0])


def test_time_spent_in_the_callback_does_not_count(slow_text, monkeypatch):
    pages = []
    skipped_s = 0.0
    # A clock that only the caller moves.
    monkeypatch.setattr("time.monotonic", lambda: skipped_s)

    def keep(page: object) -> None:
        nonlocal skipped_s
        if not pages:
            # The caller takes longer than reading may.
            skipped_s += HANG_S + 1
        pages.append(page)

    read_document(slow_text, DocumentFormat.TXT, ReadLimits(max_pages=10_000, wall_s=HANG_S), keep)
    assert len(pages) > 500


def test_an_exception_of_the_caller_ends_the_child_and_is_passed_on(slow_text):
    children = []

    def refuse(page: object) -> None:
        children.append(_child().pid)
        raise LookupError("cancelled")

    with pytest.raises(LookupError, match="cancelled"):
        read_document(slow_text, DocumentFormat.TXT, ReadLimits(max_pages=10_000), refuse)
    assert not psutil.pid_exists(children[0])


def test_nothing_is_left_behind(notes, read, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    descriptors = len(os.listdir("/proc/self/fd"))
    read(notes)
    (tmp_path / "x.pdf").write_bytes(b"rubbish")
    with pytest.raises(UnreadableFile, match="damaged"):
        read(tmp_path / "x.pdf")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing.pdf")
    assert list(temporary.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert reading_children() == []


def test_the_child_has_limits_and_no_environment(slow_text, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "a secret")
    seen = {}

    def look(page: object) -> None:
        if not seen:
            child = _child()
            seen["environment"] = child.environ()
            seen["folder"] = child.cwd()
            seen["session"] = os.getsid(child.pid) == child.pid
            for name in ("AS", "CPU", "FSIZE", "NOFILE", "CORE"):
                seen[name] = child.rlimit(getattr(psutil, f"RLIMIT_{name}"))[0]
            seen["last CPU"] = child.rlimit(psutil.RLIMIT_CPU)[1]

    limits = ReadLimits(max_pages=10_000, memory_bytes=700_000_000, wall_s=patient_s(30), ocr_max_pages=2)
    read_document(slow_text, DocumentFormat.TXT, limits, look)
    assert set(seen.pop("environment")) <= {"PATH", "LANG", "OMP_THREAD_LIMIT", "TMPDIR", "HOME"} | {
        "TESSDATA_PREFIX",
        "LD_LIBRARY_PATH",
    }
    assert not Path(seen.pop("folder")).exists()
    assert seen == {
        "session": True,
        "AS": 700_000_000,
        "CPU": patient_s(30) + 2 * OCR_PAGE_S,
        "last CPU": patient_s(30) + 2 * OCR_PAGE_S + 1,
        "FSIZE": 64_000_000,
        "NOFILE": 64,
        "CORE": 0,
    }


def test_the_child_dies_with_its_parent(slow_text):
    program = """
        import os, signal, sys, time
        from pathlib import Path
        import psutil
        from backend.library.extraction.reader import *
        def wait(page):
            child = psutil.Process().children()[0].pid
            # Stopped, it cannot notice by itself that nobody reads its pipe any more.
            os.kill(child, signal.SIGSTOP)
            print(child, flush=True)
            time.sleep(60)
        read_document(Path(sys.argv[1]), DocumentFormat.TXT, ReadLimits(max_pages=10_000), wait)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(slow_text)]
    # A killed parent cannot clean up, so the test must own its folder.
    environment = {**os.environ, "TMPDIR": str(slow_text.parent)}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    gone, _ = psutil.wait_procs([child], timeout=HANG_S)
    assert gone or child.status() == psutil.STATUS_ZOMBIE


def test_a_child_that_cannot_start_is_not_the_files_fault(notes, read, monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(ReaderNotStarted):
        read(notes)


def test_the_caller_and_the_child_import_only_what_they_need():
    program = "import sys; import backend.library.extraction.reader; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"flask", "sqlalchemy", "celery", "pypdfium2", "docx", "pptx", "lxml", "markdown_it"}
    assert not heavy & set(done.stdout.split())


def test_pages_arrive_while_the_rest_is_read(slow_text):
    alive = []
    read_document(
        slow_text,
        DocumentFormat.TXT,
        ReadLimits(max_pages=10_000),
        lambda page: alive.append(reading_children()[0].status() != psutil.STATUS_ZOMBIE),
    )
    assert alive[0]
    assert len(alive) > 500
