"""Office documents with the PDFs that a stand-in for LibreOffice makes of them."""

import io
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

from backend.core.work.queue import queue
from tests.library.extraction.word_files import paragraph, run, write_word_file

CELLS = "Mitosis divides cells quickly and evenly. " * 60
PLANTS = "Plants make sugar from light and water. " * 60


def make_word_file(folder: Path, *texts: str) -> bytes:
    """A Word file with a page for each text."""
    path = folder / "notes.docx"
    page_break = paragraph('<w:r><w:br w:type="page"/></w:r>')
    return write_word_file(path, page_break.join(paragraph(run(text)) for text in texts)).read_bytes()


def make_pdf(*pages: str) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(600, 800))
    for text in pages:
        words = text.split()
        for number in range(0, len(words), 8):
            canvas.drawString(40, 760 - 1.5 * number, " ".join(words[number : number + 8]))
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def add(client, name: str, content: bytes) -> str:
    made = client.upload(client.make_study_set(), (name, content)).json["documents"][0]
    return f"/api/v1/documents/{made['id']}"


def run_until_read(client, document: str, query) -> None:
    """Run jobs until the document is read, so that its conversion still waits."""
    [(document_id,)] = query("SELECT id FROM documents")
    with client.application.app_context():
        queue.tasks["library.read_document"].run(str(document_id))
    assert client.get(document).json["status"] == "ready"
