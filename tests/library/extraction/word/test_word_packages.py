"""Archives as programs write them: other names, missing parts, relations that lead nowhere."""

import contextlib
import random
import zipfile

import pytest

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import DocumentFormat, detect_kind
from backend.library.extraction.office_package import OfficePackage
from tests.library.extraction.word_files import paragraph, relation, write_word_file
from tests.patience import promised

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


def test_the_bounds_hold_for_each_part_and_for_all(tmp_path):
    noise = random.Random(1).randbytes(26_000_000)
    parts = {"word/noise.bin": noise, "word/bomb.bin": bytes(20_000_000)}
    package = OfficePackage(str(write_word_file(tmp_path / "x.docx", paragraph(TEXT), parts=parts)))
    with pytest.raises(UnreadableFile, match="too_large"):
        package.read("word/bomb.bin")
    assert package.read("word/noise.bin") == noise
    with pytest.raises(UnreadableFile, match="too_large"):
        package.read("word/noise.bin")
    assert package.read_picture("word/noise.bin") == noise


@pytest.mark.parametrize(
    "target", ["notes\\first.xml", "/word/notes/first.xml", "notes/../notes/first.xml#part", "notes/%66irst.xml"]
)
def test_targets_of_relations_are_found(tmp_path, target):
    parts = {"word/notes/first.xml": "<a/>"}
    path = write_word_file(tmp_path / "x.docx", "", relations=relation("r9", "notes", target), parts=parts)
    assert OfficePackage(str(path)).related("word/document.xml", "notes") == ["word/notes/first.xml"]


@pytest.mark.parametrize(
    "body",
    [
        '<w:p><w:pPr><w:pStyle w:val="C"/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>' + "<w:p/>" * 200_000,
        "<w:p>"
        + '<w:r><w:fldChar w:fldCharType="begin"/></w:r>' * 20_000
        + "<w:r><w:t>x</w:t></w:r></w:p>"
        + paragraph("end"),
        paragraph(properties="<w:sectPr/>") * 50_000 + paragraph("end"),
        "<w:tbl><w:tr>"
        + '<w:tc><w:tcPr><w:gridSpan w:val="999999999"/></w:tcPr><w:p/></w:tc>' * 2_000
        + "</w:tr></w:tbl>"
        + paragraph("x"),
        "<w:p>" + "<w:smartTag>" * 240 + "<w:r><w:t>deep</w:t></w:r>" + "</w:smartTag>" * 240 + "</w:p>",
    ],
    ids=["empty lines of code", "open fields", "sections", "spans", "tags"],
)
def test_files_made_to_be_slow_end(tmp_path, rewritten, read, body):
    styles = '<w:style w:type="paragraph" w:styleId="C"><w:name w:val="Code"/></w:style>'
    path = write_word_file(tmp_path / "x.docx", body, styles=styles)
    # Stored as it is, because its ratio would give it away.
    stored = rewritten(path, lambda name, content: (name, content))
    with promised("reading", 15), contextlib.suppress(UnreadableFile):
        assert read(stored)[0]
