"""Routes to read credits, entries and prices."""

from apiflask import APIBlueprint
from flask import Response, g

from backend.billing import service
from backend.billing.schemas import (
    CreditsResponse,
    EntriesQuery,
    EntryPage,
    EntryResponse,
    PricesResponse,
)
from backend.core.database.transaction import transaction
from backend.core.web.http import request_language, with_entity_tag
from backend.settings import get_settings

billing = APIBlueprint("billing", __name__, tag="Billing")

# Prices change with a release or on a date, so a copy may be a little old.
_PRICES_CACHED = "public, max-age=300"


@billing.get("/billing/credits")
@billing.output(CreditsResponse)
def get_credits() -> CreditsResponse:
    """Read your credits: balance, paid and free, held, available, and the lots that they are in."""
    with transaction():
        balance = service.read_balance(g.user_id)
        lots = service.list_lots(g.user_id)
    freeze = service.find_freeze(balance, request_language())
    return CreditsResponse.of(balance, lots, freeze, billing_is_on=get_settings().billing_is_on)


@billing.get("/billing/entries")
@billing.input(EntriesQuery, location="query", arg_name="query")
@billing.output(EntryPage)
def list_entries(query: EntriesQuery) -> EntryPage:
    """List the changes of your credits, newest first."""
    with transaction():
        found = service.list_entries(g.user_id, query, query.run_id)
    language = request_language()
    items = [EntryResponse.of(entry, service.describe_entry(entry, language)) for entry in found.items]
    return EntryPage(items=items, next_cursor=found.next_cursor)


@billing.get("/billing/prices")
@billing.output(PricesResponse)
@billing.doc(responses={304: "Not changed since your ETag"})
def get_prices() -> Response:
    """Read what credits cost and buy. No sign-in is needed."""
    page = service.build_price_page()
    questions = service.answer_questions(page, request_language())
    response = with_entity_tag(PricesResponse.of(page, questions, get_settings()))
    response.headers["Cache-Control"] = _PRICES_CACHED
    return response
