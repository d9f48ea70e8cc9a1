"""Documents inserted into a Word file (``altChunk``)."""

import pytest

from tests.library.extraction.word_files import paragraph, relation, write_word_file

HTML = "<html><body><h2>Tissues</h2><p>Skin is 2&nbsp;mm thick: café.</p></body></html>"
READ = ["inserted_documents_read"]


@pytest.fixture
def read_inserted(read_word):
    """Read a file with one inserted document."""

    def _read(name: str, content: bytes | str, types: str = ""):
        return read_word(
            paragraph("Before.") + '<w:altChunk r:id="chunk"/>' + paragraph("After."),
            relations=relation("chunk", "aFChunk", name),
            types=types,
            parts={f"word/{name}": content},
        )

    return _read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_web_page_is_read_at_its_place(read_inserted, encoding):
    text, warnings = read_inserted("chunk.html", HTML.encode(encoding))
    assert text.split("\n\n") == ["Before.", "## Tissues", "Skin is 2\u00a0mm thick: café.", "After."]
    assert warnings == READ


def test_a_web_archive_holds_a_page(read_inserted):
    archive = (
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=B\r\n\r\n"
        "--B\r\nContent-Type: image/png\r\n\r\n"
        "xx\r\n--B\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        "<p>caf=E9 is a long =\r\nword</p>\r\n--B--\r\n"
    )
    text, warnings = read_inserted("chunk.mht", archive.encode())
    assert text == "Before.\n\ncafé is a long word\n\nAfter."
    assert warnings == READ


def test_plain_text_and_a_type_that_the_file_names(read_inserted):
    assert read_inserted("chunk.txt", "One.\r\n\r\nTwo.")[0] == "Before.\n\nOne.\n\nTwo.\n\nAfter."
    types = '<Override PartName="/word/chunk.dat" ContentType="text/html"/>'
    assert read_inserted("chunk.dat", "<p>Typed</p>", types)[0] == "Before.\n\nTyped\n\nAfter."


def test_a_word_file_in_a_word_file(read_inserted, tmp_path):
    inner = write_word_file(tmp_path / "inner.docx", paragraph("Inner", style="H2") + paragraph("Inside."))
    text, warnings = read_inserted("chunk.docx", inner.read_bytes())
    assert text == "Before.\n\n## Inner\n\nInside.\n\nAfter."
    assert warnings == READ


def test_word_files_within_each_other_end_somewhere(tmp_path, read):
    content = write_word_file(tmp_path / "0.docx", paragraph("bottom")).read_bytes()
    for depth in range(1, 6):
        path = write_word_file(
            tmp_path / f"{depth}.docx",
            paragraph(f"depth {depth}") + '<w:altChunk r:id="chunk"/>',
            relations=relation("chunk", "aFChunk", "chunk.docx"),
            parts={"word/chunk.docx": content},
        )
        content = path.read_bytes()
    pages, report = read(path)
    assert pages[0].text == "depth 5\n\ndepth 4\n\ndepth 3\n\ndepth 2"
    assert "objects_lost" in {warning.code for warning in report.warnings}


@pytest.mark.parametrize("name", ["chunk.rtf", "chunk.bin"])
def test_another_kind_is_a_loss(read_inserted, name):
    assert read_inserted(name, b"{\\rtf1 hello}") == ("Before.\n\nAfter.", ["objects_lost"])


def test_an_inserted_document_that_is_not_there_is_a_loss(read_word):
    body = paragraph("Before.") + '<w:altChunk r:id="gone"/>'
    assert read_word(body) == ("Before.", ["objects_lost"])
