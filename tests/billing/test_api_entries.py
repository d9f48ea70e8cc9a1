"""Changes of credits over HTTP: pages, filters, and what each was for."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.billing.ledger.holds import close, reserve, settle
from backend.billing.ledger.lots import adjust_down, book_taken, grant
from backend.billing.models import CreditLot, Refund
from backend.billing.types import EntryKind, LotSource
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.generation.models import Run
from backend.generation.types import RunState
from tests import credits

URL = "/api/v1/billing/entries"
pytestmark = pytest.mark.usefixtures("billing")


def add_run(app: APIFlask, client, study_set_id: str) -> UUID:
    """Add a run of the study set, without its work."""
    run_id = new_id()
    with app.app_context(), transaction():
        db.session.add(
            Run(
                id=run_id,
                study_set_id=UUID(study_set_id),
                user_id=client.user_id,
                state=RunState.DONE,
                model="gpt-4o",
                is_draft=False,
                flashcards_asked=1,
                questions_asked=0,
                ended_at=now(),
            )
        )
    return run_id


def read_all(client, query: str = "limit=100", **headers: str) -> list[dict]:
    answer = client.get(f"{URL}?{query}", headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def test_entries_say_what_happened_newest_first(app, client, grant_credits):
    free = grant_credits(client, 50, "sign_up")
    paid = grant_credits(client, 1000)
    run = new_id()
    with app.app_context(), transaction():
        reserve(client.user_id, run, 100)
        settle(run, 60)
        close(run, 60)
    found = read_all(client)
    seen = [(e["kind"], e["amount"], e["held"], e["balance_after"], e["held_after"], e["source"]) for e in found]
    assert seen == [
        ("released", 0, -40, 990, 0, "purchase"),
        ("captured", -10, -10, 990, 40, "purchase"),
        ("captured", -50, -50, 1000, 50, "sign_up"),
        ("reserved", 0, 50, 1050, 100, "purchase"),
        ("reserved", 0, 50, 1050, 50, "sign_up"),
        ("granted", 1000, 0, 1050, 0, "purchase"),
        ("granted", 50, 0, 50, 0, "sign_up"),
    ]
    assert [e["run_id"] for e in found] == [str(run)] * 5 + [None] * 2
    assert found[-1]["lot_id"] == str(free)
    assert found[-2]["lot_id"] == str(paid)
    assert (
        found[0]["balance_after"]
        == sum(e["amount"] for e in found)
        == client.get("/api/v1/billing/credits").json["balance"]
    )


def test_a_page_continues_where_the_last_one_ended(client, grant_credits):
    for _ in range(7):
        grant_credits(client, 10, "goodwill")
    everything = read_all(client)
    first = client.get(f"{URL}?limit=4").json
    second = client.get(f"{URL}?limit=4&cursor={first['next_cursor']}").json
    assert first["items"] + second["items"] == everything
    assert second["next_cursor"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=abc", "run_id=x", "kind=granted"])
def test_an_invalid_query_is_refused(client, query):
    assert client.get(f"{URL}?{query}").status_code == 422


def test_entries_of_one_run(app, client, grant_credits):
    grant_credits(client, 100)
    first, second = new_id(), new_id()
    with app.app_context(), transaction():
        reserve(client.user_id, first, 10)
        reserve(client.user_id, second, 20)
    assert [e["held"] for e in read_all(client, f"run_id={second}")] == [20]
    assert read_all(client, f"run_id={new_id()}") == []


def test_an_entry_names_the_payment_that_it_is_about(app, client, grant_credits):
    with app.app_context(), transaction():
        first = credits.add_lot(client.user_id, 100, LotSource.PURCHASE)
        second = credits.add_lot(client.user_id, 100, LotSource.PURCHASE)
        payments = {
            lot: db.session.scalars(sa.select(CreditLot.payment_id).where(CreditLot.id == lot)).one()
            for lot in (first, second)
        }
        db.session.add(
            Refund(
                user_id=client.user_id,
                payment_id=payments[first],
                stripe_id="re_1",
                amount_rappen=15,
                status="succeeded",
            )
        )
        db.session.flush()
        run = new_id()
        reserve(client.user_id, run, 90)
        close(run, 90)
        # Only 10 are left of the first purchase, so 140 come from the second and beyond.
        book_taken(client.user_id, first, "re_1", EntryKind.REFUNDED, 100)
    found = read_all(client)
    assert [(e["kind"], e["amount"], e["payment_id"]) for e in found if e["run_id"] is None] == [
        ("refunded", -90, str(payments[first])),
        ("refunded", -10, str(payments[first])),
        ("granted", 100, str(payments[second])),
        ("granted", 100, str(payments[first])),
    ]
    assert {e["payment_id"] for e in found if e["run_id"] is not None} == {None}


DESCRIPTIONS = {
    "en": {
        "granted": {"Sign-up credits", "Purchase of 10,000 credits", "Free credits from support"},
        "captured": {"Spent on a run: “Zellbiologie”"},
        "released": {"Not needed for a run, available again: “Zellbiologie”"},
        "refunded": {"Payment refunded"},
    },
    "de": {
        "granted": {"Credits zur Begrüssung", "Kauf von 10’000 Credits", "Gratis-Credits vom Support"},
        "captured": {"Für einen Lauf ausgegeben: «Zellbiologie»"},
        "released": {"Für einen Lauf nicht gebraucht, wieder verfügbar: «Zellbiologie»"},
        "refunded": {"Zahlung zurückerstattet"},
    },
    "fr": {
        "granted": {"Crédits de bienvenue", "Achat de 10’000 crédits", "Crédits offerts par le support"},
        "captured": {"Dépense pour une génération\u00a0: «\u00a0Zellbiologie\u00a0»"},
        "released": {"Crédits réservés à une génération, non utilisés et libérés\u00a0: «\u00a0Zellbiologie\u00a0»"},
        "refunded": {"Paiement remboursé"},
    },
    "it": {
        "granted": {"Crediti di benvenuto", "Acquisto di 10’000 crediti", "Crediti offerti dall’assistenza"},
        "captured": {"Spesi per una generazione: «Zellbiologie»"},
        "released": {"Riservati per una generazione, non usati e di nuovo disponibili: «Zellbiologie»"},
        "refunded": {"Pagamento rimborsato"},
    },
}


def test_entries_are_described_in_the_users_language(app, client, grant_credits):
    study_set = client.make_study_set("Zellbiologie")
    run = add_run(app, client, study_set)
    grant_credits(client, 500, "sign_up")
    grant_credits(client, 500, "goodwill")
    lot = grant_credits(client, 10_000)
    with app.app_context(), transaction():
        reserve(client.user_id, run, 100)
        close(run, 60)
        book_taken(client.user_id, lot, "re_1", EntryKind.REFUNDED, 1000)
    for language, expected in DESCRIPTIONS.items():
        found = read_all(client, Accept_Language=language)
        for kind, descriptions in expected.items():
            assert {e["description"] for e in found if e["kind"] == kind} == descriptions


@pytest.mark.parametrize("language", ["en", "de", "fr", "it"])
def test_every_kind_of_entry_is_described(app, client, grant_credits, language):
    lot = grant_credits(client, 1000)
    with app.app_context(), transaction():
        grant(client.user_id, LotSource.GOODWILL, 20, "short", expires_at=now())
        run = new_id()
        reserve(client.user_id, run, 50)
        close(run, 10)
        for stripe_id, kind in (("re_1", EntryKind.REFUNDED), ("dp_1", EntryKind.DISPUTED)):
            book_taken(client.user_id, lot, stripe_id, kind, 100)
            book_taken(client.user_id, lot, stripe_id, kind, 0)
        adjust_down(client.user_id, 5, "adjusted:1")
    found = read_all(client, Accept_Language=language)
    assert {e["kind"] for e in found} == set(EntryKind)
    # No run exists, so nothing but the kind decides the text.
    assert len({e["description"] for e in found}) == len(EntryKind) + 1


def test_the_entry_of_a_deleted_study_set_has_no_title(app, client, grant_credits):
    study_set = client.make_study_set("Secret subject")
    run = add_run(app, client, study_set)
    grant_credits(client, 100)
    with app.app_context(), transaction():
        reserve(client.user_id, run, 10)
        close(run, 10)
    assert "Secret subject" in read_all(client)[0]["description"]
    assert client.delete(f"/api/v1/study-sets/{study_set}").status_code == 204
    assert {e["description"] for e in read_all(client) if e["kind"] == "captured"} == {"Spent on a run"}


def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(app, client, grant_credits, count_queries):
    def spend(times: int) -> None:
        for number in range(times):
            run = add_run(app, client, client.make_study_set(f"Set {number}"))
            lot = grant_credits(client, 100)
            with app.app_context(), transaction():
                reserve(client.user_id, run, 10)
                close(run, 5)
                book_taken(client.user_id, lot, f"re_{run}", EntryKind.REFUNDED, 10)

    spend(1)
    few = count_queries(lambda: read_all(client))
    spend(12)
    assert count_queries(lambda: read_all(client)) == few
    assert len(read_all(client)) > 50


def test_entries_of_another_user_are_not_shown(app, client, other_client, grant_credits):
    grant_credits(client, 100)
    run = new_id()
    with app.app_context(), transaction():
        reserve(client.user_id, run, 10)
    assert read_all(other_client) == []
    assert read_all(other_client, f"run_id={run}") == []


def test_entries_need_a_signed_in_user(anonymous):
    assert anonymous.get(URL).status_code == 401
