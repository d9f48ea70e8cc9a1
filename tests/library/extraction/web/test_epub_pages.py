"""What is read of EPUB files."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import DocumentFormat, detect_kind

_CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
_CHAPTER = (
    '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml" '
    'xmlns:epub="http://www.idpf.org/2007/ops"><head><title/><script src="x"/></head><body>{}</body></html>'
)


@pytest.fixture
def make_epub(tmp_path: Path):
    """Make an EPUB of chapters, which its spine has backwards; ``extra`` are further entries."""

    def _make(bodies: Sequence[str], css: str = "", extra: dict[str, str] | None = None) -> Path:
        path = tmp_path / "x.epub"
        numbers = range(len(bodies))
        items = "".join(f'<item id="c{n}" href="c%20{n}.xhtml" media-type="application/xhtml+xml"/>' for n in numbers)
        spine = "".join(f'<itemref idref="c{n}"/>' for n in reversed(numbers))
        package = (
            f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}<item id="nav" href="nav.xhtml" '
            'media-type="application/xhtml+xml" properties="nav"/><item id="css" href="s.css" media-type="text/css"/>'
            f'</manifest><spine><itemref idref="nav"/>{spine}</spine></package>'
        )
        entries = {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": _CONTAINER,
            "OEBPS/content.opf": package,
            "OEBPS/nav.xhtml": _CHAPTER.format("<p>Contents</p>"),
            "OEBPS/s.css": css,
            **{f"OEBPS/c {number}.xhtml": _CHAPTER.format(body) for number, body in enumerate(bodies)},
            **(extra or {}),
        }
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        return path

    return _make


def test_chapters_come_in_reading_order_each_on_a_page(make_epub, read) -> None:
    path = make_epub(["<h1>Two</h1><p>b</p>", "<h1>One</h1><p>a &amp; &nbsp;<br/>c</p>"])
    assert detect_kind(path.name, path) is DocumentFormat.EPUB
    pages, report = read(path)
    assert [(page.heading, page.text) for page in pages] == [("One", "# One\n\na & \u00a0\nc"), ("Two", "# Two\n\nb")]
    assert report.warnings == ()


def test_marks_formulas_and_style_sheets(make_epub, read) -> None:
    body = (
        'in 1953<a epub:type="noteref" href="#n">1</a> 10<span class="c5">3</span> '
        '<m:math xmlns:m="http://www.w3.org/1998/Math/MathML"><m:mfrac><m:mn>1</m:mn><m:mn>2</m:mn></m:mfrac></m:math>'
        '<span epub:type="pagebreak">12</span>end'
    )
    pages, _ = read(make_epub([f"<p>{body}</p>"], ".c5 { vertical-align: super }"))
    assert pages[0].text == "in 1953^{1} 10^{3} $\\frac{1}{2}$end"


def test_notes_of_a_chapter_come_from_the_chapter_of_notes(make_epub, read) -> None:
    notes = (
        '<h1>Notes</h1><p epub:type="endnote" id="n1"><a href="c%202.xhtml#r1">1</a>. Smith.</p>'
        '<p id="n2"><a href="../OEBPS/c%201.xhtml#r1">1</a> Jones.</p><p id="n3">Unmarked.</p>'
    )
    first = '<p>A<a epub:type="noteref" id="r1" href="c%200.xhtml#n1">1</a> b</p><p>c</p>'
    second = '<p>D<sup><a id="r1" href="c%200.xhtml#n2">1</a></sup></p><p>e<sup><a href="x.xhtml#n2">2</a></sup></p>'
    pages, report = read(make_epub([notes, second, first]))
    assert [page.text for page in pages] == [
        "A[^1] b\n\n[^1]: Smith.\n\nc",
        "D[^1]\n\n[^1]: Jones.\n\ne^{2}",
        "# Notes\n\nUnmarked.",
    ]
    assert report.warnings == ()


def test_notes_that_were_read_before_their_mark_stay_there(make_epub, read) -> None:
    notes, chapter = '<p epub:type="endnote" id="n1">Smith.</p>', '<p>A<sup><a href="c%201.xhtml#n1">1</a></sup></p>'
    assert [page.text for page in read(make_epub([chapter, notes]))[0]] == ["Smith.", "A^{1}"]


def test_notes_of_many_chapters_of_notes(make_epub, read) -> None:
    count = 6
    notes = [f'<p epub:type="endnote" id="n">N{number}</p>' for number in range(count)]
    marks = "".join(f'<p>A<sup><a href="c%20{number}.xhtml#n">{number}</a></sup></p>' for number in range(count))
    text = "\n".join(page.text for page in read(make_epub([*notes, marks]))[0])
    assert text.count("[^") == 8
    assert all(text.count(f"N{number}") == 1 for number in range(count))


def test_a_chapter_with_errors_is_read_all_the_same(make_epub, read) -> None:
    assert read(make_epub(["<p>a & b <b>c</p><p>d"]))[0][0].text == "a & b c\n\nd"


@pytest.mark.parametrize(
    ("algorithm", "part", "refused"),
    [
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/c%200.xhtml", True),
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/video.mp4", False),
        ("http://www.idpf.org/2008/embedding", "OEBPS/c%200.xhtml", False),
    ],
)
def test_protected_chapters_are_encrypted(make_epub, read, algorithm: str, part: str, refused: bool) -> None:
    encryption = (
        f'<encryption><EncryptedData><EncryptionMethod Algorithm="{algorithm}"/><CipherData>'
        f'<CipherReference URI="{part}"/></CipherData></EncryptedData></encryption>'
    )
    path = make_epub(["<p>text</p>"], extra={"META-INF/encryption.xml": encryption})
    if not refused:
        assert read(path)[0][0].text == "text"
        return
    with pytest.raises(UnreadableFile, match="encrypted"):
        read(path)


def test_bombs_are_refused(make_epub, read) -> None:
    path = make_epub(["<p>" + "a" * 20_000_000 + "</p>"])
    with pytest.raises(UnreadableFile, match="too_large"):
        detect_kind(path.name, path)
    with pytest.raises(UnreadableFile, match="too_large"):
        read(path)


def test_nested_chapters_are_refused(make_epub, read) -> None:
    with pytest.raises(UnreadableFile, match="damaged"):
        read(make_epub(["<div>" * 50_000 + "x" + "</div>" * 50_000]))


def test_entities_bring_nothing_in(make_epub, read) -> None:
    path = make_epub(["<p>x</p>"])
    hostile = '<!DOCTYPE html [<!ENTITY a "lol"><!ENTITY b SYSTEM "file:///etc/passwd">]><html><p>&a;&b;seen</p></html>'
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("OEBPS/c 0.xhtml", hostile)
    assert "root:" not in read(path)[0][0].text
