"""Images of pages over HTTP, made from real PDFs."""

import contextlib
import io
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pypdfium2
import pytest
from PIL import Image
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from backend.core.database.transaction import transaction
from backend.library.extraction.formats import DocumentFormat
from backend.library.files.objects import IN_POSTGRES
from backend.library.page_images import renderer
from backend.library.page_images.children import close_children
from backend.library.page_images.errors import PageImageFailed, PageImageInterrupted
from backend.library.page_images.kept_images import USERS_PART, ImageOf, add_image
from backend.library.page_images.renderer import render_page
from backend.library.page_images.slots import rendering_slot
from backend.library.service import drop_old_images
from tests.patience import wait_for


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


@pytest.mark.parametrize(("colour", "mode"), [("0.4", "P"), ("0.4 0.4 0.5", "RGB")], ids=["grey", "coloured"])
def test_pixels_are_those_that_pdfium_draws(tmp_path, colour, mode):
    path = tmp_path / "document.pdf"
    operator = "g" if mode == "P" else "rg"
    circle = "300 100 m 500 100 500 700 300 700 c 100 700 100 100 300 100 c f"
    path.write_bytes(raw_pdf("0 0 600 800", f"{colour} {operator} {circle}"))
    drawn = pypdfium2.PdfDocument(path)[0].render(scale=2).to_pil()
    image = Image.open(render_page(path, DocumentFormat.PDF, 1, 1200, None).path)
    # Greys as a palette: a third of the bytes.
    assert image.mode == mode
    assert image.convert("RGB").tobytes() == drawn.tobytes()


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


