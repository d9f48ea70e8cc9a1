"""Rectangles of quotes on their pages: exact to the word, on pages of every kind, and after reading again."""

import io
import os
import signal
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from backend.library.page_images import showing
from backend.library.page_images.children import close_children
from tests.library.test_page_images import children_of
from tests.patience import HANG_S

WIDTH, HEIGHT, SIZE = 600, 800, 20
Draw = Callable[[Canvas], None]


def draw_pdf(draw: Draw, *, turned: int = 0, crop: tuple[int, int, int, int] | None = None) -> bytes:
    """A PDF of one page of 600 by 800 points, in Helvetica of 20 points."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(WIDTH, HEIGHT))
    canvas.setFont("Helvetica", SIZE)
    draw(canvas)
    canvas.save()
    document = pypdfium2.PdfDocument(file.getvalue())
    if turned:
        document[0].set_rotation(turned)
    if crop:
        document[0].set_cropbox(*crop)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def lines(*texts: str, left: int = 60, top: int = 700) -> Draw:
    def draw(canvas: Canvas) -> None:
        for number, text in enumerate(texts):
            canvas.drawString(left, top - 28 * number, text)

    return draw


def span(left: float, baseline: float, before: str, word: str) -> tuple[float, float, float, float]:
    """Where a word is, in points: left, right, and how far its baseline and its top are from the page's upper edge."""
    start = left + stringWidth(before, "Helvetica", SIZE)
    return start, start + stringWidth(word, "Helvetica", SIZE), HEIGHT - baseline, HEIGHT - baseline - 0.72 * SIZE


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for boxes for as long as a busy machine takes."""
    monkeypatch.setattr(showing, "_PLACING_S", HANG_S)


@pytest.fixture
def boxes_of(client, run_pending_jobs) -> Callable[..., list[dict[str, float]] | None]:
    """Upload a file, cite a quote of its first page, and return the boxes of the evidence."""

    def find(content: bytes, quote: str, name: str = "notes.pdf") -> list[dict[str, float]] | None:
        study_set = client.make_study_set()
        document = client.upload(study_set, (name, content)).json["documents"][0]
        run_pending_jobs()
        return cite(client, study_set, document["id"], quote)["boxes"]

    return find


def cite(client, study_set: str, document_id: str, quote: str) -> dict[str, Any]:
    body = {"front": "a", "back": "b", "evidence": {"document_id": document_id, "page": 1, "quote": quote}}
    card = client.post(f"/api/v1/study-sets/{study_set}/flashcards", json=body)
    assert card.status_code == 201, card.text
    return client.get(f"/api/v1/flashcards/{card.json['id']}/evidence").json[0]


def assert_place(box: dict[str, float], left: float, right: float, bottom: float, top: float) -> None:
    """Compare with a place in points on an upright page; a box may be larger by a few points for letters' edges."""
    assert box["left"] * WIDTH == pytest.approx(left, abs=3)
    assert (box["left"] + box["width"]) * WIDTH == pytest.approx(right, abs=3)
    assert box["top"] * HEIGHT == pytest.approx(top, abs=6)
    assert (box["top"] + box["height"]) * HEIGHT == pytest.approx(bottom, abs=7)


def test_boxes_come_without_looking_at_the_page_first(boxes_of):
    found = boxes_of(draw_pdf(lines("Mitosis divides cells quickly.")), "divides cells quickly")
    assert len(found) == 3
    assert_place(found[0], *span(60, 700, "Mitosis ", "divides"))
    assert_place(found[2], *span(60, 700, "Mitosis divides cells ", "quickly."))


def test_a_quote_over_two_lines_has_boxes_on_both(boxes_of):
    found = boxes_of(draw_pdf(lines("Every cell divides", "after it has grown large.")), "divides after it has grown")
    assert_place(found[0], *span(60, 700, "Every cell ", "divides"))
    assert_place(found[1], *span(60, 672, "", "after"))
    assert_place(found[4], *span(60, 672, "after it has ", "grown"))


def test_a_hyphenated_word_has_a_box_for_each_part(boxes_of):
    found = boxes_of(
        draw_pdf(lines("The cells have mito-", "chondria that burn sugar.")), "mitochondria that burn sugar"
    )
    assert_place(found[0], *span(60, 700, "The cells have ", "mito-"))
    assert_place(found[1], *span(60, 672, "", "chondria"))
    assert len(found) == 5


def test_a_repeated_phrase_is_the_one_that_was_quoted(boxes_of):
    page = draw_pdf(lines("Red cells carry oxygen.", "White cells fight germs.", "Red cells carry iron atoms."))
    found = boxes_of(page, "Red cells carry iron atoms")
    assert_place(found[0], *span(60, 644, "", "Red"))
    assert_place(found[3], *span(60, 644, "Red cells carry ", "iron"))


def test_columns_are_not_mixed(boxes_of):
    left = [f"left column line {word}" for word in ("alpha", "beta", "gamma", "delta", "kappa", "sigma")]
    right = [f"right part row {word}" for word in ("uno", "due", "tre", "quattro", "cinque", "sei")]

    def draw(canvas: Canvas) -> None:
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            canvas.drawString(40, 700 - 28 * number, one)
            canvas.drawString(340, 700 - 28 * number, other)

    found = boxes_of(draw_pdf(draw), "right part row tre right part row quattro")
    assert_place(found[0], *span(340, 644, "", "right"))
    assert_place(found[7], *span(340, 616, "right part row ", "quattro"))


