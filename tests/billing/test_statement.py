"""A year's statement: complete, adding up, in four languages, and safe to open in a spreadsheet."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from backend.billing.statements.statement import find_vat_percent
from backend.billing.types import LotSource
from tests.billing.statement_files import LANGUAGES, URL, credits_of, money_of, read_csv, read_pdf

pytestmark = pytest.mark.usefixtures("billing")


def test_payments_refunds_and_disputes_add_up(client, book):
    first = book.pay("2026-03-04T10:00:00", 10_000, method="twint")
    second = book.pay("2026-05-01T10:00:00", 5000, tax_rappen=37)
    book.refund("2026-06-01T10:00:00", first, 250)
    book.refund("2026-06-02T10:00:00", first, 100, status="failed")
    book.dispute("2026-07-01T10:00:00", second, 500)
    book.dispute("2026-07-02T10:00:00", second, 0)
    lines = money_of(read_csv(client))
    assert [line[:6] for line in lines[:4]] == [
        ["2026-03-04", "Purchase of 10,000 credits", "10.00", "", "", "TWINT"],
        ["2026-05-01", "Purchase of 5,000 credits", "5.00", "0.37", "8.1", "Card"],
        ["2026-06-01", "Refund", "-2.50", "", "", "TWINT"],
        ["2026-07-01", "Disputed payment", "-5.00", "-0.37", "8.1", "Card"],
    ]
    assert [line[6][:3] for line in lines[:4]] == ["pi_", "pi_", "re_", "dp_"]
    assert [(line[1], line[2], line[3]) for line in lines[4:]] == [
        ("Total of purchases", "15.00", "0.37"),
        ("Total of refunds", "-2.50", ""),
        ("Total of disputed payments", "-5.00", "-0.37"),
        ("Total after refunds and disputes", "7.50", "0.00"),
    ]
    assert sum(Decimal(line[2]) for line in lines[:4]) == Decimal(lines[-1][2])


def test_the_tax_of_refunds_adds_up_to_that_of_the_payment(client, book):
    payment = book.pay("2025-12-01T10:00:00", 5000, tax_rappen=37)
    book.refund("2025-12-02T10:00:00", payment, 167)
    book.refund("2026-01-02T10:00:00", payment, 167)
    book.refund("2026-01-03T10:00:00", payment, 166)
    before, after = (money_of(read_csv(client, year)) for year in (2025, 2026))
    assert [line[3] for line in before] == ["0.37", "-0.12", "0.37", "-0.12", "0.25"]
    assert [line[3] for line in after] == ["-0.13", "-0.12", "-0.25", "-0.25"]


def test_credits_add_up_from_one_year_to_the_next(client, book):
    book.give("2025-11-01T10:00:00", 500)
    book.pay("2025-12-01T10:00:00", 1000)
    book.spend("2025-12-02T10:00:00", 600)
    payment = book.pay("2026-02-01T10:00:00", 5000)
    book.give("2026-03-01T10:00:00", 70, LotSource.GOODWILL)
    book.spend("2026-03-02T10:00:00", 300)
    book.refund("2026-04-01T10:00:00", payment, 100)
    book.dispute("2026-05-01T10:00:00", payment, 50)
    book.spend("2027-01-10T10:00:00", 11)
    by_year = {year: credits_of(read_csv(client, year)) for year in (2024, 2025, 2026, 2027)}
    # Balance, purchased, free, spent, refunded, disputed, expired, corrected, balance.
    assert by_year == {
        2024: [0, 0, 0, 0, 0, 0, 0, 0, 0],
        2025: [0, 1000, 500, -600, 0, 0, 0, 0, 900],
        2026: [900, 5000, 70, -300, -1000, -500, 0, 0, 4170],
        2027: [4170, 0, 0, -11, 0, 0, 0, 0, 4159],
    }
    for figures in by_year.values():
        assert sum(figures[:-1]) == figures[-1]
    assert by_year[2027][-1] == client.get("/api/v1/billing/credits").json["balance"]


def test_each_entry_is_in_one_year_whatever_the_order_of_commits(client, book):
    book.give("2026-12-31T22:59:00", 500)
    # These waited for the account's lock while a later transaction had it.
    book.give("2026-12-31T23:00:01", 30)
    book.give("2026-12-31T22:59:59", 7)
    book.give("2026-12-31T23:00:02", 100)
    before, after = credits_of(read_csv(client, 2026)), credits_of(read_csv(client, 2027))
    assert sum(before[:-1]) == before[-1] == after[0]
    assert sum(after[:-1]) == after[-1] == 637


def test_years_begin_at_midnight_in_switzerland(client, book):
    book.pay("2025-12-31T22:59:59", 1000)
    book.pay("2025-12-31T23:00:00", 2000)
    book.pay("2026-12-31T22:59:59", 3000)
    book.pay("2026-12-31T23:00:00", 4000)
    assert [line[0] for line in money_of(read_csv(client))[:-2]] == ["2026-01-01", "2026-12-31"]
    assert credits_of(read_csv(client)) == [1000, 5000, 0, 0, 0, 0, 0, 0, 6000]


def test_a_year_without_anything_is_an_empty_statement(client):
    lines = read_csv(client, 2031)
    assert [line[1:3] for line in money_of(lines)] == [["Total after refunds and disputes", "0.00"]]
    assert credits_of(lines) == [0] * 9
    _, text, pages = read_pdf(client, 2031)
    assert "There were no payments in this year." in text
    assert pages == 1


@pytest.mark.parametrize("query", ["", "year=", "year=2019", "year=2101", "year=now", "year=2026&format=xls", "y=2026"])
def test_an_invalid_query_is_refused(client, query):
    assert client.get(f"{URL}?{query}").status_code == 422


@pytest.mark.parametrize(
    ("accept", "form", "expected"),
    [
        (None, None, "text/csv"),
        ("*/*", None, "text/csv"),
        ("application/json", None, "text/csv"),
        ("application/pdf", None, "application/pdf"),
        ("application/pdf;q=0.5, text/csv", None, "text/csv"),
        ("application/pdf", "csv", "text/csv"),
        ("text/csv", "pdf", "application/pdf"),
    ],
)
def test_the_format_comes_from_the_query_or_the_accept_header(client, accept, form, expected):
    answer = client.get(
        URL,
        query_string={"year": 2026, **({"format": form} if form else {})},
        headers={} if accept is None else {"Accept": accept},
    )
    assert answer.mimetype == expected
    name = f"hackthestudy-2026.{expected.rpartition('/')[2]}"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert {"Accept", "Accept-Language"} <= set(answer.headers["Vary"].replace(" ", "").split(","))


WORDS = {
    "en": ["statement 2026", "Issued to", "Purchase of 10,000 credits", "Refund", "Balance at the end of 2026"],
    "de": ["Auszug 2026", "Ausgestellt für", "Kauf von 10’000 Credits", "Rückerstattung", "Guthaben am Ende von 2026"],
    "fr": ["relevé 2026", "Établi pour", "Achat de 10’000 crédits", "Remboursement", "Solde à la fin de 2026"],
    "it": ["estratto 2026", "Intestato a", "Acquisto di 10’000 crediti", "Rimborso", "Saldo alla fine del 2026"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_statements_are_in_the_users_language(client, book, language):
    payment = book.pay("2026-03-04T10:00:00", 10_000, tax_rappen=75)
    book.refund("2026-06-01T10:00:00", payment, 250)
    written = "\n".join(" ".join(line) for line in read_csv(client, language=language))
    _, shown, _ = read_pdf(client, language=language)
    one_line = " ".join(shown.split())
    for words in WORDS[language]:
        assert words in written
        assert words in one_line
    others = {each for other in LANGUAGES if other != language for each in WORDS[other]} - set(WORDS[language])
    assert not [words for words in others if words in written.replace("Rückerstattungen", "")]


def test_the_csv_has_every_name_as_it_is(client, book):
    book.pay("2026-03-04T10:00:00", 10_000, payer_name="Иван Петров")
    assert read_csv(client)[1] == ["Issued to", "Иван Петров"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada\x07 \u202eecalevoL\u202c", "Ada ecalevoL"),
        ("Ada\r\nLovelace\u2028", "Ada Lovelace"),
        # A control character must not hide the start of a formula.
        ("\x01=1+1", "'=1+1"),
        ("\u200b\u202e", "payer@example.org"),
    ],
)
def test_the_csv_has_no_invisible_characters(client, book, name, shown):
    book.pay("2026-03-04T10:00:00", 10_000, payer_name=name, payer_email="payer@example.org", method="tw\u202eint\x7f")
    lines = read_csv(client)
    assert lines[1][1] == shown
    assert money_of(lines)[0][5] == "twint"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r\n=", " =", "＝"])
def test_no_text_from_outside_is_a_formula(client, book, start):
    book.pay("2026-03-04T10:00:00", 10_000, payer_name=f"{start}cmd|' /C calc'!A0", method=f"{start}1+1")
    lines = read_csv(client)
    assert lines[1][1].startswith("'")
    assert money_of(lines)[0][5].startswith("'")
    own = {line[2] for line in money_of(lines)}
    assert own == {"10.00"}


def test_without_a_payment_the_profile_names_the_user(client):
    assert read_csv(client)[1][1] == ""
    tag = client.get("/api/v1/users/me").headers["ETag"]
    changed = client.patch("/api/v1/users/me", json={"name": "Anna Keller"}, headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert read_csv(client)[1][1] == "Anna Keller"


@pytest.mark.parametrize(
    ("amount", "vat", "percent"),
    [(500, 37, "8.1"), (1000, 75, "8.1"), (2500, 187, "8.1"), (5000, 375, "8.1"), (1000, 25, "2.6"), (1000, 37, "3.8")],
)
def test_the_rate_is_that_which_gives_the_tax(amount, vat, percent):
    assert find_vat_percent(amount, vat) == Decimal(percent)


@pytest.mark.parametrize(("amount", "vat"), [(1000, 0), (1000, 160), (1000, 77)])
def test_no_rate_is_invented(amount, vat):
    assert find_vat_percent(amount, vat) is None


def test_another_user_sees_nothing_of_it(client, other_client, book):
    book.pay("2026-03-04T10:00:00", 10_000)
    lines = read_csv(other_client)
    assert [line[2] for line in money_of(lines)] == ["0.00"]
    assert credits_of(lines) == [0] * 9
    assert "Anna Muster" not in str(lines)
    assert "Anna Muster" not in read_pdf(other_client)[1]


def test_credits_of_two_users_are_not_mixed(client, other_client, book, grant_credits):
    year = datetime.now(ZoneInfo("Europe/Zurich")).year
    book.give(f"{year}-01-01T12:00:00", 500)
    book.spend(f"{year}-01-01T13:00:00", 30)
    grant_credits(other_client, 70, "goodwill")
    grant_credits(other_client, 7, "goodwill")
    assert credits_of(read_csv(other_client, year)) == [0, 0, 77, 0, 0, 0, 0, 0, 77]


def test_statements_need_a_signed_in_user(anonymous):
    assert anonymous.get(f"{URL}?year=2026").status_code == 401
