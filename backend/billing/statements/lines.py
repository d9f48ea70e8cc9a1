"""A statement as lines of text, in the order in which they are read: the same for each format."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backend.billing.statements import statement_texts as texts
from backend.billing.statements.statement import MoneyKind, Statement


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """A line of the table of payments; ``day`` and ``reference`` are empty in totals."""

    day: str
    description: str
    amount: str
    vat: str
    vat_rate: str
    method: str
    reference: str


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    figure: str


@dataclass(frozen=True, slots=True)
class Figures:
    """How a format writes days in Switzerland, rappen as francs, and whole credits."""

    day: str
    francs: Callable[[int], str]
    whole: Callable[[int], str]


def list_money(statement: Statement, figures: Figures, language: str) -> Iterator[MoneyLine]:
    for row in statement.rows:
        yield MoneyLine(
            day=row.day.strftime(figures.day),
            description=texts.describe_row(row, language),
            amount=figures.francs(row.amount_rappen),
            vat=figures.francs(row.vat_rappen) if row.vat_rappen else "",
            vat_rate="" if row.vat_percent is None else str(row.vat_percent),
            method=texts.describe_method(row.method, language),
            reference=row.reference,
        )


def list_totals(statement: Statement, figures: Figures, language: str) -> Iterator[MoneyLine]:
    """Yield the total of each kind that occurs, and the total of all."""
    for kind in MoneyKind:
        if any(row.kind is kind for row in statement.rows):
            vat = statement.total_vat(kind)
            of_kind = figures.francs(vat) if vat else ""
            yield _total(texts.TOTALS[kind][language], figures.francs(statement.total(kind)), of_kind)
    has_vat = any(row.vat_rappen for row in statement.rows)
    of_all = figures.francs(statement.total_vat(*MoneyKind)) if has_vat else ""
    yield _total(texts.TOTAL[language], figures.francs(statement.total(*MoneyKind)), of_all)


def list_credits(statement: Statement, figures: Figures, language: str) -> Iterator[Line]:
    """Yield the balance at the beginning, what came and went, and the balance at the end."""
    credits = statement.credits
    yield Line(texts.OPENING[language].format(year=statement.year), figures.whole(credits.opening))
    for movement, amount in credits.changes:
        yield Line(texts.MOVEMENTS[movement][language], figures.whole(amount))
    yield Line(texts.CLOSING[language].format(year=statement.year), figures.whole(credits.closing))


def _total(label: str, amount: str, vat: str) -> MoneyLine:
    return MoneyLine(day="", description=label, amount=amount, vat=vat, vat_rate="", method="", reference="")
