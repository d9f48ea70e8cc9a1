"""Conversions of Office documents as jobs: queued, claimed, locked, and kept within bounds."""

import fcntl
import os
import signal
import termios
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from backend.core.database.transaction import transaction
from backend.core.work import jobs
from backend.core.work.queue import queue
from backend.core.work.sweep import sweep
from backend.library.models import Conversion, Document
from backend.library.page_images import renderer
from backend.library.page_images.children import close_children
from backend.library.reading_places import claim_conversion, claim_place
from backend.library.room import CONVERTING, READING
from tests.blocked import wait_for_blocked
from tests.library.office_files import CELLS, PLANTS, add, make_pdf, make_word_file, run_until_read
from tests.library.test_page_images import children_of
from tests.patience import HANG_S, wait_for


@pytest.fixture
def read_word_file(client, convert_into, tmp_path, query) -> None:
    """A Word file that was read, and whose conversion waits."""
    convert_into(make_pdf(CELLS))
    run_until_read(client, add(client, "notes.docx", make_word_file(tmp_path, CELLS)), query)


def test_one_document_is_converted_at_a_time(app, client, convert_into, run_pending_jobs, tmp_path, query):
    convert_into(make_pdf(CELLS))
    for text in (CELLS, PLANTS):
        add(client, "notes.docx", make_word_file(tmp_path, text))
    run_pending_jobs()
    query("UPDATE conversions SET state = 'queued', ended_at = NULL")
    first, second = (row[0] for row in query("SELECT id FROM conversions ORDER BY id"))
    with app.app_context():
        with transaction():
            assert claim_conversion(Conversion, first) is not None
        with transaction():
            assert claim_conversion(Conversion, second) is None
        query("UPDATE conversions SET state = 'done', lease_until = NULL WHERE state = 'running'")
        with transaction():
            assert claim_conversion(Conversion, second) is not None


@pytest.mark.usefixtures("read_word_file")
def test_a_conversion_and_a_reading_leave_a_place_to_other_work(app, client, configure, messages, query):
    configure(CELERY_CONCURRENCY="2")
    client.upload(client.make_study_set(), ("cells.txt", b"Cells divide."))
    [(conversion,)] = query("SELECT id FROM conversions")
    [(waiting,)] = query("SELECT id FROM documents WHERE state = 'queued'")
    messages.take()
    with app.app_context():
        with transaction():
            held = claim_conversion(Conversion, conversion)
            assert held is not None
        with transaction():
            assert claim_place(Document, waiting) is None
        with transaction():
            jobs.finish(Conversion, held)
        CONVERTING.released()
        assert messages.take() == [waiting]
        with transaction():
            assert claim_place(Document, waiting) is not None


@pytest.mark.usefixtures("read_word_file")
def test_a_conversion_waits_for_a_place(app, client, configure, messages, query):
    configure(CELERY_CONCURRENCY="2")
    client.upload(client.make_study_set(), ("cells.txt", b"Cells divide."))
    [(conversion,)] = query("SELECT id FROM conversions")
    [(reading,)] = query("SELECT id FROM documents WHERE state = 'queued'")
    with app.app_context():
        with transaction():
            held = claim_place(Document, reading)
            assert held is not None
        with transaction():
            assert claim_conversion(Conversion, conversion) is None
        messages.take()
        assert sweep().sent == 0
        with transaction():
            jobs.finish(Document, held)
        READING.released()
        assert messages.take() == [conversion]
        with transaction():
            assert claim_conversion(Conversion, conversion) is not None


