"""Time for reading a document in the worker, compared with pypdfium2 alone."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.service import sign_in_for_development
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.work.runner import run_job
from backend.library import service as library
from backend.library.models import Document
from backend.library.room import READING
from benchmarks.application import running_application
from benchmarks.documents import write_pdf
from benchmarks.figures import Measurement

_PAGES = 300
_REPEATS = 7
_SCRIPT = Path(__file__).with_name("plain_reading.py")


def measure_reading(folder: Path) -> Measurement:
    """Measure the library's job from claim to recorded pages ÷ a complete script that reads the same file."""
    file = write_pdf(folder / "book.pdf", _PAGES)
    ours: list[float] = []
    plain: list[float] = []
    with running_application() as app, app.app_context():
        document_id = _add_document(file)
        for _ in range(_REPEATS + 1):
            plain.append(_plain_s(file))
            ours.append(_job_s(document_id))
    # The first round fills the file cache and the statement cache.
    del plain[0], ours[0]
    ratio = median(our / their for our, their in zip(ours, plain, strict=True))
    return Measurement(ratio, {"job_s": round(median(ours), 3), "pypdfium2_s": round(median(plain), 3)})


def _add_document(file: Path) -> UUID:
    with transaction(), file.open("rb") as stream:
        user_id = sign_in_for_development("reader@example.org")
        study_set = library.create_study_set(user_id, "Reading")
        incoming = library.IncomingFile(file.name, file, stream, file.stat().st_size)
        (added,) = library.add_documents(user_id, study_set.id, [incoming])
        return added.document.id


def _plain_s(file: Path) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, str(_SCRIPT), str(file)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _job_s(document_id: UUID) -> float:
    with transaction():
        db.session.execute(sa.update(Document).where(Document.id == document_id).values(state="queued"))
    started = time.perf_counter()
    run_job(READING, document_id)
    seconds = time.perf_counter() - started
    with transaction():
        document = db.session.get_one(Document, document_id)
        if (document.state, document.pages_read) != ("done", _PAGES):
            raise ValueError(f"the document is {document.state} with {document.pages_read} pages")
    return seconds
