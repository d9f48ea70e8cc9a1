"""Makes the two sample PDFs from the Markdown files in this folder. The output is reproducible byte for byte.

Run ``python config/local/sample/make_sample.py`` after changing the text.
"""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageBreak, PageTemplate, Paragraph

FOLDER = Path(__file__).parent
SAMPLES = {"lecture-notes": "en", "vorlesung": "de"}

_TEXT = ParagraphStyle("text", fontName="Times-Roman", fontSize=11.5, leading=15.5, alignment=TA_JUSTIFY, spaceAfter=7)
_STYLES = {
    "- ": ParagraphStyle("bullet", parent=_TEXT, leftIndent=14, bulletIndent=3, spaceAfter=3),
    "# ": ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=22, leading=28, spaceAfter=10),
    "## ": ParagraphStyle("chapter", fontName="Helvetica-Bold", fontSize=16, leading=20, spaceBefore=8, spaceAfter=8),
    "### ": ParagraphStyle("section", fontName="Helvetica-Bold", fontSize=12, leading=15, spaceBefore=6, spaceAfter=4),
}


class _Heading(Paragraph):
    """A heading with a bookmark."""

    def draw(self) -> None:
        title = self.getPlainText()
        key = f"{self.canv.getPageNumber()}-{title}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(title, key, level=1 if self.style.name == "section" else 0)
        super().draw()


def _number_page(canvas: Canvas, document: BaseDocTemplate) -> None:
    canvas.setFont("Times-Roman", 10)
    canvas.drawCentredString(A4[0] / 2, 12 * mm, str(document.page))


def _flowables(source: str) -> Iterator[Flowable]:
    chapters = 0
    for line in filter(None, source.splitlines()):
        mark = next((mark for mark in ("### ", "## ", "# ", "- ") if line.startswith(mark)), "")
        if mark == "## ":
            chapters += 1
            if chapters > 1:
                yield PageBreak()
        text = escape(line.removeprefix(mark), quote=False)
        kind = _Heading if "#" in mark else Paragraph
        yield kind(text, _STYLES.get(mark, _TEXT), bulletText="•" if mark == "- " else None)


def make_samples(folder: Path) -> None:
    """Write each sample as a PDF to ``folder``."""
    width, height = A4
    for name, language in SAMPLES.items():
        source = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
        title = source.splitlines()[0].removeprefix("# ")
        document = BaseDocTemplate(
            str(folder / f"{name}.pdf"), pagesize=A4, title=title, author="HackTheStudy", lang=language, invariant=1
        )
        frame = Frame(25 * mm, 22 * mm, width - 50 * mm, height - 44 * mm)
        document.addPageTemplates(PageTemplate(frames=[frame], onPageEnd=_number_page))
        document.build(list(_flowables(source)))


if __name__ == "__main__":
    make_samples(FOLDER)
