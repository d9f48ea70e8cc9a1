"""Hostile EPUB, OpenDocument, notebook and presentation files: each ends in a typed error within seconds (fault 29)."""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from backend.library.extraction.formats import detect_kind
from backend.library.extraction.reader import UnreadableFile
from tests.library.extraction.children import leave_out_others, reading_children
from tests.patience import patient_s, promised

TYPED_WITHIN_S = 15
WALL_S = patient_s(10)
DEPTH = 50_000
_STORED_BYTES = 5_000_000

_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_OPEN_DOCUMENT = "urn:oasis:names:tc:opendocument:xmlns:"
_MEDIA = "application/vnd.oasis.opendocument."

# The content of a file: pieces of XML inside its body.
Pieces = list[bytes]
Maker = Callable[[Path, Pieces], Path]


@pytest.fixture(autouse=True)
def _without_children() -> Iterator[None]:
    leave_out_others()
    yield
    assert reading_children() == []


def _zip(path: Path, stored: Mapping[str, bytes], **parts: Pieces) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in stored.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else None)
        for name, pieces in parts.items():
            part = zipfile.ZipInfo(name.replace("__", "/").replace("_", "."))
            # Small parts are stored, so that they reach the reader however well they could be compressed.
            part.compress_type = zipfile.ZIP_STORED if sum(map(len, pieces)) < _STORED_BYTES else zipfile.ZIP_DEFLATED
            with archive.open(part, "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)
    return path


def _epub(path: Path, pieces: Pieces) -> Path:
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest>'
        '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    stored = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": container.encode(),
        "book.opf": package.encode(),
    }
    body = [b'<html xmlns="http://www.w3.org/1999/xhtml"><body>', *pieces, b"</body></html>"]
    return _zip(path, stored, a_xhtml=body)


def _open_document(path: Path, pieces: Pieces) -> Path:
    kind, start, end = "text", "<office:text>", "</office:text>"
    if path.suffix == ".odp":
        kind, start = "presentation", "<office:presentation><draw:page><draw:frame><draw:text-box>"
        end = "</draw:text-box></draw:frame></draw:page></office:presentation>"
    names = "".join(
        f' xmlns:{name}="{_OPEN_DOCUMENT}{url}:1.0"'
        for name, url in [
            ("office", "office"),
            ("text", "text"),
            ("draw", "drawing"),
        ]
    )
    start, end = (
        f"<office:document-content{names}><office:body>{start}",
        f"{end}</office:body></office:document-content>",
    )
    return _zip(path, {"mimetype": (_MEDIA + kind).encode()}, content_xml=[start.encode(), *pieces, end.encode()])


def _pptx(path: Path, pieces: Pieces) -> Path:
    start = (
        f'<p:sld xmlns:p="{_SLIDE}" xmlns:a="{_DRAWING}"><p:cSld><p:spTree><p:nvGrpSpPr/><p:grpSpPr/>'
        "<p:sp><p:nvSpPr><p:cNvPr id='2' name='t'/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/><p:txBody>"
    )
    end = "</p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
    presentation = (
        f'<p:presentation xmlns:p="{_SLIDE}" xmlns:r="{_RELATIONS}"><p:sldIdLst><p:sldId id="256" r:id="r1"/>'
        "</p:sldIdLst></p:presentation>"
    )

    def relation(kind: str, target: str) -> bytes:
        return (
            f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" Type="{_RELATIONS}/{kind}" '
            f'Target="{target}"/></Relationships>'
        ).encode()

    stored = {
        "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        b'<Override PartName="/ppt/presentation.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        b'presentationml.presentation.main+xml"/><Override PartName="/ppt/slides/slide1.xml" ContentType="application/'
        b'vnd.openxmlformats-officedocument.presentationml.slide+xml"/></Types>',
        "_rels/.rels": relation("officeDocument", "ppt/presentation.xml"),
        "ppt/presentation.xml": presentation.encode(),
        "ppt/_rels/presentation.xml.rels": relation("slide", "slides/slide1.xml"),
    }
    return _zip(path, stored, ppt__slides__slide1_xml=[start.encode(), *pieces, end.encode()])


