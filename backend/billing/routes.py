"""Routes to read credits, entries and prices."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, g, request

from backend.billing import service
from backend.billing.schemas import (
    CreditsResponse,
    EntriesQuery,
    EntryPage,
    EntryResponse,
    PricesResponse,
    StatementQuery,
)
from backend.core.database.transaction import transaction
from backend.core.web.downloads import BINARY
from backend.core.web.http import request_language, with_entity_tag
from backend.settings import get_settings

billing = APIBlueprint("billing", __name__, tag="Billing")

# Prices change with a release or on a date, so a copy may be a little old.
_PRICES_CACHED = "public, max-age=300"
_STATEMENT: dict[int | str, Any] = {
    200: {
        "description": "The statement as a file: CSV, or PDF if `format` or the Accept header asks for it.",
        "content": {form.media_type: BINARY for form in service.StatementFormat},
    },
    404: "The account is being deleted",
}


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


@billing.get("/billing/statement")
@billing.input(StatementQuery, location="query", arg_name="query")
@billing.doc(responses=_STATEMENT)
def get_statement(query: StatementQuery) -> Response:
    """Download a year's payments and credits, for taxes or an employer, as CSV or PDF in your language."""
    form = query.format or _find_accepted()
    with transaction():
        statement = service.build_statement(g.user_id, query.year)
    # Rendered after the transaction, so that no connection waits for it.
    file = service.render_statement(statement, form, request_language())
    response = Response(file.data, content_type=file.content_type)
    response.headers.set("Content-Disposition", "attachment", filename=file.filename)
    response.content_language.add(request_language())
    response.vary.add("Accept")
    return response


def _find_accepted() -> service.StatementFormat:
    by_type = {form.media_type: form for form in service.StatementFormat}
    wanted = request.accept_mimetypes.best_match(by_type)
    return by_type.get(wanted or "", service.StatementFormat.CSV)
