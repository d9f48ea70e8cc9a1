"""Images of pages over HTTP, made from real PDFs."""

import contextlib
import io
from uuid import UUID

import pytest
from PIL import Image
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from backend.core.database.transaction import transaction
from backend.library.page_images.slots import rendering_slot
from backend.library.service import drop_old_images


def make_pdf(*pages: str) -> bytes:
    """A PDF with one line on each page."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(600, 800))
    for line in pages:
        canvas.setFont("Helvetica", 20)
        canvas.drawString(60, 700, line)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def add_pdf(client, run_pending_jobs, content: bytes, name: str = "notes.pdf") -> str:
    """Upload a PDF and have it read. Returns the URL of the document."""
    made = client.upload(client.make_study_set(), (name, content)).json["documents"][0]
    run_pending_jobs()
    return f"/api/v1/documents/{made['id']}"


def test_a_page_is_shown_as_an_image_of_the_next_width(client, run_pending_jobs):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide.", "Cells grow."))
    answer = client.get(f"{document}/pages/2/image?width=700")
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "image/png"
    assert answer.headers["Cache-Control"] == "private, max-age=604800, immutable"
    image = Image.open(io.BytesIO(answer.data))
    assert image.size == (800, 1067)
    assert image.convert("L").getextrema()[0] < 50


def test_an_image_is_not_sent_again_to_a_caller_who_has_it(client, run_pending_jobs):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    tag = client.get(f"{document}/pages/1/image").headers["ETag"]
    assert client.get(f"{document}/pages/1/image", headers={"If-None-Match": tag}).status_code == 304
    assert client.get(f"{document}/pages/1/image?width=400", headers={"If-None-Match": tag}).status_code == 200


def test_only_the_owner_sees_pages(client, other_client, run_pending_jobs):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    tag = client.get(f"{document}/pages/1/image").headers["ETag"]
    assert other_client.get(f"{document}/pages/1/image", headers={"If-None-Match": tag}).status_code == 404
    assert client.get(f"{document}/pages/2/image").status_code == 404


def test_a_format_without_images_says_so(client, run_pending_jobs):
    document = add_pdf(client, run_pending_jobs, b"Cells divide.", "notes.txt")
    answer = client.get(f"{document}/pages/1/image")
    assert (answer.status_code, answer.json["code"]) == (409, "page_image_unavailable")


def test_no_more_pages_are_rendered_than_there_are_slots(app, client, run_pending_jobs):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    with contextlib.ExitStack() as others, app.app_context():
        for user in (1, 2):
            others.enter_context(rendering_slot(UUID(int=user)))
        answer = client.get(f"{document}/pages/1/image")
        assert (answer.status_code, answer.json["code"]) == (503, "page_images_busy")
        assert answer.headers["Retry-After"]
    assert client.get(f"{document}/pages/1/image").status_code == 200


def test_a_user_renders_one_page_at_a_time(app, client, run_pending_jobs):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    with app.app_context(), rendering_slot(client.user_id):
        assert client.get(f"{document}/pages/1/image").status_code == 503


def test_images_go_with_their_document(client, run_pending_jobs, query):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    client.get(f"{document}/pages/1/image")
    assert query("SELECT count(*) FROM image_pieces") == [(1,)]
    assert client.delete(document).status_code == 204
    assert query("SELECT count(*) FROM page_images") == query("SELECT count(*) FROM image_pieces") == [(0,)]


def test_images_in_a_bucket_are_discarded_with_their_document(client, run_pending_jobs, bucket, discard):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    client.get(f"{document}/pages/1/image")
    assert len(bucket.keys()) == 1
    client.delete(document)
    discard()
    assert bucket.keys() == []


def test_the_least_recently_used_images_of_a_user_make_room(client, run_pending_jobs, query, configure):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide.", "Cells grow."))
    client.get(f"{document}/pages/1/image")
    [(size,)] = query("SELECT size_bytes FROM page_images")
    query("UPDATE page_images SET used_at = now() - interval '1 day'")
    # A twentieth of the quota is for images.
    configure(STORAGE_QUOTA_BYTES=str(20 * (size + size // 2)))
    client.get(f"{document}/pages/2/image")
    assert query("SELECT page FROM page_images") == [(2,)]


def test_the_chore_keeps_images_of_all_users_within_their_bound(app, client, run_pending_jobs, query, configure):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide.", "Cells grow."))
    for page in (1, 2):
        client.get(f"{document}/pages/{page}/image")
    query("UPDATE page_images SET used_at = now() - interval '1 day' WHERE page = 2")
    configure(PAGE_IMAGE_BYTES=str(query("SELECT size_bytes FROM page_images WHERE page = 1")[0][0]))
    with app.app_context(), transaction():
        drop_old_images()
    assert query("SELECT page FROM page_images") == [(1,)]


def test_words_are_placed_where_they_are_drawn(client, run_pending_jobs, query):
    document = add_pdf(client, run_pending_jobs, make_pdf("Mitosis divides cells quickly."))
    client.get(f"{document}/pages/1/image")
    [(text, boxes)] = query("SELECT text, word_boxes FROM pages")
    words = [text[start:end] for start, end, *_ in boxes]
    assert words == ["Mitosis", "divides", "cells", "quickly."]
    left, top, right, bottom = boxes[0][2:]
    assert left == pytest.approx(60 / 600, abs=0.01)
    assert right == pytest.approx((60 + stringWidth("Mitosis", "Helvetica", 20)) / 600, abs=0.01)
    # The baseline is 100 of 800 units below the page's top edge.
    assert top < 100 / 800 <= bottom + 0.002
    assert [each[2] for each in boxes] == sorted(each[2] for each in boxes)
