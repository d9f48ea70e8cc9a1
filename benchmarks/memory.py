"""Memory of the API during an upload, and of the worker under full load."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from benchmarks.documents import write_large_pdf, write_pdf
from benchmarks.figures import Measurement
from benchmarks.runs import SECTIONS
from benchmarks.system import CALLS_AT_ONCE, System, running_system

_UPLOAD_BYTES = 50_000_000
_UPLOADS = 5
_WARM_UPS = 20
_BOOK_PAGES = 300
_SAMPLE_EVERY_S = 0.05
_KB = 1024


def measure_upload(folder: Path) -> Measurement:
    """Measure the growth of the API processes' total peak memory during an upload."""
    with running_system(folder, workers=0, sweeper=False) as system:
        # The first requests load modules in each process, which must not count as the upload's memory.
        small = write_pdf(folder / "notes.pdf", 1)
        for _ in range(_WARM_UPS):
            system.upload(small)
        growths = []
        for number in range(_UPLOADS):
            file = write_large_pdf(folder / "book.pdf", _UPLOAD_BYTES, seed=number)
            growths.append(_growth_bytes(system, file))
    megabytes = [round(growth / 1e6, 1) for growth in growths]
    return Measurement(max(growths) / 1e6, {"uploads_mb": megabytes, "file_mb": _UPLOAD_BYTES / 1e6})


def _growth_bytes(system: System, file: Path) -> int:
    pids = [child.pid for child in psutil.Process(system.stack.part("api").pid).children()]
    for pid in pids:
        # Resets the peak to the current resident size (proc(5)).
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = [_peak_bytes(pid) for pid in pids]
    system.upload(file)
    return sum(_peak_bytes(pid) - peak for pid, peak in zip(pids, before, strict=True))


def _peak_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * _KB for line in lines if line.startswith("VmHWM:"))


def measure_worker(folder: Path) -> Measurement:
    """Measure the peak memory of a worker's programs, with pool and readers. Shared pages count once (PSS)."""
    notes = write_pdf(folder / "notes.pdf", 2 * SECTIONS)
    book = write_pdf(folder / "book.pdf", _BOOK_PAGES, seed=2)
    with running_system(folder) as system:
        with _sampled(system.stack.program_pids("worker-1")) as samples:
            # The book is uploaded while the pool is busy with calls for other notes.
            first = system.start_run(system.upload(notes))
            time.sleep(1.5)
            second = system.start_run(system.upload(book))
            system.wait_until_ended([first, second])
        at_once = most_at_once([(call["at_in"], call["at_out"]) for call in system.model.calls()])
    if at_once < CALLS_AT_ONCE:
        raise ValueError(f"only {at_once} calls were made at the same time")
    peak, processes = max(samples)
    return Measurement(
        peak / 1e6,
        {
            "how": f"PSS of both programs with all their children, every {_SAMPLE_EVERY_S * 1000:.0f} ms",
            "samples": len(samples),
            "processes_at_peak": processes,
            "idle_mb": round(samples[0][0] / 1e6),
            "calls_at_once": at_once,
        },
    )


def most_at_once(spans: list[tuple[float, float]]) -> int:
    """Return the maximum number of overlapping time spans, each given as start and end."""
    # An end sorts before a start at the same time.
    moments = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    most = now = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    return most


@contextlib.contextmanager
def _sampled(pids: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
    """Yield a list that collects samples: the total PSS in bytes and the number of processes."""
    samples = [_families(pids)]
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_EVERY_S):
            samples.append(_families(pids))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _families(pids: Sequence[int]) -> tuple[int, int]:
    mains = [psutil.Process(pid) for pid in pids]
    families = [each for main in mains for each in (main, *main.children(recursive=True))]
    sizes = [_pss_bytes(each.pid) for each in families]
    return sum(sizes), sum(size > 0 for size in sizes)


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # It has ended since it was listed.
    return next((int(line.split()[1]) * _KB for line in lines if line.startswith("Pss:")), 0)
