"""Archives as programs write them: other names, missing parts, relations that lead nowhere."""

import zipfile

import pytest

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import DocumentFormat, detect_kind
from tests.library.extraction.word_files import paragraph, relation, write_word_file

TEXT = "Osmosis is the diffusion of water."


@pytest.fixture
def rewritten(tmp_path):
    """Write a file again, with each entry's name and content changed by a function; None leaves it out."""

    def _rewrite(path, change):
        target = tmp_path / "again.docx"
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
            for entry in old.namelist():
                changed = change(entry, old.read(entry))
                if changed is not None:
                    new.writestr(*changed)
        return target

    return _rewrite


@pytest.fixture
def word_file(tmp_path):
    """Return a plain Word file."""
    return write_word_file(tmp_path / "x.docx", paragraph(TEXT))


def _text(read, path) -> str:
    assert detect_kind("x.docx", path) is DocumentFormat.DOCX
    pages, report = read(path)
    assert report.warnings == ()
    return pages[0].text


def test_the_main_part_may_have_another_name(tmp_path, read):
    assert _text(read, write_word_file(tmp_path / "x.docx", paragraph(TEXT), main="word/document2.xml")) == TEXT
    assert _text(read, write_word_file(tmp_path / "y.docx", paragraph(TEXT), main="content/main.xml")) == TEXT


def test_names_may_have_backslashes_and_capitals(word_file, rewritten, read):
    assert _text(read, rewritten(word_file, lambda name, content: (name.replace("/", "\\"), content))) == TEXT
    assert _text(read, rewritten(word_file, lambda name, content: (name.replace("word/d", "Word/D"), content))) == TEXT


@pytest.mark.parametrize(
    "lost", ["[Content_Types].xml", "_rels/.rels", "word/_rels/document.xml.rels", "word/styles.xml"]
)
def test_parts_may_be_missing(word_file, rewritten, read, lost):
    assert _text(read, rewritten(word_file, lambda name, content: None if name == lost else (name, content))) == TEXT


def test_strict_files_have_other_namespaces(word_file, rewritten, read):
    def strict(name, content):
        for family in (b"wordprocessingml", b"officeDocument", b"drawingml"):
            content = content.replace(
                b"http://schemas.openxmlformats.org/%s/2006/" % family, b"http://purl.oclc.org/ooxml/%s/" % family
            )
        return name, content

    assert _text(read, rewritten(word_file, strict)) == TEXT


def test_other_encodings_of_the_xml(word_file, rewritten, read):
    def encoded(name, content):
        if name != "word/document.xml":
            return name, content
        text = content.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').replace("Osmosis", "Osmös\ufdd8")
        return name, text.encode("utf-16")

    assert _text(read, rewritten(word_file, encoded)) == TEXT.replace("Osmosis", "Osmös")


@pytest.mark.parametrize(
    "broken",
    [
        relation("r9", "image", "NULL"),
        relation("r9", "image", "../NULL"),
        relation("r9", "chart", "charts/gone.xml"),
        relation("r9", "header", "header9.xml"),
        relation("r9", "hyperlink", "http://[bad url", 'TargetMode="External"'),
        relation("r9", "numbering", "gone.xml"),
        relation("r9", "footnotes", "http://example.org/", 'TargetMode="External"'),
        relation("r9", "styles", "../../../../etc/passwd"),
        "<Other/><Relationship/>",
    ],
)
def test_a_relation_that_leads_nowhere_does_no_harm(tmp_path, read, broken):
    body = paragraph(f'<w:hyperlink r:id="r9"><w:r><w:t>{TEXT}</w:t></w:r></w:hyperlink>')
    assert _text(read, write_word_file(tmp_path / "x.docx", body, relations=broken)) == TEXT


@pytest.mark.parametrize(
    ("part", "content", "code"),
    [
        ("word/styles.xml", b"<w:styles", "damaged"),
        ("word/document.xml", b"<root/>", "damaged"),
        ("word/document.xml", b"", "damaged"),
    ],
)
def test_a_broken_part_is_told(word_file, rewritten, read, part, content, code):
    path = rewritten(word_file, lambda name, old: (name, content if name == part else old))
    with pytest.raises(UnreadableFile, match=code):
        read(path)


def test_parts_that_are_opened_count_together(tmp_path, read):
    # Another name does not make a text a picture: what is opened counts.
    body = paragraph(TEXT) + '<w:altChunk r:id="r9"/>'
    types = '<Default Extension="bmp" ContentType="text/html"/>'
    path = write_word_file(
        tmp_path / "x.docx",
        body,
        relations=relation("r9", "aFChunk", "chunk.bmp"),
        types=types,
        parts={"word/chunk.bmp": b"<p>" + b"A" * 20_000_000},
    )
    assert detect_kind("x.docx", path) is DocumentFormat.DOCX
    with pytest.raises(UnreadableFile, match="too_large"):
        read(path)
