"""Images of pages over HTTP, made from real PDFs."""

import io

from PIL import Image
from reportlab.pdfgen.canvas import Canvas


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
