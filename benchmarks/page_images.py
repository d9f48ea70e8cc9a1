"""Time for an image of a page, compared with a bare render of the same page and with a small read."""

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pypdfium2

from backend.core.database.transaction import transaction
from backend.core.work.runner import run_job
from backend.library import service as library
from backend.library.page_images.children import close_children
from backend.library.room import READING
from benchmarks.application import running_application
from benchmarks.documents import write_pdf
from benchmarks.figures import Measurement
from benchmarks.lists import sign_in

_PAGES = 60
_WARM_UP = 5
_REQUESTS = 200
_WIDTH = 1200

Ask = Callable[[str], bytes]


def measure_rendering(folder: Path) -> Measurement:
    """Measure the time for an image that nobody has asked for yet ÷ the time to open the file and render the page."""
    file = write_pdf(folder / "book.pdf", _PAGES)
    ours: list[float] = []
    bare: list[float] = []
    with _reader(file) as (ask, document):
        for number in range(1, _PAGES + 1):
            started = time.perf_counter()
            _render(file, number)
            rendered = time.perf_counter()
            ask(f"{document}/pages/{number}/image?width={_WIDTH}")
            bare.append(rendered - started)
            ours.append(time.perf_counter() - rendered)
    our_s, bare_s = median(ours[_WARM_UP:]), median(bare[_WARM_UP:])
    parts = {"api_ms": our_s * 1000, "bare_ms": bare_s * 1000, "first_ms": ours[0] * 1000}
    return Measurement(our_s / bare_s, {name: round(value, 1) for name, value in parts.items()})


def measure_kept(folder: Path) -> Measurement:
    """Measure the time for an image that is kept ÷ the time to read a document's row."""
    file = write_pdf(folder / "page.pdf", 1)
    seconds: dict[str, list[float]] = {"image": [], "read": []}
    with _reader(file) as (ask, document):
        paths = {"image": f"{document}/pages/1/image?width={_WIDTH}", "read": document}
        for _ in range(_WARM_UP + _REQUESTS):
            for name, path in paths.items():
                started = time.perf_counter()
                ask(path)
                seconds[name].append(time.perf_counter() - started)
    image_s, read_s = (median(taken[_WARM_UP:]) for taken in seconds.values())
    return Measurement(image_s / read_s, {"image_ms": round(image_s * 1000, 2), "read_ms": round(read_s * 1000, 2)})


@contextlib.contextmanager
def _reader(file: Path) -> Iterator[tuple[Ask, str]]:
    """Yield a function that reads a path of the API, and the path of a document that has been read."""
    with running_application() as app:
        client, headers, user_id = sign_in(app)

        def ask(path: str) -> bytes:
            answer = client.get(path, headers=headers)
            if answer.status_code != 200:
                raise ValueError(f"{path}: {answer.status}")
            return bytes(answer.data)

        with app.app_context():
            with transaction(), file.open("rb") as stream:
                study_set = library.create_study_set(user_id, "Images")
                incoming = library.IncomingFile(file.name, file, stream, file.stat().st_size)
                (added,) = library.add_documents(user_id, study_set.id, [incoming])
                document_id = added.document.id
            run_job(READING, document_id)
        yield ask, f"/api/v1/documents/{document_id}"
    close_children()


def _render(file: Path, number: int) -> None:
    page = pypdfium2.PdfDocument(file)[number - 1]
    image = page.render(scale=_WIDTH / page.get_width()).to_pil()
    image.save(io.BytesIO(), "PNG", compress_level=1)