def test_conversions_end_after_libreoffice_was_switched_off(
    client, run_pending_jobs, convert_into, configure, tmp_path, query
):
    convert_into(make_pdf(CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_until_read(client, document, query)
    [(conversion,)] = query("SELECT id FROM conversions")
    configure(WITH_LIBREOFFICE="0")
    with client.application.app_context():
        queue.tasks[Conversion.task].run(str(conversion))
        # Perhaps another worker has it.
        assert client.get(f"{document}/pages/1/image").json["code"] == "page_image_pending"
        query("UPDATE conversions SET available_at = now() - interval '1 hour'")
        queue.tasks[Conversion.task].run(str(conversion))
    assert client.get(f"{document}/pages/1/image").json["code"] == "office_pages_not_shown"
    assert run_pending_jobs() == 0


def test_a_dropped_pdf_is_made_again_on_request(client, run_pending_jobs, convert_into, tmp_path, query):
    convert_into(make_pdf(CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_pending_jobs()
    query("DELETE FROM converted_pieces")
    query("UPDATE conversions SET stored_in = NULL")
    assert client.get(f"{document}/pages/1/image").json["code"] == "page_image_pending"
    run_pending_jobs()
    assert client.get(f"{document}/pages/1/image").status_code == 200
    assert (tmp_path / "starts").read_text() == "xx"


@pytest.mark.parametrize("is_queued", [False, True])
def test_an_expired_file_is_named_and_can_be_uploaded_again(
    client, run_pending_jobs, convert_into, tmp_path, query, is_queued
):
    convert_into(make_pdf(CELLS, PLANTS))
    study_set, content = client.make_study_set(), make_word_file(tmp_path, CELLS, PLANTS)
    made = client.upload(study_set, ("notes.docx", content)).json["documents"][0]
    pages = f"/api/v1/documents/{made['id']}/pages"
    run_pending_jobs()
    assert client.get(f"{pages}/2/image").status_code == 200
    query("DELETE FROM converted_pieces")
    query("UPDATE conversions SET stored_in = NULL")
    if is_queued:
        assert client.get(f"{pages}/1/image").json["code"] == "page_image_pending"
    query("DELETE FROM stored_pieces")
    query("UPDATE documents SET stored_in = NULL")
    run_pending_jobs()
    expired = client.get(f"{pages}/1/image")
    assert (expired.status_code, expired.json["code"]) == (410, "file_expired")
    if not is_queued:
        assert client.get(f"{pages}/2/image").status_code == 200
    assert client.upload(study_set, ("notes.docx", content)).json["documents"][0]["id"] == made["id"]
    assert client.get(f"{pages}/1/image").json["code"] == "page_image_pending"
    run_pending_jobs()
    assert client.get(f"{pages}/1/image").status_code == 200


def test_a_user_keeps_their_newest_pdfs(client, run_pending_jobs, convert_into, configure, tmp_path, query):
    pdf = make_pdf(CELLS)
    convert_into(pdf)
    for text in (CELLS, PLANTS):
        add(client, "notes.docx", make_word_file(tmp_path, text))
    # A tenth of the quota is for PDFs.
    configure(STORAGE_QUOTA_BYTES=str(15 * len(pdf)))
    run_pending_jobs()
    assert query("SELECT stored_in IS NOT NULL FROM conversions ORDER BY ended_at") == [(False,), (True,)]
    assert query("SELECT count(DISTINCT conversion_id) FROM converted_pieces") == [(1,)]


@pytest.mark.parametrize("work", ["conversion", "request"])
def test_the_document_is_locked_before_its_conversion(
    client, run_pending_jobs, convert_into, tmp_path, query, engine, work
):
    convert_into(make_pdf(CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    if work == "conversion":
        run_until_read(client, document, query)
    else:
        run_pending_jobs()
        query("UPDATE conversions SET stored_in = NULL")
    with ThreadPoolExecutor() as pool, engine.connect() as deleting:
        deleting.execute(sa.text("SELECT id FROM documents FOR UPDATE"))
        going = pool.submit(
            run_pending_jobs if work == "conversion" else partial(client.get, f"{document}/pages/1/image")
        )
        try:
            wait_for_blocked(engine)
            # Deleting the document goes on to its conversion.
            deleting.execute(sa.text("SELECT id FROM conversions FOR UPDATE NOWAIT"))
            deleting.execute(sa.text("DELETE FROM documents"))
            deleting.commit()
        finally:
            deleting.rollback()
        going.result()
    assert query("SELECT count(*) FROM conversions") == [(0,)]


def test_reading_again_converts_again(client, run_pending_jobs, convert_into, tmp_path, query):
    convert_into(make_pdf(PLANTS, CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_pending_jobs()
    tag = client.get(f"{document}/pages/1/image").headers["ETag"]
    convert_into(make_pdf(CELLS))
    client.post(f"{document}/reread")
    run_pending_jobs()
    again = client.get(f"{document}/pages/1/image", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert query("SELECT printed_pages FROM conversions") == [([1],)]


def test_reading_again_without_libreoffice_keeps_nothing_of_the_old_conversion(
    client, run_pending_jobs, convert_into, configure, tmp_path, query
):
    convert_into(make_pdf(PLANTS, CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_pending_jobs()
    assert client.get(f"{document}/pages/1/image").status_code == 200
    configure(WITH_LIBREOFFICE="0")
    client.post(f"{document}/reread")
    run_pending_jobs()
    assert client.get(f"{document}/pages/1/image").json["code"] == "office_pages_not_shown"
    assert query("SELECT count(*) FROM page_images") == [(0,)]


@pytest.mark.parametrize(("is_damaged", "status"), [(False, 200), (True, 422)], ids=["image and boxes", "failure"])
def test_nothing_is_kept_of_an_old_conversion(
    client, run_pending_jobs, convert_into, monkeypatch, tmp_path, query, is_damaged, status
):
    monkeypatch.setattr(renderer, "_WALL_S", HANG_S)
    convert_into(make_pdf(CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_pending_jobs()
    close_children()
    tag = client.get(f"{document}/pages/1/image").headers["ETag"]
    query("DELETE FROM page_images")
    query("UPDATE pages SET word_boxes = NULL")
    if is_damaged:
        query("UPDATE converted_pieces SET data = '%PDF'")
        query("UPDATE conversions SET size_bytes = 4")
    with ThreadPoolExecutor() as pool:
        with frozen_renderer() as has_job:
            rendering = pool.submit(client.get, f"{document}/pages/1/image")
            wait_for("job of rendering", has_job)
            assert client.post(f"{document}/reread").status_code == 202
            run_pending_jobs()
        assert rendering.result().status_code == status
    assert query("SELECT count(*) FROM page_images") == [(0,)]
    assert query("SELECT count(word_boxes) FROM pages") == [(0,)]
    assert client.get(f"{document}/pages/1/image").headers["ETag"] != tag
    assert query("SELECT count(*), count(stored_in) FROM page_images") == [(1, 1)]
    assert query("SELECT count(word_boxes) FROM pages") == [(1,)]


@contextmanager
def frozen_renderer() -> Iterator[Callable[[], bool]]:
    """Freeze the process that waits for jobs of rendering. Yields a function that tells whether a job waits for it."""
    [child] = children_of(os.getpid())

    def is_frozen() -> bool:
        return Path(f"/proc/{child}/stat").read_text(encoding="ascii").rpartition(") ")[2].startswith("T")

    def has_job() -> bool:
        with open(f"/proc/{child}/fd/0", "rb", buffering=0) as jobs:
            return any(fcntl.ioctl(jobs, termios.FIONREAD, bytes(4)))

    os.kill(child, signal.SIGSTOP)
    try:
        wait_for("frozen renderer", is_frozen)
        yield has_job
    finally:
        os.kill(child, signal.SIGCONT)


def test_a_pdf_larger_than_the_bound_is_kept_while_it_is_the_newest(
    client, run_pending_jobs, convert_into, configure, tmp_path, query
):
    pdf = make_pdf(CELLS)
    convert_into(pdf)
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    configure(STORAGE_QUOTA_BYTES=str(5 * len(pdf)))
    run_pending_jobs()
    assert client.get(f"{document}/pages/1/image").status_code == 200
    assert query("SELECT stored_in IS NOT NULL FROM conversions") == [(True,)]
    assert (tmp_path / "starts").read_text() == "x"