def test_raised_text_belongs_to_its_word(boxes_of):
    def draw(canvas: Canvas) -> None:
        text = canvas.beginText(60, 700)
        text.setFont("Helvetica", SIZE)
        text.textOut("One kilobyte has 2")
        text.setFont("Helvetica", 12)
        text.setRise(8)
        text.textOut("10")
        text.setRise(0)
        text.setFont("Helvetica", SIZE)
        text.textOut(" bytes of memory.")
        canvas.drawText(text)

    found = boxes_of(draw_pdf(draw), "kilobyte has 2^{10} bytes of memory")
    start = 60 + stringWidth("One kilobyte has ", "Helvetica", SIZE)
    [power] = [box for box in found if box["left"] * WIDTH == pytest.approx(start, abs=3)]
    end = start + stringWidth("2", "Helvetica", SIZE) + stringWidth("10", "Helvetica", 12)
    assert (power["left"] + power["width"]) * WIDTH == pytest.approx(end, abs=3)


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_boxes_are_on_the_page_as_it_is_shown(boxes_of, turned):
    found = boxes_of(draw_pdf(lines("Mitosis divides cells quickly."), turned=turned), "divides cells quickly")
    left, right, bottom, top = span(60, 700, "Mitosis ", "divides")
    box = found[0]
    edges = box["left"], box["left"] + box["width"], box["top"], box["top"] + box["height"]
    # Upright, a point is (x, y) of (600, 800); the page is turned clockwise.
    expected = {
        90: (1 - bottom / HEIGHT, 1 - top / HEIGHT, left / WIDTH, right / WIDTH),
        180: (1 - right / WIDTH, 1 - left / WIDTH, 1 - bottom / HEIGHT, 1 - top / HEIGHT),
        270: (top / HEIGHT, bottom / HEIGHT, 1 - right / WIDTH, 1 - left / WIDTH),
    }[turned]
    assert edges == pytest.approx(expected, abs=0.01)


def test_boxes_are_fractions_of_the_cropped_page(boxes_of):
    page = draw_pdf(lines("Mitosis divides cells quickly."), crop=(50, 600, 450, 750))
    found = boxes_of(page, "divides cells quickly")
    left, right, bottom, _ = span(60, 700, "Mitosis ", "divides")
    assert found[0]["left"] * 400 + 50 == pytest.approx(left, abs=3)
    assert (found[0]["left"] + found[0]["width"]) * 400 + 50 == pytest.approx(right, abs=3)
    assert (found[0]["top"] + found[0]["height"]) * 150 + 50 == pytest.approx(bottom, abs=7)


def test_boxes_are_those_of_the_new_text_after_reading_again(client, run_pending_jobs, query):
    study_set = client.make_study_set()
    content = draw_pdf(lines("Mitosis divides cells quickly."))
    document = client.upload(study_set, ("notes.pdf", content)).json["documents"][0]["id"]
    run_pending_jobs()
    before = cite(client, study_set, document, "divides cells quickly")["boxes"]
    # As if an earlier release had read the page in another way: its offsets differ.
    query("UPDATE pages SET text = 'A heading that was read wrongly. ' || text")
    query("UPDATE pages SET word_boxes = '[[0, 9, 0.5, 0.5, 0.6, 0.6]]'")
    client.get(f"/api/v1/documents/{document}/pages/1/image")
    assert client.post(f"/api/v1/documents/{document}/reread").status_code == 202
    run_pending_jobs()
    [card] = client.get(f"/api/v1/study-sets/{study_set}/flashcards").json["items"]
    [evidence] = client.get(f"/api/v1/flashcards/{card['id']}/evidence").json
    assert evidence["quote"] == "divides cells quickly"
    assert evidence["boxes"] == before


def test_evidence_does_not_wait_long_for_boxes(client, run_pending_jobs, monkeypatch, query):
    study_set = client.make_study_set()
    content = draw_pdf(lines("Mitosis divides cells quickly."))
    document = client.upload(study_set, ("notes.pdf", content)).json["documents"][0]["id"]
    run_pending_jobs()
    close_children()
    client.get(f"/api/v1/documents/{document}/pages/1/image?width=400")
    query("UPDATE pages SET word_boxes = NULL")
    # The process that waits for jobs works on none any more.
    [child] = children_of(os.getpid())
    os.kill(child, signal.SIGSTOP)
    with monkeypatch.context() as patched:
        patched.setattr(showing, "_PLACING_S", 0.5)
        assert cite(client, study_set, document, "divides cells quickly")["boxes"] is None
    assert children_of(os.getpid()) == []
    # It is not noted that the words have no place.
    [card] = client.get(f"/api/v1/study-sets/{study_set}/flashcards").json["items"]
    [evidence] = client.get(f"/api/v1/flashcards/{card['id']}/evidence").json
    assert len(evidence["boxes"]) == 3


def test_evidence_in_a_file_that_is_lost_has_no_boxes(client, run_pending_jobs, query):
    study_set = client.make_study_set()
    content = draw_pdf(lines("Mitosis divides cells quickly."))
    document = client.upload(study_set, ("notes.pdf", content)).json["documents"][0]["id"]
    run_pending_jobs()
    query("DELETE FROM stored_pieces")
    assert cite(client, study_set, document, "divides cells quickly")["boxes"] is None


def test_formats_without_images_have_no_boxes(boxes_of):
    assert boxes_of(b"Mitosis divides cells quickly.", "divides cells quickly", "notes.txt") is None
