"""A student's journey with credits, and what must be true after each part of it."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

import pypdfium2

from tests.journeys.credit_arithmetic import CREDITS_PER_CHF, Charge, charges_of, read_prices
from tests.journeys.credit_stage import MODEL, Json, Person, Stage

PRICES = read_prices(MODEL)
SIGN_UP = 500
# A package of CHF 5, of which 8.1 % VAT are 37 rappen.
RAPPEN, BOUGHT, VAT = 500, 5000, 37
# Two refunds: one in Stripe's dashboard, one by an administrator.
DASHBOARD, SUPPORT = 200, 150
CREDITS_PER_RAPPEN = 10
# Charges are stored with more digits than this.
EXACT = Fraction(1, 10**20)


@dataclass(frozen=True)
class Way:
    """How we learn of a payment: webhooks before and after the success page asks, if it does; else by reconciling."""

    name: str
    before: int = 0
    asks: bool = True
    after: int = 0

    @property
    def webhooks(self) -> int:
        return self.before + self.after


class Journey:
    """One student, and what they should have: ``free`` and ``paid`` credits, after ``spent`` ones."""

    def __init__(self, stage: Stage, admin: Person, way: Way) -> None:
        self.stage, self.admin, self.way = stage, admin, way
        self.student = stage.sign_in(f"student-{way.name}", f"{way.name}@uni.example")
        self.free, self.paid, self.spent = SIGN_UP, 0, 0
        self.payer = f"Anna {way.name.title()}"
        self.charges: list[Charge] = []

    def check_credits(self) -> None:
        """Compare what the student is told with what they should have."""
        found = self.student.get("/billing/credits")
        assert (found["free"], found["paid"], found["held"]) == (self.free, self.paid, 0)
        assert found["balance"] == found["available"] == self.free + self.paid
        assert sum(lot["left"] for lot in found["lots"]) == self.free + self.paid
        assert [lot["source"] for lot in found["lots"]] == (["sign_up"] if self.free else []) + (
            ["purchase"] if self.paid else []
        )
        assert (found["billing_is_on"], found["is_frozen"]) == (True, False)

    def spend(self, amount: int) -> None:
        """Free credits are spent before paid ones."""
        from_free = min(amount, self.free)
        self.free -= from_free
        self.paid -= amount - from_free
        self.spent += amount

    def estimate(self, study_set: str, wish: Json) -> Json:
        found = self.student.post(f"/study-sets/{study_set}/runs/estimate", wish).json()
        assert 0 < found["low"] <= found["likely"] <= found["high"]
        assert (found["is_charged"], found["price_list"]) == (True, PRICES.name)
        assert found["available"] == self.free + self.paid
        assert {name: found["asked"][name] for name in ("flashcards", "questions")} == {
            name: wish[name] for name in ("flashcards", "questions")
        }
        return found

    def play(self, script: Sequence[Json], start: Callable[[], Any], *, reserved: int, state: str = "done") -> Json:
        """Start a run, wait for its end, and check its figures, the ledger's and the administrator's."""
        self.stage.model.forget_calls()
        self.stage.model.set_script(script)
        started = start()
        assert started.status_code == 202, started.text
        run = self.student.end_of(started.json())
        assert (run["state"], run["error"]) == (state, None)
        delivered, asked = (sum(run[name].values()) for name in ("delivered", "asked"))
        charges = charges_of(self.stage.model.calls, PRICES, delivered=delivered, asked=asked)
        exact = sum((each.credits for each in charges), Fraction(0))
        assert run["credits"] == {"reserved": reserved, "charged": ceil(exact)}
        # Rounded up once for the run: rounding each call would cost more.
        assert sum(ceil(each.credits) for each in charges) > ceil(exact)
        self.spend(ceil(exact))
        self.check_calls(run, charges)
        self.check_entries(run)
        self.check_cost(run, charges)
        self.check_credits()
        self.charges += charges
        return run

    def check_calls(self, run: Json, charges: Sequence[Charge]) -> None:
        """Compare the stored calls with those that the stand-in answered."""
        rows = self.stage.query("SELECT * FROM model_calls WHERE run_id = %s", run["id"])
        found = sorted(
            (row.input_tokens, row.cached_tokens, row.output_tokens, Fraction(row.price_credits), row.charged_credits)
            for row in rows
        )
        names = ("prompt_tokens", "cached_tokens", "completion_tokens")
        expected = sorted((*(each.call[name] for name in names), each.price, each.credits) for each in charges)
        assert [row[:4] for row in found] == [row[:4] for row in expected]
        for one, other in zip(found, expected, strict=True):
            assert abs(Fraction(one[4]) - other[4]) < EXACT
        assert all(Fraction(row.cost_chf) * PRICES.per_chf == Fraction(row.price_credits) for row in rows)
        assert {(row.model, row.price_list, str(row.user_id)) for row in rows} == {
            (MODEL, PRICES.name, self.student.id)
        }
        assert sum(row.outcome == "bad_output" for row in rows) == sum(
            "invalid_json" in each.call["behaviours"] for each in charges
        )

    def check_entries(self, run: Json) -> None:
        """The run's hold was reserved, captured in part, and released for the rest."""
        entries = self.student.items("/billing/entries", run_id=run["id"])
        reserved, charged = run["credits"]["reserved"], run["credits"]["charged"]
        assert _sum(entries, "held", "reserved") == reserved
        assert _sum(entries, "amount", "captured") == _sum(entries, "held", "captured") == -charged
        assert _sum(entries, "held", "released") == charged - reserved
        assert _sum(entries, "amount", "reserved", "released") == 0
        assert entries[-1]["kind"] == "reserved"
        assert entries[0]["kind"] == "released"
        assert {entry["kind"] for entry in entries} == {"reserved", "captured", "released"}

    def check_cost(self, run: Json, charges: Sequence[Charge]) -> None:
        """Compare what administrators are told."""
        cost = self.admin.get(f"/admin/runs/{run['id']}/cost")
        price = sum((each.price for each in charges), Fraction(0))
        charged = sum((each.credits for each in charges), Fraction(0))
        assert Fraction(cost["price_credits"]) == price
        assert abs(Fraction(cost["charged_credits"]) - charged) < EXACT
        assert Fraction(cost["cost_chf"]) == price / PRICES.per_chf
        assert (cost["reserved_credits"], cost["captured_credits"]) == (
            run["credits"]["reserved"],
            run["credits"]["charged"],
        )
        assert Fraction(cost["margin_chf"]) == Fraction(run["credits"]["charged"], CREDITS_PER_CHF) - Fraction(
            cost["cost_chf"]
        )

    def buy(self) -> Json:
        """Buy a package by TWINT and learn of it in this journey's way. Returns the payment."""
        wish = {"package": "chf-5"}
        checkout = self.student.post("/billing/checkout-sessions", wish, key="first").json()
        assert (checkout["state"], checkout["amount_rappen"], checkout["credits"]) == ("open", RAPPEN, BOUGHT)
        assert self.student.post("/billing/checkout-sessions", wish, key="first").json() == checkout
        session = checkout["url"].rsplit("/", 1)[1]
        page = self.stage.stripe.account.get(session)
        assert (page["ui_mode"], page["amount_total"], page["currency"]) == ("hosted_page", RAPPEN, "chf")
        assert "twint" in page["payment_method_types"]
        events = self.stage.stripe.account.pay(session, "twint", name=self.payer, country="CH")
        forged = [self.stage.send(event, "whsec_somebody_else_01234").status_code for event in events]
        assert forged == [400] * len(events)
        self.check_credits()
        self.learn_of_purchase(checkout, session, events)
        self.check_credits()
        [payment] = self.student.items("/billing/payments")
        intent = self.stage.stripe.account.get(session)["payment_intent"]
        charge = self.stage.stripe.account.get(self.stage.stripe.account.get(intent)["latest_charge"])
        assert payment["receipt_url"] == charge["receipt_url"]
        assert payment["receipt_url"].startswith("https://")
        figures = ("checkout_id", "method", "state", "amount_rappen", "tax_rappen", "credits", "refunded_rappen")
        assert [payment[name] for name in figures] == [checkout["id"], "twint", "paid", RAPPEN, VAT, BOUGHT, 0]
        return {**payment, "intent": intent}

    def learn_of_purchase(self, checkout: Json, session: str, events: Sequence[Json]) -> None:
        for _ in range(self.way.before):
            self.stage.deliver(*events)
        if self.way.before:
            self.stage.wait_for_events()
            self.paid += BOUGHT
            self.check_credits()
        if self.way.asks:
            self.paid = BOUGHT
            self.check_paid(checkout)
        for _ in range(self.way.after):
            self.stage.deliver(*events)
            # Stripe may make two events of one change.
            self.stage.deliver(*self.stage.stripe.account.say("checkout.session.completed", session))
            self.stage.wait_for_events()
        if not self.way.asks:
            self.paid += BOUGHT
            self.reconcile(session)
            self.check_paid(checkout)

    def check_paid(self, checkout: Json) -> None:
        """Look at the success page."""
        found = self.student.get(f"/billing/checkout-sessions/{checkout['id']}")
        assert found == {**checkout, "state": "paid", "url": None}
        self.check_credits()

    def reconcile(self, stripe_id: str) -> None:
        """Run the command, which must find and book the one thing that was missed, and store its events."""
        missed = self.stage.missed_events()
        assert missed
        lines = self.stage.command("reconcile")
        found = {line.removeprefix("repaired: ") for line in lines if not line.startswith("compared: ")}
        assert found == {stripe_id, *missed}
        # The events change nothing any more.
        self.stage.wait_for_events()

    def refund_in_dashboard(self, payment: Json) -> str:
        """Refund a part at Stripe, of which we learn by webhooks or reconciling. Returns the refund's id."""
        events = self.stage.stripe.account.refund(payment["intent"], DASHBOARD)
        refund = str(events[0]["data"]["object"]["id"])
        self.check_credits()
        for _ in range(self.way.webhooks):
            self.stage.deliver(*events)
            # The next time they come in another order.
            events.reverse()
        self.paid -= DASHBOARD * CREDITS_PER_RAPPEN
        if self.way.webhooks:
            self.stage.wait_for_events()
        else:
            self.reconcile(refund)
        self.check_credits()
        return refund

    def refund_by_support(self, payment: Json) -> str:
        """Refund a part as an administrator; repeating it changes nothing. Returns the refund's id."""
        path, wish = f"/admin/payments/{payment['id']}/refunds", {"amount_rappen": SUPPORT, "reason": "own_wish"}
        known = len(self.stage.stripe.account.events)
        self.paid -= SUPPORT * CREDITS_PER_RAPPEN
        for _ in range(2):
            made = self.admin.post(path, {**wish, "ticket": 4711}, key="refund")
            assert made.status_code == 201, made.text
            self.check_credits()
        refund = made.json()
        assert made.headers["Idempotency-Replayed"] == "true"
        assert (refund["amount_rappen"], refund["status"], refund["is_booked"]) == (SUPPORT, "succeeded", True)
        if self.way.webhooks:
            self.stage.deliver(*self.stage.stripe.account.events[known:])
            self.stage.wait_for_events()
            self.check_credits()
        [after] = self.student.items("/billing/payments")
        assert (after["state"], after["refunded_rappen"]) == ("partly_refunded", DASHBOARD + SUPPORT)
        return str(refund["stripe_id"])

    def check_ledger(self) -> list[Json]:
        """Add up all entries, and run the operators' check. Returns the entries, oldest first."""
        entries = self.student.items("/billing/entries")[::-1]
        balance = held = 0
        for entry in entries:
            balance += entry["amount"]
            held += entry["held"]
            assert (entry["balance_after"], entry["held_after"]) == (balance, held)
            assert entry["description"]
        assert (balance, held) == (self.free + self.paid, 0)
        granted = [(entry["source"], entry["amount"]) for entry in entries if entry["kind"] == "granted"]
        assert granted == [("sign_up", SIGN_UP), ("purchase", BOUGHT)]
        refunded = [entry["amount"] for entry in entries if entry["kind"] == "refunded"]
        assert refunded == [-DASHBOARD * CREDITS_PER_RAPPEN, -SUPPORT * CREDITS_PER_RAPPEN]
        assert _sum(entries, "amount", "captured") == -self.spent
        assert balance == SIGN_UP + BOUGHT - (DASHBOARD + SUPPORT) * CREDITS_PER_RAPPEN - self.spent
        assert self.stage.command("check-ledger") == ["The ledger is consistent."]
        return entries

    def check_statement(self, payment: Json, refunds: Sequence[str]) -> None:
        """Compare the year's statement, as CSV and PDF, with payments and balance."""
        paid_at = datetime.fromisoformat(payment["paid_at"]).astimezone(ZoneInfo("Europe/Zurich"))
        year, balance = paid_at.year, self.free + self.paid
        returned = (DASHBOARD + SUPPORT) * CREDITS_PER_RAPPEN
        text = self.student.read("/billing/statement", year=str(year), format="csv").content.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
        assert rows[0] == [f"HackTheStudy: statement {year}"]
        assert rows[1] == ["Issued to", self.payer]
        money = [row[1:] for row in rows if len(row) == 7][1:]
        assert money == [
            ["Purchase of 5,000 credits", "5.00", "0.37", "8.1", "TWINT", payment["intent"]],
            ["Refund", "-2.00", "-0.15", "8.1", "TWINT", refunds[0]],
            ["Refund", "-1.50", "-0.11", "8.1", "TWINT", refunds[1]],
            ["Total of purchases", "5.00", "0.37", "", "", ""],
            ["Total of refunds", "-3.50", "-0.26", "", "", ""],
            ["Total after refunds and disputes", "1.50", "0.11", "", "", ""],
        ]
        movements = {row[0]: int(row[1]) for row in rows[rows.index(["Movements of credits"]) :] if len(row) == 2}
        assert movements == {
            f"Balance at the beginning of {year}": 0,
            "Purchased": BOUGHT,
            "Received free": SIGN_UP,
            "Spent": -self.spent,
            "Refunded": -returned,
            "Disputed": 0,
            "Expired": 0,
            "Corrected": 0,
            f"Balance at the end of {year}": balance,
        }
        pdf = pypdfium2.PdfDocument(self.student.read("/billing/statement", year=str(year), format="pdf").content)
        shown = " ".join(" ".join(page.get_textpage().get_text_bounded() for page in pdf).split())
        for line in (
            f"Issued to {self.payer}",
            "Purchase of 5,000 credits 5.00 0.37 8.1 TWINT",
            "Total of purchases 5.00 0.37",
            "Total of refunds -3.50 -0.26",
            *(f"{label} {figure:,}" for label, figure in movements.items()),
        ):
            assert line in shown, line

    def check_export(self, entries: Sequence[Json], payment: Json, refunds: Sequence[str]) -> None:
        """The student's archive has all of it."""
        with self.student.export() as archive:

            def rows(table: str) -> list[Json]:
                return json.loads(archive.read(f"data/{table}.json"))

            assert {row["id"] for row in rows("credit_entries")} == {entry["id"] for entry in entries}
            assert sum(row["amount"] for row in rows("credit_entries")) == self.free + self.paid
            assert sorted(row["amount"] for row in rows("credit_lots")) == [SIGN_UP, BOUGHT]
            assert len(rows("credit_holds")) == 3
            assert all(row["closed_at"] for row in rows("credit_holds"))
            [paid] = rows("payments")
            assert (paid["id"], paid["payer_name"], paid["amount_rappen"]) == (payment["id"], self.payer, RAPPEN)
            assert [row["state"] for row in rows("checkouts")] == ["paid"]
            assert {row["stripe_id"]: row["amount_rappen"] for row in rows("refunds")} == dict(
                zip(refunds, (DASHBOARD, SUPPORT), strict=True)
            )
            charged = [Fraction(row["charged_credits"] or 0) for row in rows("model_calls")]
            assert len(charged) == len(self.charges)
            assert abs(sum(charged) - sum(each.credits for each in self.charges)) < EXACT


def _sum(entries: Sequence[Json], name: str, *kinds: str) -> int:
    return sum(entry[name] for entry in entries if entry["kind"] in kinds)
