"""A statement as CSV that spreadsheets open."""

import csv
import io

from backend.billing.prices.figures import to_francs
from backend.billing.statements import statement_texts as texts
from backend.billing.statements.lines import Figures, list_credits, list_money, list_totals
from backend.billing.statements.statement import Statement
from backend.text.languages import LANGUAGES
from backend.text.spreadsheets import to_plain_cell

# Excel splits a file at the list separator of the user's region: with German, French and Italian, the semicolon.
_SEPARATORS = dict(zip(LANGUAGES, (",", ";", ";", ";"), strict=True))
# Without it, Excel takes UTF-8 for the region's own encoding.
_BYTE_ORDER_MARK = "\ufeff"
_FIGURES = Figures(day="%Y-%m-%d", francs=to_francs, whole=str)


def to_csv(statement: Statement, language: str) -> bytes:
    """Return the statement as UTF-8 with a byte order mark. Amounts are plain numbers such as ``-5.00``.

    Texts from outside cannot be formulas.
    """
    written = io.StringIO()
    writer = csv.writer(written, delimiter=_SEPARATORS[language])
    writer.writerow([texts.TITLE[language].format(year=statement.year)])
    writer.writerow([texts.PAYER[language], to_plain_cell(next(iter(statement.payers), ""))])
    writer.writerow([])
    writer.writerow([texts.PAYMENTS[language]])
    writer.writerow(each[language] for each in texts.COLUMNS)
    for line in (*list_money(statement, _FIGURES, language), *list_totals(statement, _FIGURES, language)):
        writer.writerow(
            [
                line.day,
                line.description,
                line.amount,
                line.vat,
                line.vat_rate,
                *map(to_plain_cell, (line.method, line.reference)),
            ]
        )
    writer.writerow([])
    writer.writerow([texts.CREDITS[language]])
    writer.writerows((line.label, line.figure) for line in list_credits(statement, _FIGURES, language))
    writer.writerow([])
    writer.writerow([texts.NOTE[language]])
    return f"{_BYTE_ORDER_MARK}{written.getvalue()}".encode()
