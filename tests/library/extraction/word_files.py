"""Makes Word files from raw XML, also ones that no program would write."""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
)
"""Every prefix that the tests use."""

HEADINGS = "".join(
    f'<w:style w:type="paragraph" w:styleId="H{level}"><w:name w:val="heading {level}"/></w:style>'
    for level in range(1, 7)
)
"""Styles H1 to H6."""

_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml."
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def run(text: str, properties: str = "") -> str:
    """Return a run with its properties (the inside of ``w:rPr``)."""
    inside = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{inside}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*content: str, properties: str = "", style: str = "") -> str:
    """Return a paragraph. Content without markup becomes a run."""
    inside = (f'<w:pStyle w:val="{style}"/>' if style else "") + properties
    runs = "".join(piece if piece.startswith("<") else run(piece) for piece in content)
    return f"<w:p><w:pPr>{inside}</w:pPr>{runs}</w:p>"


def item(text: str, number: str = "1", level: int = 0) -> str:
    """Return a paragraph of a list."""
    place = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    return paragraph(text, properties=place)


def cell(*content: str, properties: str = "") -> str:
    """Return a cell. Content without markup becomes a paragraph."""
    inside = "".join(piece if piece.startswith("<") else paragraph(piece) for piece in content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inside}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    """Return a row. Cells without markup are made."""
    inside = "".join(piece if piece.startswith("<") else cell(piece) for piece in cells)
    return f"<w:tr><w:trPr>{properties}</w:trPr>{inside}</w:tr>"


def table(*rows: str) -> str:
    """Return a table."""
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(rows)}</w:tbl>"


def numbering(levels: Mapping[int, str], number: str = "1") -> str:
    """Return one abstract list with the levels given (the inside of ``w:lvl``), and a list that uses it."""
    inside = "".join(f'<w:lvl w:ilvl="{depth}">{level}</w:lvl>' for depth, level in levels.items())
    return (
        f'<w:abstractNum w:abstractNumId="{number}">{inside}</w:abstractNum>'
        f'<w:num w:numId="{number}"><w:abstractNumId w:val="{number}"/></w:num>'
    )


def level(number_format: str, text: str, more: str = "", start: int = 1) -> str:
    """Return the inside of ``w:lvl``."""
    return f'<w:start w:val="{start}"/><w:numFmt w:val="{number_format}"/><w:lvlText w:val="{text}"/>{more}'


def write_word_file(
    path: Path,
    body: str | Iterable[bytes],
    *,
    styles: str = HEADINGS,
    lists: str = "",
    notes: Mapping[str, str] | None = None,
    relations: str = "",
    parts: Mapping[str, bytes | str] | None = None,
    types: str = "",
    main: str = "word/document.xml",
) -> Path:
    """Write a Word file. ``notes`` holds the inside of ``footnotes``, ``endnotes``, ``comments`` and ``settings``.

    ``relations`` adds relations of the main part, ``types`` content types, ``parts`` whole parts.
    """
    inner = {"styles": styles, "numbering": lists, **(notes or {})}
    inner = {name: xml for name, xml in inner.items() if xml}
    own = "".join(f'<Relationship Id="own-{name}" Type="{_TYPE}{name}" Target="{name}.xml"/>' for name in inner)
    folder, _, name = main.rpartition("/")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _types(inner, main, types))
        archive.writestr(
            "_rels/.rels", _related(f'<Relationship Id="a" Type="{_TYPE}officeDocument" Target="{main}"/>')
        )
        archive.writestr(f"{folder}/_rels/{name}.rels", _related(own + relations))
        for kind, xml in inner.items():
            archive.writestr(f"{folder}/{kind}.xml", f"{_HEAD}<w:{kind} {NAMESPACES}>{xml}</w:{kind}>")
        with archive.open(main, "w") as file:
            file.write(f"{_HEAD}<w:document {NAMESPACES}><w:body>".encode())
            for piece in (body.encode(),) if isinstance(body, str) else body:
                file.write(piece)
            file.write(b"</w:body></w:document>")
        for part, content in (parts or {}).items():
            archive.writestr(part, content)
    return path


def relation(identifier: str, kind: str, target: str, more: str = "") -> str:
    """Return a relation of the main part."""
    return f'<Relationship Id="{identifier}" Type="{_TYPE}{kind}" Target="{target}" {more}/>'


def _types(inner: Mapping[str, str], main: str, more: str) -> str:
    named = "".join(f'<Override PartName="/word/{kind}.xml" ContentType="{_WORD_TYPE}{kind}+xml"/>' for kind in inner)
    return (
        f'{_HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{main}" ContentType="{_WORD_TYPE}document.main+xml"/>{named}{more}</Types>'
    )


def _related(relations: str) -> str:
    return f'{_HEAD}<Relationships xmlns="{_RELATIONS}">{relations}</Relationships>'
