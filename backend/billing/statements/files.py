"""Renders a statement as a file to download."""

from dataclasses import dataclass
from enum import StrEnum

from backend.billing.statements.spreadsheet import to_csv
from backend.billing.statements.statement import Statement


class StatementFormat(StrEnum):
    """Formats of a statement; the value is also the file name's extension."""

    CSV = "csv"
    PDF = "pdf"

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {StatementFormat.CSV: "text/csv", StatementFormat.PDF: "application/pdf"}
_CHARSETS = {StatementFormat.CSV: "; charset=utf-8", StatementFormat.PDF: ""}


@dataclass(frozen=True, slots=True)
class StatementFile:
    filename: str
    content_type: str
    data: bytes


def render_statement(statement: Statement, form: StatementFormat, language: str) -> StatementFile:
    content_type = f"{form.media_type}{_CHARSETS[form]}"
    return StatementFile(f"hackthestudy-{statement.year}.{form}", content_type, _data(statement, form, language))


def _data(statement: Statement, form: StatementFormat, language: str) -> bytes:
    if form is StatementFormat.CSV:
        return to_csv(statement, language)
    # Imported late, because it loads ReportLab.
    from backend.billing.statements.pdf import to_pdf

    return to_pdf(statement, language)
