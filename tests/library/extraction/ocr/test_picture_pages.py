"""Slides and pages of Word files that consist of a picture."""

import pytest

from backend.library.types import PageSource
from tests.library.extraction.ocr.scans import LINES, encode, noise_picture, page_picture
from tests.library.extraction.slides.deck import Deck, picture, shape, title
from tests.library.extraction.word_files import paragraph, relation, write_word_file

TEXT = " ".join(LINES)
FULL = (0, 0, 25.4, 19.05)
SLIDE = page_picture(size=(1600, 1200))


@pytest.fixture
def deck(tmp_path) -> Deck:
    """Start a presentation with a picture in it."""
    return Deck(tmp_path / "slides.pptx")


def _add(deck: Deck, *shapes: str, content: bytes) -> None:
    number = len(deck.parts)
    deck.parts[f"ppt/media/image{number}.png"] = content
    deck.slide(*shapes, relations={"rIdP": ("image", f"../media/image{number}.png")})


def test_a_slide_that_is_a_picture_is_recognised(deck, read, tesseract):
    _add(deck, picture("rIdP", FULL), content=encode(SLIDE))
    deck.slide(title("Cells"))
    pages, report = read(deck.save())
    assert [(page.source, " ".join(page.text.split())) for page in pages] == [
        (PageSource.OCR, TEXT),
        (PageSource.TEXT, "## Cells"),
    ]
    assert pages[0].confidence > 70
    assert [(warning.code, warning.pages) for warning in report.warnings] == [("ocr_pages", (1,))]


def test_the_title_of_a_picture_slide_comes_before_its_text(deck, read, tesseract):
    _add(deck, title("Membranes"), picture("rIdP", FULL), content=encode(SLIDE))
    [page], _ = read(deck.save())
    assert (page.heading, " ".join(page.text.split())) == ("Membranes", f"## Membranes {TEXT}")


def test_a_picture_beside_much_text_is_not_recognised(deck, read, tesseract):
    _add(deck, shape(TEXT, at=(2, 2, 20, 3)), picture("rIdP", FULL), content=encode(SLIDE))
    [page], report = read(deck.save())
    assert (page.source, page.text) == (PageSource.TEXT, TEXT)
    assert [warning.code for warning in report.warnings] == ["pictures_not_read"]


@pytest.mark.parametrize("content", [encode(noise_picture()), b"no picture"], ids=["noise", "damaged"])
def test_a_picture_slide_without_readable_text_is_warned_of(deck, read, tesseract, content):
    _add(deck, picture("rIdP", FULL), content=content)
    deck.slide(title("Cells"))
    pages, report = read(deck.save())
    assert (pages[0].skipped, pages[0].text) == ("not_readable", "")
    assert {warning.code for warning in report.warnings} == {"pictures_not_read", "pages_not_readable"}


def test_picture_slides_over_the_limit_are_warned_of(deck, read, tesseract):
    for line in LINES[:2]:
        _add(deck, picture("rIdP", FULL), content=encode(page_picture([line], (1600, 1200))))
    pages, report = read(deck.save(), ocr_max_pages=1)
    assert [page.skipped for page in pages] == [None, "not_readable"]
    assert ("pictures_not_read", (2,)) in [(warning.code, warning.pages) for warning in report.warnings]


@pytest.mark.parametrize(
    ("content", "text", "warning"),
    [(encode(page_picture()), TEXT, "ocr_pages"), (encode(noise_picture()), "", "pictures_not_read")],
    ids=["text", "noise"],
)
def test_a_picture_that_fills_a_page_of_a_word_file_is_recognised(tmp_path, read, tesseract, content, text, warning):
    style = "width:450pt; height:600pt"
    shown = f'<w:r><w:pict><v:shape style="{style}"><v:imagedata r:id="rId9"/></v:shape></w:pict></w:r>'
    path = write_word_file(
        tmp_path / "scan.docx",
        paragraph("Before.") + paragraph(shown),
        relations=relation("rId9", "image", "media/scan.png"),
        parts={"word/media/scan.png": content},
    )
    [page], report = read(path)
    assert " ".join(page.text.split()) == f"Before. {text}".strip()
    assert [each.code for each in report.warnings] == [warning]
