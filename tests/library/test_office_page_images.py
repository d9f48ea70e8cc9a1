"""Pages of Office documents as images: converted once by the worker, with LibreOffice or a stand-in for it."""

import io
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from backend.library.extraction.errors import UnreadableFile
from backend.library.page_images import libreoffice
from backend.library.page_images.page_map import map_pages
from tests.library.extraction.opendocument.odf_files import frame, write_odf
from tests.library.extraction.opendocument.odf_files import paragraph as odf_paragraph
from tests.library.extraction.slides.deck import Deck, title
from tests.library.office_files import CELLS, PLANTS, add, make_pdf, make_word_file, run_until_read
from tests.patience import patient_s, wait_for

WRITE_PDF = "open(os.path.join(sys.argv[-2], 'document.pdf'), 'wb').write(b'%PDF')"


MANIFEST = """<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<m:file-entry m:full-path="/" m:media-type="application/vnd.oasis.opendocument.text"/>
<m:file-entry m:full-path="content.xml" m:media-type="text/xml"/></m:manifest>"""


def test_pages_are_shown_once_the_document_is_converted(client, run_pending_jobs, convert_into, tmp_path, query):
    convert_into(make_pdf(PLANTS, CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_until_read(client, document, query)
    waiting = client.get(f"{document}/pages/1/image")
    assert (waiting.status_code, waiting.json["code"]) == (409, "page_image_pending")
    assert waiting.headers["Retry-After"]
    run_pending_jobs()
    shown = client.get(f"{document}/pages/1/image?width=400")
    assert shown.status_code == 200, shown.text
    assert shown.headers["Cache-Control"] == "private, no-cache"
    assert Image.open(io.BytesIO(shown.data)).width == 400
    client.get(f"{document}/pages/1/image?width=800")
    assert (tmp_path / "starts").read_text() == "x"
    # The printed page with the words of ours is the second one.
    assert query("SELECT printed_pages FROM conversions") == [([2],)]


def test_without_libreoffice_the_user_is_told(client, run_pending_jobs, tmp_path):
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_pending_jobs()
    answer = client.get(f"{document}/pages/1/image")
    assert (answer.status_code, answer.json["code"]) == (409, "office_pages_not_shown")


@pytest.mark.parametrize(
    ("language", "beginning"),
    [
        ("de", "Diese Seite lässt sich nicht"),
        ("en", "This page cannot be shown"),
        ("fr", "Cette page ne peut pas"),
        ("it", "Questa pagina non può"),
    ],
)
def test_a_page_that_is_not_in_the_pdf_has_its_own_sentence(
    client, run_pending_jobs, convert_into, tmp_path, language, beginning
):
    convert_into(make_pdf(CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS, PLANTS))
    run_pending_jobs()
    answer = client.get(f"{document}/pages/2/image", headers={"Accept-Language": language})
    assert (answer.status_code, answer.json["code"]) == (409, "page_not_found_in_pdf")
    assert answer.json["detail"].startswith(beginning)


def test_evidence_in_a_converted_document_has_boxes(client, run_pending_jobs, convert_into, tmp_path):
    text = "Mitosis divides cells quickly and evenly in all plants."
    convert_into(make_pdf(text))
    study_set = client.make_study_set()
    content = make_word_file(tmp_path, text)
    document = client.upload(study_set, ("notes.docx", content)).json["documents"][0]["id"]
    run_pending_jobs()
    evidence = {"document_id": document, "page": 1, "quote": "divides cells quickly"}
    card = client.post(
        f"/api/v1/study-sets/{study_set}/flashcards", json={"front": "a", "back": "b", "evidence": evidence}
    )
    [found] = client.get(f"/api/v1/flashcards/{card.json['id']}/evidence").json
    assert len(found["boxes"]) == 3


def test_a_document_that_cannot_be_converted_has_no_images(client, run_pending_jobs, install, tmp_path, query):
    install("sys.exit(1)")
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_pending_jobs()
    answer = client.get(f"{document}/pages/1/image")
    assert (answer.status_code, answer.json["code"]) == (422, "page_image_failed")
    assert query("SELECT state, error_code FROM conversions") == [("failed", "damaged")]
    assert client.get(document).json["status"] == "ready"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (
            "kept = bytearray(500_000_000)\nopen(os.path.join(sys.argv[-2], 'document.pdf'), 'wb').write(b'%PDF')",
            "damaged",
        ),
        ("os.abort()", "too_large"),
        ("open(os.path.join(sys.argv[-2], 'document.pdf'), 'wb').write(bytes(80_000_000))", "damaged"),
        ("time.sleep(600)", "timed_out"),
    ],
    ids=["memory", "aborted", "a huge file", "hangs"],
)
def test_a_hostile_document_ends_its_conversion(install, tmp_path, monkeypatch, script, code):
    program = install(script)
    monkeypatch.setattr(libreoffice, "CONVERT_S", patient_s(5.0) if code != "timed_out" else 2.0)
    document = tmp_path / "work" / "document.docx"
    document.parent.mkdir()
    document.write_bytes(b"PK")
    with pytest.raises(UnreadableFile) as caught:
        libreoffice.convert_to_pdf(program, document, lambda: None)
    assert caught.value.code == code


@pytest.mark.parametrize("times", [1, 2])
def test_libreoffice_is_started_once_more_when_the_system_kills_it(install, tmp_path, times):
    starts = tmp_path / "starts"
    program = install(
        f"open({str(starts)!r}, 'a').write('x')\n"
        f"if os.path.getsize({str(starts)!r}) <= {times}:\n    os.kill(os.getpid(), 9)\n{WRITE_PDF}"
    )
    document = tmp_path / "work" / "document.docx"
    document.parent.mkdir()
    document.write_bytes(b"PK")
    if times == 1:
        assert libreoffice.convert_to_pdf(program, document, lambda: None).read_bytes() == b"%PDF"
    else:
        with pytest.raises(UnreadableFile) as caught:
            libreoffice.convert_to_pdf(program, document, lambda: None)
        assert caught.value.code == "too_large"
    assert starts.read_text() == "xx"


