"""Writes PDFs from objects and content streams, for what reportlab does not make."""

from collections.abc import Mapping, Sequence
from pathlib import Path

HELVETICA = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def write_pdf(
    path: Path,
    contents: Sequence[str],
    *,
    fonts: Mapping[str, str] | None = None,
    page: str = "",
    catalog: str = "",
    objects: Sequence[str] = (),
    producer: str = "",
) -> Path:
    """Write a page for each content stream. ``objects`` are numbered from 4; ``page`` and ``catalog`` add entries."""
    shown = " ".join(f"/{name} {font}" for name, font in {"F": HELVETICA, **(fonts or {})}.items())
    bodies = [f"<</Type/Catalog/Pages 2 0 R {catalog}>>", "", f"<<{shown}>>", *objects]
    kids = []
    for content in contents:
        stream = len(bodies) + 1
        bodies.append(f"<</Length {len(content.encode('latin-1'))}>>stream\n{content}\nendstream")
        bodies.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {stream} 0 R"
            f"/Resources<</Font 3 0 R/Properties<</Off 4 0 R>>>>{page}>>"
        )
        kids.append(f"{stream + 1} 0 R")
    bodies[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    bodies.append(f"<</Producer({producer})>>")
    data, offsets = b"%PDF-1.6\n", []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    end = f"trailer<</Size {len(bodies) + 1}/Root 1 0 R/Info {len(bodies)} 0 R>>\nstartxref\n{len(data)}\n%%EOF\n"
    path.write_bytes(data + f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}{end}".encode("latin-1"))
    return path