# By format: its maker, a paragraph, and an element that may contain itself.
FORMATS: dict[str, tuple[Maker, bytes, bytes]] = {
    "epub": (_epub, b"<p>%s</p>", b"div"),
    "odt": (_open_document, b"<text:p>%s</text:p>", b"text:section"),
    "odp": (_open_document, b"<text:p>%s</text:p>", b"text:list-item"),
    "pptx": (_pptx, b"<a:p><a:r><a:t>%s</a:t></a:r></a:p>", b"a:unknown"),
}
each_format = pytest.mark.parametrize("name", FORMATS)


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str, Pieces], Path]:
    def run(name: str, pieces: Pieces) -> Path:
        return FORMATS[name][0](tmp_path / f"hostile.{name}", pieces)

    return run


def _code(read, path: Path, **limits) -> str:
    with promised("reading", TYPED_WITHIN_S), pytest.raises(UnreadableFile) as refused:
        read(path, **limits)
    return refused.value.code


@each_format
def test_the_makers_make_files_that_are_read(make, read, name: str) -> None:
    path = make(name, [FORMATS[name][1] % b"Cells divide."])
    assert detect_kind(path.name, path) == name
    pages, report = read(path)
    assert "Cells divide." in "".join(page.text for page in pages)
    assert report.warnings == ()


@each_format
def test_deep_nesting_is_an_error_and_not_an_empty_page(make, read, name: str) -> None:
    _, paragraph, tag = FORMATS[name]
    pieces = [b"<%s>" % tag * DEPTH, paragraph % b"bottom of the well", b"</%s>" % tag * DEPTH]
    assert _code(read, make(name, [paragraph % b"top", *pieces])) == "damaged"


@each_format
def test_an_archive_bomb_is_refused_at_the_upload_and_by_the_reader(make, read, name: str) -> None:
    paragraph = FORMATS[name][1] % (b"A" * 1000)
    path = make(name, [paragraph * 1000] * 400)
    assert path.stat().st_size < 10_000_000
    with promised("looking at the file", TYPED_WITHIN_S), pytest.raises(UnreadableFile) as refused:
        detect_kind(path.name, path)
    assert refused.value.code == "too_large"
    assert _code(read, path, wall_s=WALL_S) == "too_large"


@each_format
def test_empty_elements_that_eat_memory_are_too_large(make, read, name: str) -> None:
    # In pieces that a ratio of sizes would let through.
    path = make(name, [FORMATS[name][1] % b"" * 500_000] * 8)
    assert _code(read, path, wall_s=WALL_S, memory_bytes=300_000_000) == "too_large"


@each_format
def test_entities_bring_nothing_in(make, read, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("a secret", encoding="utf-8")
    path = make(name, [FORMATS[name][1] % b"Seen &x; and more."])
    with zipfile.ZipFile(path) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    declared = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file://%s/secret.txt">]>' % str(tmp_path).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in parts.items():
            archive.writestr(each, declared + content if b"Seen" in content else content)
    try:
        pages, _ = read(path, wall_s=WALL_S)
    except UnreadableFile as error:
        pages = []
        code = error.code
    else:
        code = ""
    assert code in ("", "damaged")
    assert "a secret" not in "".join(page.text for page in pages)


@each_format
@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, b"PK\x03\x04" + b"\xff" * 500])
def test_rubbish_is_damaged(tmp_path: Path, read, name: str, content: bytes) -> None:
    path = tmp_path / f"x.{name}"
    path.write_bytes(content)
    assert _code(read, path) == "damaged"


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 1_000_000,
        b'{"nbformat": 4, "cells": ' + b"[" * DEPTH + b"]" * DEPTH + b"}",
        b'{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": '
        + b'["a", ' * DEPTH
        + b'""'
        + b"]" * DEPTH
        + b"}]}",
        b'{"nbformat": 4, "cells": 7}',
        b'{"nbformat": 4, "cells": [1, null, {"cell_type": 3, "source": {"a": 1}}]}',
    ],
    ids=["unclosed", "nested cells", "nested source", "number", "strange cells"],
)
def test_a_malformed_notebook_is_a_typed_error(tmp_path: Path, read, content: bytes) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    assert _code(read, path) in ("damaged", "no_text")


def test_a_notebook_with_more_text_than_allowed_is_too_large(tmp_path: Path, read) -> None:
    path = tmp_path / "x.ipynb"
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ["Cells divide.\n"] * 1000}] * 40
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}), encoding="utf-8")
    assert _code(read, path, max_chars=100_000) == "too_large"
