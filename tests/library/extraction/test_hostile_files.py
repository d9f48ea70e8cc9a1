"""Hostile files: each ends in a typed error within seconds and costs the caller nothing (fault 29)."""

import contextlib
from collections.abc import Iterator

import psutil
import pytest

from backend.library.extraction.reader import DocumentFormat, ReadLimits, UnreadableFile, read_document
from tests.library.extraction.children import leave_out_others, reading_children
from tests.patience import patient_s, promised

TYPED_WITHIN_S = 15
# For tests of another limit, which must also be reached first on a slow machine.
WALL_S = patient_s(10)


@pytest.fixture(autouse=True)
def _without_growth() -> Iterator[None]:
    """Check that reading leaves this process as large as it was, and without children."""
    leave_out_others()
    process = psutil.Process()
    before = process.memory_info().rss
    yield
    assert process.memory_info().rss - before < 60_000_000
    assert reading_children() == []


def _code(read, path, **limits) -> str:
    with promised("reading", TYPED_WITHIN_S), pytest.raises(UnreadableFile) as refused:
        read(path, **limits)
    return refused.value.code


@pytest.mark.parametrize("extension", ["pdf", "docx", "pptx", "odt", "odp"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, b"%PDF-1.7\n%%EOF", b"PK\x03\x04" + b"\xff" * 500])
def test_rubbish_is_damaged(tmp_path, read, extension, content):
    path = tmp_path / f"x.{extension}"
    path.write_bytes(content)
    assert _code(read, path) == "damaged"


@pytest.mark.parametrize("extension", ["txt", "md", "html"])
def test_nothing_has_no_text(tmp_path, read, extension):
    path = tmp_path / f"x.{extension}"
    path.write_bytes(b" \n ")
    assert _code(read, path) == "no_text"


@pytest.mark.parametrize("unit", [b" " * (1 << 20), b"0 0 m 9 9 l S q Q\n" * 50_000])
def test_a_flate_bomb_is_too_large(make_bomb_pdf, read, unit):
    path = make_bomb_pdf(unit, 600 << 20 if unit.isspace() else 150 << 20)
    assert path.stat().st_size < 10_000
    assert _code(read, path, wall_s=WALL_S, memory_bytes=500_000_000) == "too_large"


def test_a_zip_bomb_that_got_this_far_is_too_large(make_raw_docx, read):
    paragraph = b"<w:p><w:r><w:t>" + b"A" * 1000 + b"</w:t></w:r></w:p>"
    assert _code(read, make_raw_docx([paragraph * 1000] * 200), wall_s=WALL_S) == "too_large"


def test_a_word_file_that_eats_memory_is_too_large(make_raw_docx, read):
    path = make_raw_docx([b"<w:p/>" * 500_000] * 10)
    assert _code(read, path, wall_s=WALL_S, memory_bytes=400_000_000) == "too_large"


def test_deeply_nested_xml_is_damaged(make_raw_docx, read):
    assert _code(read, make_raw_docx([b"<w:p>" * 50_000, b"</w:p>" * 50_000])) == "damaged"


def test_nested_html_is_read_as_deep_as_can_be(tmp_path, read):
    path = tmp_path / "deep.html"
    path.write_text("<div>" * 2_000 + "bottom of the well", encoding="utf-8")
    pages, _ = read(path)
    assert pages[0].text == "bottom of the well"
    path.write_text("<p>top</p>" + "<div>" * 50_000 + "bottom of the well", encoding="utf-8")
    assert _code(read, path) == "damaged"


def test_a_web_page_of_attributes_is_read_in_time(tmp_path, read):
    path = tmp_path / "attributes.html"
    attributes = " ".join(f"a{number}=x" for number in range(300_000))
    path.write_text(f"<p {attributes}>bottom of the well", encoding="utf-8")
    # The parser compares each attribute with all before it.
    with promised("reading", TYPED_WITHIN_S):
        pages, _ = read(path)
    assert pages[0].text == "bottom of the well"


