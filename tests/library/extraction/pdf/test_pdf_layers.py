"""Text layers that cannot be believed."""

import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from backend.library.extraction.errors import UnreadableFile
from tests.library.extraction.pdf.raw_pdf import write_pdf

SENTENCES = [
    "Osmosis is the diffusion of water across a membrane.",
    "Turgor is the pressure of the content on the wall.",
    "A buffer is a solution that keeps its acidity.",
    "Diffusion is the net movement of particles.",
    "The nucleus contains the chromosomes of the cell.",
    "Active transport moves a substance against its gradient.",
]
# A font whose letters are said to be three further in the alphabet than they look.
_SHIFTED = "".join(f"<{code:02x}> <{0x61 + (code - 0x61 + 3) % 26:04x}>\n" for code in range(0x61, 0x7B))
_MAP = (
    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n"
    "1 begincodespacerange <00> <ff> endcodespacerange\n"
    f"26 beginbfchar\n{_SHIFTED}endbfchar\nendcmap end end"
)
_FONT = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 4 0 R>>"


def _write_shifted(path):
    rows = " ".join(f"0 -24 Td ({text.lower()}) Tj" for text in SENTENCES)
    stream = f"<</Length {len(_MAP)}>>stream\n{_MAP}\nendstream"
    return write_pdf(path, [f"BT /X 16 Tf 60 700 Td {rows} ET"], fonts={"X": _FONT}, objects=[stream])


def test_a_layer_that_is_no_language_is_recognised_instead(tmp_path, read):
    pages, report = read(_write_shifted(tmp_path / "shifted.pdf"))
    assert pages[0].source == "ocr"
    assert "diffusion of water across a membrane" in pages[0].text
    assert [(warning.code, warning.pages) for warning in report.warnings if warning.code == "text_layer_not_used"] == [
        ("text_layer_not_used", (1,))
    ]


def test_without_ocr_a_layer_that_is_no_language_gives_no_text(tmp_path, read, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreadableFile, match="no_text"):
        read(_write_shifted(tmp_path / "shifted.pdf"))


def test_a_stamp_does_not_hide_a_scan(tmp_path, read, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    canvas = Canvas(str(tmp_path / "stamped.pdf"))
    canvas.drawString(72, 700, SENTENCES[0])
    canvas.showPage()
    canvas.drawImage(ImageReader(Image.new("L", (600, 800), 255)), 0, 40, 595, 760)
    canvas.setFont("Helvetica", 8)
    canvas.drawString(
        72, 20, "This content was downloaded from an archive of journals. All use is subject to its terms."
    )
    canvas.save()
    pages, report = read(tmp_path / "stamped.pdf")
    assert [page.skipped for page in pages] == [None, "not_readable"]
    assert [(warning.code, warning.pages) for warning in report.warnings] == [("pages_not_readable", (2,))]


def test_signs_that_mark_spans_are_not_taken_from_a_file(tmp_path, read):
    marks = "2 beginbfchar <7e> <fdd0> <7c> <fdda> endbfchar"
    cmap = _MAP.replace("26 beginbfchar\n" + _SHIFTED + "endbfchar", marks)
    stream = f"<</Length {len(cmap)}>>stream\n{cmap}\nendstream"
    content = (
        f"BT /F 11 Tf 72 700 Td ({SENTENCES[0]}) Tj 0 -20 Td /X 11 Tf (~) Tj /F 11 Tf (A title) Tj /X 11 Tf (|) Tj ET"
    )
    pages, _ = read(write_pdf(tmp_path / "marks.pdf", [content], fonts={"X": _FONT}, objects=[stream]))
    assert "A title" in pages[0].text
    assert pages[0].spans == ()
