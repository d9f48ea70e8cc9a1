"""A statement as PDF. The only module that imports ReportLab (6 MB), so it is loaded when the first PDF is made."""

import io
import unicodedata
from collections.abc import Iterable
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from backend.billing.prices.figures import format_francs, format_whole
from backend.billing.statements import statement_texts as texts
from backend.billing.statements.lines import Figures, MoneyLine, list_credits, list_money, list_totals
from backend.billing.statements.statement import Statement

# ReportLab ships this font, so that no font of the machine is needed. It has the letters of Western Europe and of most
# languages of the Balkans.
_PLAIN, _BOLD = "Vera", "VeraBd"
_FONTS = {name: TTFont(name, f"{name}.ttf") for name in (_PLAIN, _BOLD)}
for _font in _FONTS.values():
    pdfmetrics.registerFont(_font)
pdfmetrics.registerFontFamily(_PLAIN, normal=_PLAIN, bold=_BOLD, italic=_PLAIN, boldItalic=_BOLD)
# A font of ReportLab reads its file from a position that all threads share.
_writing = Lock()
_SHOWN = frozenset.intersection(*(frozenset(font.face.charToGlyph) for font in _FONTS.values()))

_MARGIN = 18 * mm
_WIDTH = A4[0] - 2 * _MARGIN
# Day, description, amount, VAT, VAT rate, means of payment, reference.
_COLUMN_WIDTHS = [each * mm for each in (19, 43, 21, 21, 16, 24, 30)]
_AMOUNTS = frozenset({2, 3, 4})
_METHOD = 5
_GREY = colors.HexColor("#555555")
_TEXT = ParagraphStyle("text", fontName=_PLAIN, fontSize=8.5, leading=11)
_SMALL = ParagraphStyle("small", parent=_TEXT, fontSize=7, leading=9)
_SMALL_RIGHT = ParagraphStyle("small-right", parent=_SMALL, alignment=TA_RIGHT)
_RIGHT = ParagraphStyle("right", parent=_TEXT, alignment=TA_RIGHT)
_TITLE = ParagraphStyle("title", parent=_TEXT, fontName=_BOLD, fontSize=15, leading=20, spaceAfter=3 * mm)
_HEADING = ParagraphStyle("heading", parent=_TEXT, fontName=_BOLD, fontSize=10.5, leading=14, spaceAfter=2 * mm)


def to_pdf(statement: Statement, language: str) -> bytes:
    """Return the statement on A4. The same statement always gives the same bytes."""

    def write_francs(rappen: int) -> str:
        return format_francs(rappen, language)

    def write_whole(credits: int) -> str:
        return format_whole(credits, language)

    figures = Figures(day="%d.%m.%Y", francs=write_francs, whole=write_whole)
    title = texts.TITLE[language].format(year=statement.year)
    story: list[Flowable] = [Paragraph(title, _TITLE)]
    if statement.payers:
        story.append(Paragraph(f"<b>{texts.PAYER[language]}</b> {escape(choose_payer(statement.payers))}", _TEXT))
    story += [
        Spacer(0, 6 * mm),
        Paragraph(texts.PAYMENTS[language], _HEADING),
        *_money(statement, figures, language),
        Spacer(0, 8 * mm),
        Paragraph(texts.CREDITS[language], _HEADING),
        _credits(statement, figures, language),
        Spacer(0, 8 * mm),
        Paragraph(texts.NOTE[language], _SMALL),
    ]
    written = io.BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=title,
        author="HackTheStudy",
        lang=language,
        invariant=1,
    )
    with _writing:
        document.build(story, canvasmaker=_numbered(texts.PAGE[language]))
    return written.getvalue()


def choose_payer(payers: Iterable[str]) -> str:
    """Return the first name that the font can show, if need be without accents; else the first with ``?``.

    The last ones are addresses, which nearly always can be shown.
    """
    lines = [" ".join(payer.split()) for payer in payers]
    shown = [_to_shown(line) for line in lines]
    return next((each for each in shown if "?" not in each), shown[0])


def _to_shown(text: str) -> str:
    return "".join(map(_show, unicodedata.normalize("NFC", text)))


def _show(character: str) -> str:
    if ord(character) in _SHOWN:
        return character
    # Such as "ő": the letter without its accent is closer to the name than a box.
    plain = "".join(each for each in unicodedata.normalize("NFKD", character) if ord(each) in _SHOWN)
    return plain or "?"


def _money(statement: Statement, figures: Figures, language: str) -> Iterable[Flowable]:
    if not statement.rows:
        yield Paragraph(texts.NO_PAYMENTS[language], _TEXT)
        return
    head = [
        Paragraph(each[language], _SMALL_RIGHT if at in _AMOUNTS else _SMALL) for at, each in enumerate(texts.COLUMNS)
    ]
    lines = list(list_money(statement, figures, language))
    totals = list(list_totals(statement, figures, language))
    table = Table(
        [head, *map(_cells, lines), *map(_cells, totals)],
        colWidths=_COLUMN_WIDTHS,
        repeatRows=1,
        style=TableStyle(
            [
                *_STYLE,
                ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black),
                ("LEFTPADDING", (_METHOD, 0), (_METHOD, -1), 8),
                ("LINEABOVE", (0, -len(totals)), (-1, -len(totals)), 0.6, colors.black),
                *(("SPAN", (0, -at), (1, -at)) for at in range(1, len(totals) + 1)),
            ]
        ),
        hAlign="LEFT",
    )
    yield table


def _cells(line: MoneyLine) -> list[Flowable]:
    is_total = not line.day
    description = Paragraph(escape(line.description), _TEXT)
    return [
        description if is_total else Paragraph(line.day, _TEXT),
        description,
        Paragraph(line.amount, _RIGHT),
        Paragraph(line.vat, _RIGHT),
        Paragraph(line.vat_rate, _RIGHT),
        Paragraph(escape(_to_shown(line.method)), _TEXT),
        Paragraph(escape(_to_shown(line.reference)), _SMALL),
    ]


def _credits(statement: Statement, figures: Figures, language: str) -> Flowable:
    lines = list(list_credits(statement, figures, language))
    return Table(
        [[Paragraph(line.label, _TEXT), Paragraph(line.figure, _RIGHT)] for line in lines],
        colWidths=[80 * mm, 30 * mm],
        style=TableStyle(
            [
                *_STYLE,
                ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black),
                ("LINEABOVE", (0, -1), (-1, -1), 0.6, colors.black),
            ]
        ),
        hAlign="LEFT",
    )


_STYLE: list[tuple[Any, ...]] = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 2),
    ("RIGHTPADDING", (0, 0), (-1, -1), 2),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ("LINEBELOW", (0, 0), (-1, -1), 0.2, _GREY),
]


def _numbered(pattern: str) -> type[Canvas]:
    """Return a canvas that numbers the pages. It keeps them until it is saved: only then is their count known."""

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, start=1):
                self.__dict__.update(page)
                self.setFont(_PLAIN, 7)
                self.drawRightString(A4[0] - _MARGIN, 10 * mm, pattern.format(number=number, count=len(self._pages)))
                super().showPage()
            super().save()

    return Numbered