def make_photograph(width: int, height: int, orientation: int = 1, colour: str = "red") -> bytes:
    """A JPEG whose left half has a colour and whose right half is white, as the camera saw it."""
    image = Image.new("RGB", (width, height), "white")
    image.paste(colour, (0, 0, width // 2, height))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "taken at home"
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    return file.getvalue()


@pytest.fixture
def photographs(client, query) -> Callable[..., str]:
    """Upload photographs as one document, as if it had been read. Returns the URL of the document."""

    def add(*contents: bytes) -> str:
        files = [(f"{number}.jpg", content) for number, content in enumerate(contents)]
        data = {"files": [(io.BytesIO(content), name) for name, content in files]}
        if len(files) > 1:
            data["combine"] = "true"
        path = f"/api/v1/study-sets/{client.make_study_set()}/documents"
        answer = client.post(path, data=data)
        assert answer.status_code == 201, answer.text
        document = answer.json["documents"][0]["id"]
        for number in range(1, len(contents) + 1):
            query(
                "INSERT INTO pages (document_id, number, text, source) VALUES (:document, :number, '', 'ocr')",
                document=document,
                number=number,
            )
        return f"/api/v1/documents/{document}"

    return add


def test_photographs_are_shown_the_way_up_they_were_taken(client, photographs):
    # Turned clockwise by 90 degrees, the camera's left side is at the top.
    answer = client.get(f"{photographs(make_photograph(1600, 1000, orientation=6))}/pages/1/image?width=400")
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "image/jpeg"
    assert b"taken at home" not in answer.data
    image = Image.open(io.BytesIO(answer.data))
    assert image.size == (400, 640)
    top, bottom = image.getpixel((200, 100)), image.getpixel((200, 540))
    assert top[0] > 200 > 100 > top[1]
    assert min(bottom) > 200


def test_each_photograph_of_a_bundle_is_a_page(client, photographs):
    document = photographs(make_photograph(800, 600), make_photograph(800, 600, colour="blue"))
    for number, channel in ((1, 0), (2, 2)):
        image = Image.open(io.BytesIO(client.get(f"{document}/pages/{number}/image?width=400").data))
        pixel = image.getpixel((50, 150))
        assert pixel[channel] == max(pixel) > 200
    assert client.get(f"{document}/pages/3/image").status_code == 404


def test_a_photograph_is_not_enlarged(client, photographs):
    answer = client.get(f"{photographs(make_photograph(300, 200))}/pages/1/image?width=2400")
    assert Image.open(io.BytesIO(answer.data)).size == (300, 200)


@pytest.mark.parametrize("width", ["0", "-5", "100000", "wide", ""])
def test_a_wrong_width_is_refused(client, run_pending_jobs, width):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    answer = client.get(f"{document}/pages/1/image?width={width}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert "width" in str(answer.json)


def test_what_images_take_is_shown_with_the_quota(client, run_pending_jobs, query):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    before = client.get("/api/v1/users/me/quotas").json
    assert before["page_images_bytes"] == 0
    client.get(f"{document}/pages/1/image")
    after = client.get("/api/v1/users/me/quotas").json
    assert after["page_images_bytes"] == query("SELECT size_bytes FROM page_images")[0][0]
    assert after["storage_used_bytes"] == before["storage_used_bytes"]


def test_images_that_are_added_together_stay_within_the_bound(app, client, run_pending_jobs, query, configure):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    document_id = UUID(document.rpartition("/")[2])
    image = b"\x89PNG" + bytes(10_000)
    configure(STORAGE_QUOTA_BYTES=str(USERS_PART * 3 * len(image)))
    ready = threading.Barrier(6)

    def add(width: int) -> None:
        with app.app_context():
            ready.wait()
            with transaction():
                add_image(client.user_id, ImageOf(document_id, 1, width), io.BytesIO(image), IN_POSTGRES)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(add, range(1, 7)))
    assert query("SELECT count(*), sum(size_bytes) FROM page_images") == [(3, 3 * len(image))]
    assert query("SELECT count(*) FROM image_pieces") == [(3,)]


def test_a_page_that_cannot_be_rendered_is_not_tried_again_and_again(client, run_pending_jobs, query):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    query("UPDATE stored_pieces SET data = decode('255044462d312e370a', 'hex')")
    query("UPDATE documents SET size_bytes = 9")
    assert client.get(f"{document}/pages/1/image").json["code"] == "page_image_failed"
    assert query("SELECT stored_in, size_bytes FROM page_images") == [(None, 0)]
    close_children()
    assert client.get(f"{document}/pages/1/image").json["code"] == "page_image_failed"
    assert children_of(os.getpid()) == []


def test_a_waiting_child_that_was_killed_is_replaced(client, run_pending_jobs):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    assert client.get(f"{document}/pages/1/image?width=400").status_code == 200
    [child] = children_of(os.getpid())
    os.kill(child, signal.SIGKILL)
    assert client.get(f"{document}/pages/1/image?width=800").status_code == 200


def children_of(pid: int) -> list[int]:
    """Return the processes that wait for jobs of rendering, or work on one."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            if b"page_images.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    """A photograph whose decoding never ends: a pipe in which nothing comes."""
    path = tmp_path / "document.png"
    os.mkfifo(path)
    return path


def test_a_renderer_that_is_killed_may_be_tried_again(stuck):
    close_children()
    with ThreadPoolExecutor(1) as threads:
        rendering = threads.submit(render_page, stuck, DocumentFormat.PNG, 1, 400, None)
        [child] = wait_for("start", lambda: children_of(os.getpid()))
        [working] = wait_for("renderer", lambda: Path(f"/proc/{child}/task/{child}/children").read_text().split())
        os.kill(int(working), signal.SIGKILL)
        with pytest.raises(PageImageInterrupted):
            rendering.result()


def test_a_renderer_that_hangs_is_ended(stuck, monkeypatch):
    monkeypatch.setattr(renderer, "_WALL_S", 1.0)
    close_children()
    with pytest.raises(PageImageFailed):
        render_page(stuck, DocumentFormat.PNG, 1, 400, None)
    assert children_of(os.getpid()) == []


def raw_pdf(box: str, content: str = "") -> bytes:
    """A PDF of one page with this box and this content."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 4 0 R >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
    ]
    body = "%PDF-1.7\n" + "".join(f"{number} 0 obj\n{each}\nendobj\n" for number, each in enumerate(objects, 1))
    return f"{body}trailer << /Root 1 0 R /Size 5 >>\nstartxref\n0\n%%EOF".encode()


@pytest.mark.parametrize(
    ("content", "sizes"),
    [
        (raw_pdf("0 0 1000000 1000000"), {(2400, 2400)}),
        (raw_pdf("0 0 10 1000000"), {(1, 8000)}),
        (raw_pdf("0 0 1000000 1"), {(2400, 1)}),
        (raw_pdf("0 0 600 800", "0 0 m 600 800 l S " * 2_000), {(2400, 3200)}),
        (raw_pdf("0 0 600 800", "q " * 100_000), {(2400, 3200)}),
        (b"%PDF-1.7 and no more", None),
    ],
    ids=["large", "high", "wide", "many paths", "nested states", "no PDF"],
)
def test_hostile_pages_are_rendered_small_or_refused(tmp_path, content, sizes):
    path = tmp_path / "document.pdf"
    path.write_bytes(content)
    if sizes is None:
        with pytest.raises(PageImageFailed):
            render_page(path, DocumentFormat.PDF, 1, 2400, "")
        return
    rendered = render_page(path, DocumentFormat.PDF, 1, 2400, "")
    width, height = Image.open(rendered.path).size
    assert width * height <= 12_100_000
    assert any(abs(width - wide) <= 1 and abs(height - high) <= 1 for wide, high in sizes)