@pytest.mark.parametrize("opening", ["> ", "- ", "<div>"])
def test_deeply_nested_markdown_is_not_an_empty_page(tmp_path, read, opening):
    path = tmp_path / "deep.md"
    path.write_text(opening * 50_000 + "bottom of the well", encoding="utf-8")
    assert _code(read, path) == "damaged"


@pytest.mark.parametrize("opening", ["[", "**a ", "<b>"])
def test_markup_without_an_end_is_text(tmp_path, read, opening):
    path = tmp_path / "open.md"
    path.write_text(opening * 50_000 + "bottom of the well", encoding="utf-8")
    with promised("reading", TYPED_WITHIN_S):
        pages, _ = read(path)
    assert pages[-1].text.endswith("bottom of the well")


@pytest.mark.parametrize("tag", [b"w:ins", b"w:sdt", b"w:unknown"])
def test_a_deeply_nested_word_file_is_not_an_empty_page(make_raw_docx, read, tag):
    depth = 50_000
    text = b"<w:p><w:r><w:t>bottom of the well</w:t></w:r></w:p>"
    assert _code(read, make_raw_docx([(b"<%s>" % tag) * depth, text, (b"</%s>" % tag) * depth])) in (
        "damaged",
        "too_large",
    )


def test_entities_of_a_web_page_bring_nothing_in(tmp_path, read):
    (tmp_path / "secret.txt").write_text("a secret", encoding="utf-8")
    bomb = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 12))
    path = tmp_path / "x.html"
    path.write_text(
        f'<!DOCTYPE html [<!ENTITY e0 "lol">{bomb}<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt">]>'
        f'<p>Seen &e11; &x; <iframe src="file://{tmp_path}/secret.txt"></iframe>',
        encoding="utf-8",
    )
    pages, _ = read(path, wall_s=WALL_S)
    assert "Seen" in pages[0].text
    assert "a secret" not in pages[0].text
    assert len(pages[0].text) < 2_000


def test_entities_of_a_word_file_bring_nothing_in(tmp_path, make_raw_docx, read):
    path = make_raw_docx([b"<w:p><w:r><w:t>&x;</w:t></w:r></w:p>"])
    assert _code(read, path) == "damaged"


def test_more_pages_than_allowed_are_refused_before_any_is_read(make_pdf, read):
    path = make_pdf([[f"page {number}"] for number in range(600)])
    handed_over = []
    with pytest.raises(UnreadableFile, match="too_large"):
        read_document(path, DocumentFormat.PDF, ReadLimits(max_pages=500), handed_over.append)
    assert handed_over == []
    assert len(read(path, max_pages=600)[0]) == 600


def test_more_characters_than_allowed_are_refused(tmp_path, read):
    path = tmp_path / "long.txt"
    path.write_text("word " * 10_000, encoding="utf-8")
    assert _code(read, path, max_chars=49_000) == "too_large"
    assert sum(len(page.text) for page in read(path, max_chars=50_000)[0]) <= 50_000


def test_a_pdf_without_any_text_has_no_text(make_pdf, read):
    assert _code(read, make_pdf([[], [], []])) == "no_text"


def test_markdown_made_to_be_slow_ends(tmp_path, read):
    path = tmp_path / "slow.md"
    path.write_text("[" * 50_000 + "*a " * 50_000 + "> " * 20_000 + "`" * 30_001, encoding="utf-8")
    # A fast machine reads all of it within the limit and a slow one does not; both are fine.
    with promised("reading", TYPED_WITHIN_S), contextlib.suppress(UnreadableFile):
        pages, _ = read(path, wall_s=2)
        assert pages


def test_a_file_that_takes_longer_than_allowed_is_given_up(tmp_path, read):
    path = tmp_path / "slow.md"
    path.write_text("[" * 50_000, encoding="utf-8")
    # No machine starts a reader in a thousandth of a second.
    assert _code(read, path, wall_s=0.001) == "timed_out"