def test_libreoffice_has_no_network(install, tmp_path):
    program = install(f"import socket\ntry:\n    socket.socket()\nexcept PermissionError:\n    {WRITE_PDF}")
    document = tmp_path / "work" / "document.docx"
    document.parent.mkdir()
    document.write_bytes(b"PK")
    assert libreoffice.convert_to_pdf(program, document, lambda: None).read_bytes() == b"%PDF"


def test_libreoffice_ends_with_the_process_that_started_it(install, tmp_path):
    program = install(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")
    document = tmp_path / "work" / "document.docx"
    document.parent.mkdir()
    document.write_bytes(b"PK")
    script = (
        "import sys; from pathlib import Path; from backend.library.page_images.libreoffice import convert_to_pdf;"
        "convert_to_pdf(Path(sys.argv[1]), Path(sys.argv[2]), lambda: None)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(program), str(document)])
    try:
        wait_for("start of the program", lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    pid = int((tmp_path / "pid").read_text())
    wait_for("end of the program", lambda: not is_running(pid))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_pdf_whose_bytes_are_gone_is_made_again(client, run_pending_jobs, convert_into, tmp_path, query):
    convert_into(make_pdf(CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_pending_jobs()
    query("DELETE FROM converted_pieces")
    assert client.get(f"{document}/pages/1/image").json["code"] == "page_image_pending"
    run_pending_jobs()
    assert client.get(f"{document}/pages/1/image").status_code == 200


def test_a_pdf_in_a_former_bucket_is_made_again(
    client, run_pending_jobs, convert_into, tmp_path, query, bucket, configure
):
    convert_into(make_pdf(CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_pending_jobs()
    bucket.gate.shut()
    assert client.get(f"{document}/pages/1/image").status_code == 503
    configure(DOCUMENT_STORAGE="postgres")
    assert client.get(f"{document}/pages/1/image").json["code"] == "page_image_pending"
    run_pending_jobs()
    assert client.get(f"{document}/pages/1/image").status_code == 200
    assert query("SELECT stored_in FROM conversions") == [("postgres",)]


def test_the_pdf_goes_with_its_document(client, run_pending_jobs, convert_into, tmp_path, query):
    convert_into(make_pdf(CELLS))
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS))
    run_pending_jobs()
    client.get(f"{document}/pages/1/image")
    assert client.get("/api/v1/users/me/quotas").json["page_images_bytes"] > 0
    assert client.delete(document).status_code == 204
    for table in ("conversions", "converted_pieces", "page_images", "image_pieces"):
        assert query(f"SELECT count(*) FROM {table}") == [(0,)]
    assert client.get("/api/v1/users/me/quotas").json["page_images_bytes"] == 0


@pytest.mark.parametrize(
    ("texts", "printed", "are_slides", "shown"),
    [
        (["a b c d", "e f g h"], ["a b c", "d e f g", "h"], False, [1, 2]),
        (["a b c d", "x y z"], ["a b c d"], False, [1, None]),
        (["", "b"], ["", ""], True, [1, 2]),
        (["a", "b"], ["a", "b", "c"], True, [None, None]),
    ],
    ids=["most words", "no words", "slides", "other slides"],
)
def test_pages_are_mapped(texts, printed, are_slides, shown):
    assert map_pages(texts, printed, are_slides=are_slides) == shown


@pytest.fixture
def real_libreoffice(configure) -> None:
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed.")
    configure(WITH_LIBREOFFICE="1")


@pytest.mark.usefixtures("real_libreoffice")
def test_libreoffice_converts_word_files_and_slides(client, run_pending_jobs, tmp_path, query):
    document = add(client, "notes.docx", make_word_file(tmp_path, CELLS, PLANTS))
    deck = Deck(tmp_path / "deck.pptx")
    deck.slide(title("Cells"))
    deck.slide(title("Plants"), attributes='show="0"')
    deck.slide(title("Sugar"))
    slides = add(client, "deck.pptx", deck.save().read_bytes())
    run_pending_jobs()
    assert query("SELECT state, printed_pages FROM conversions ORDER BY id") == [("done", [1, 2]), ("done", [1, 2])]
    for page in (f"{document}/pages/2", f"{slides}/pages/2"):
        shown = client.get(f"{page}/image?width=400")
        assert shown.status_code == 200, shown.text
        assert Image.open(io.BytesIO(shown.data)).width == 400


@pytest.mark.usefixtures("real_libreoffice")
def test_libreoffice_shows_no_file_of_the_machine(tmp_path):
    secret = tmp_path / "secret.png"
    Image.new("RGB", (300, 300), "red").save(secret)
    document = tmp_path / "work" / "document.odt"
    document.parent.mkdir()
    linked = f'<draw:image xlink:href="{secret.as_uri()}" xlink:type="simple"/>'
    body = odf_paragraph("Cells.") + odf_paragraph(frame(linked, (1, 1, 5, 5), 'text:anchor-type="as-char"'))
    write_odf(document, body, parts={"META-INF/manifest.xml": MANIFEST})
    program = libreoffice.find_libreoffice()
    assert program is not None
    pdf = pypdfium2.PdfDocument(libreoffice.convert_to_pdf(program, document, lambda: None))
    image = pdf[0].render().to_pil().convert("RGB")
    assert "Cells." in pdf[0].get_textpage().get_text_range()
    assert (255, 0, 0) not in {colour for _, colour in image.getcolors(1 << 24)}
