"""Reads statements as users get them, and makes entries at times in the past."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pypdfium2
import sqlalchemy as sa

from backend.core.database.transaction import transaction

URL = "/api/v1/billing/statement"
LANGUAGES = ("en", "de", "fr", "it")
SEPARATORS = {"en": ",", "de": ";", "fr": ";", "it": ";"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@contextmanager
def time_of_entries(moment: str) -> Iterator[None]:
    """Open a transaction whose entries are made at ``moment``: entries cannot be changed afterwards."""
    with transaction() as session:
        session.execute(sa.text(f"ALTER TABLE credit_entries ALTER created_at SET DEFAULT '{at(moment).isoformat()}'"))
        yield
        session.flush()
        session.execute(sa.text("ALTER TABLE credit_entries ALTER created_at SET DEFAULT now()"))


def read_csv(client, year: int = 2026, language: str = "en", **query: str) -> list[list[str]]:
    answer = client.get(URL, query_string={"year": year, **query}, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "text/csv; charset=utf-8"
    text = answer.data.decode("utf-8")
    # Spreadsheets need the mark to read UTF-8.
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:]), delimiter=SEPARATORS[language]))


def money_of(lines: list[list[str]]) -> list[list[str]]:
    """Return the lines of the table of payments, without its head, and its totals."""
    head = next(at for at, line in enumerate(lines) if len(line) == 7)
    return [line for line in lines[head + 1 :] if len(line) == 7]


def credits_of(lines: list[list[str]]) -> list[int]:
    """Return the balance at the beginning, the movements, and the balance at the end."""
    return [int(line[1]) for line in lines[3:] if len(line) == 2]


def read_pdf(client, year: int = 2026, language: str = "en") -> tuple[bytes, str, int]:
    """Return the file, its text and its number of pages."""
    answer = client.get(f"{URL}?year={year}", headers={"Accept": "application/pdf", "Accept-Language": language})
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/pdf"
    document = pypdfium2.PdfDocument(answer.data)
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    return answer.data, text.replace("\r\n", "\n"), len(document)
