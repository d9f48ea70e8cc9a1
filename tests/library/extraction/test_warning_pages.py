"""A warning names the pages that it is about."""

from pathlib import Path

from tests.library.extraction.slides.deck import Deck, title
from tests.library.extraction.word_files import paragraph, run, write_word_file

# More than half of a page, so that each section is one.
SECTION = "The cell divides. " * 100


def _pages_by_code(report) -> dict[str, tuple[int, ...]]:
    return {warning.code: warning.pages for warning in report.warnings}


def test_a_loss_at_the_start_of_a_page_is_not_told_of_the_page_before(tmp_path: Path, read) -> None:
    path = tmp_path / "x.md"
    path.write_text(f"{SECTION}\n\n{SECTION}\n\n~~Wrong.~~ {SECTION}\n\n{SECTION}", "utf-8")
    pages, report = read(path)
    assert (len(pages), _pages_by_code(report)) == (4, {"struck_text_removed": (3,)})


def test_a_loss_on_a_page_of_a_word_file_is_told_of_that_page(tmp_path: Path, read) -> None:
    hidden = paragraph(run("Hidden.", "<w:vanish/>"), SECTION)
    body = paragraph(SECTION) + hidden + paragraph(SECTION) + hidden + paragraph(run("Last.", "<w:vanish/>"))
    pages, report = read(write_word_file(tmp_path / "x.docx", body))
    assert (len(pages), _pages_by_code(report)) == (4, {"hidden_text_removed": (2, 4)})
    assert report.warnings[0].count == 3


def test_a_guess_is_about_all_pages(tmp_path: Path, read) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(("Größe und Länge für die Übung. " * 300).encode("cp1252"))
    pages, report = read(path)
    assert _pages_by_code(report) == {"encoding_guessed": tuple(page.number for page in pages)}
    assert len(pages) > 1


def test_hidden_slides_at_the_end_are_told_of_the_last_page(tmp_path: Path, read) -> None:
    deck = Deck(tmp_path / "x.pptx")
    deck.slide(title("Seen"))
    deck.slide(title("Hidden"), attributes='show="0"')
    assert _pages_by_code(read(deck.save())[1]) == {"hidden_slides_left_out": (1,)}
