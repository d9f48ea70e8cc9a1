"""Administration of credits and money: only for administrators, and not with an API key.

Giving credits or money needs a fresh sign-in, a ticket and an Idempotency-Key, and counts towards a daily ceiling: it
cannot be undone, and pays whoever has taken over an administrator's account.
"""

from uuid import UUID

from apiflask import APIBlueprint
from flask import g, url_for
from flask.typing import ResponseReturnValue

from backend.accounts import service as accounts
from backend.administration import billing as administration
from backend.administration import refunds
from backend.administration.billing_schemas import (
    AdjustmentRequest,
    AdjustmentResponse,
    DayRevenueResponse,
    DaysQuery,
    DayUsageResponse,
    RefundRequest,
    RefundResponse,
    RevenueOfDaysResponse,
    RunCostPage,
    RunCostResponse,
    SupportedCredits,
    SupportedPayment,
    SupportedPaymentPage,
    UnhandledEventPage,
    UnhandledEventResponse,
    UsageOfDaysResponse,
)
from backend.administration.routes import ADMINS, require_admin
from backend.billing import service as billing
from backend.billing.errors import RefundRefused
from backend.core.database.transaction import transaction
from backend.core.web.idempotency import get_key, idempotent, requires_key
from backend.core.web.pagination import PageQuery

admin_billing = APIBlueprint("admin_billing", __name__, tag="Administration")
admin_billing.before_request(require_admin)

_GIVERS = {**ADMINS, 403: "Administrators only, with a fresh sign-in"}


@admin_billing.get("/admin/users/<uuid:user_id>/credits")
@admin_billing.input(PageQuery, location="query", arg_name="page")
@admin_billing.output(SupportedCredits)
@admin_billing.doc(responses=ADMINS)
def view_user_credits(user_id: UUID, page: PageQuery) -> SupportedCredits:
    """View a user's credits: balance, the newest lots, and entries of the ledger, newest first."""
    with transaction():
        return SupportedCredits.of(administration.view_credits(g.user_id, user_id, page))


@admin_billing.post("/admin/users/<uuid:user_id>/credits/adjustments")
@admin_billing.input(AdjustmentRequest, arg_name="body")
@admin_billing.output(AdjustmentResponse, status_code=201)
@admin_billing.doc(
    responses={
        **_GIVERS,
        402: "More than the user has available",
        409: "Your own account, a deleted user, or the daily ceiling",
    }
)
@requires_key
@idempotent
def adjust_user_credits(user_id: UUID, body: AdjustmentRequest) -> ResponseReturnValue:
    """Grant a user free credits, or remove credits. Needs a fresh sign-in; grants count towards the daily ceiling."""
    with transaction():
        accounts.require_fresh_sign_in(g.caller)
        done = administration.adjust_credits(g.user_id, user_id, body.amount, body.reason, body.ticket)
    answer = AdjustmentResponse.model_validate(done)
    location = url_for(".view_user_credits", user_id=user_id)
    return answer.model_dump(mode="json"), 201, {"Location": location}


@admin_billing.get("/admin/users/<uuid:user_id>/payments")
@admin_billing.input(PageQuery, location="query", arg_name="page")
@admin_billing.output(SupportedPaymentPage)
@admin_billing.doc(responses=ADMINS)
def list_user_payments(user_id: UUID, page: PageQuery) -> SupportedPaymentPage:
    """List a user's payments, newest first, without the payer's data."""
    with transaction():
        found = administration.list_user_payments(g.user_id, user_id, page)
    items = [SupportedPayment.model_validate(payment) for payment in found.items]
    return SupportedPaymentPage(items=items, next_cursor=found.next_cursor)


@admin_billing.post("/admin/payments/<uuid:payment_id>/refunds")
@admin_billing.input(RefundRequest, arg_name="body")
@admin_billing.output(RefundResponse, status_code=201)
@admin_billing.doc(
    responses={**_GIVERS, 409: "Your own payment, more than is left of it, the daily ceiling, or refused by Stripe"}
)
@requires_key
def refund_payment(payment_id: UUID, body: RefundRequest) -> ResponseReturnValue:
    """Refund a payment through Stripe, in part or all that is left. Needs a fresh sign-in; the daily ceiling applies.

    If the response is lost or an error says to try again, repeat the request with the same key: there will be one
    refund.
    """
    wish = refunds.RefundWish(payment_id, body.amount_rappen, body.reason, body.ticket)
    with transaction():
        accounts.require_fresh_sign_in(g.caller)
        plan = refunds.request_refund(g.user_id, wish, get_key())
    try:
        made = billing.make_refund(plan)
    except RefundRefused as error:
        with transaction():
            refunds.record_refusal(g.user_id, plan, error.stripe_code)
        raise
    with transaction():
        refunds.record_refund(g.user_id, plan, made)
    headers = {"Location": url_for(".list_user_payments", user_id=plan.user_id)}
    if plan.is_repeated:
        headers["Idempotency-Replayed"] = "true"
    return RefundResponse.model_validate(made).model_dump(mode="json"), 201, headers


@admin_billing.get("/admin/billing/unhandled-events")
@admin_billing.input(PageQuery, location="query", arg_name="page")
@admin_billing.output(UnhandledEventPage)
@admin_billing.doc(responses=ADMINS)
def list_unhandled_events(page: PageQuery) -> UnhandledEventPage:
    """List the events of Stripe that changed nothing and that somebody must look at, newest first."""
    with transaction():
        found = administration.list_unhandled_events(g.user_id, page)
    items = [UnhandledEventResponse.model_validate(event) for event in found.items]
    return UnhandledEventPage(items=items, next_cursor=found.next_cursor)


@admin_billing.post("/admin/billing/unhandled-events/<uuid:event_id>/retry")
@admin_billing.output(UnhandledEventResponse, status_code=202)
@admin_billing.doc(responses={**ADMINS, 409: "An event that this release does not handle"})
def retry_event(event_id: UUID) -> UnhandledEventResponse:
    """Handle an unhandled event again, from what Stripe says now. Others stay as they are."""
    with transaction():
        return UnhandledEventResponse.model_validate(administration.retry_event(g.user_id, event_id))


@admin_billing.post("/admin/billing/unhandled-events/<uuid:event_id>/dismiss")
@admin_billing.output(UnhandledEventResponse)
@admin_billing.doc(responses=ADMINS)
def dismiss_event(event_id: UUID) -> UnhandledEventResponse:
    """Take an unhandled event off the list, once somebody has looked at it. It then counts as ignored."""
    with transaction():
        return UnhandledEventResponse.model_validate(administration.dismiss_event(g.user_id, event_id))


@admin_billing.get("/admin/billing/revenue")
@admin_billing.input(DaysQuery, location="query", arg_name="days")
@admin_billing.output(RevenueOfDaysResponse)
@admin_billing.doc(responses=ADMINS)
def measure_revenue(days: DaysQuery) -> RevenueOfDaysResponse:
    """Show purchases, refunds and disputes by day in Swiss time, oldest first."""
    with transaction():
        found = administration.measure_revenue(g.user_id, days.first, days.last)
    return RevenueOfDaysResponse(days=[DayRevenueResponse.model_validate(day) for day in found])


@admin_billing.get("/admin/billing/usage")
@admin_billing.input(DaysQuery, location="query", arg_name="days")
@admin_billing.output(UsageOfDaysResponse)
@admin_billing.doc(responses=ADMINS)
def measure_usage(days: DaysQuery) -> UsageOfDaysResponse:
    """Show tokens, cost, price and charge by day in Swiss time and by model, oldest first."""
    with transaction():
        found = administration.measure_usage(g.user_id, days.first, days.last)
    return UsageOfDaysResponse(days=[DayUsageResponse.model_validate(day) for day in found])


@admin_billing.get("/admin/billing/runs")
@admin_billing.input(PageQuery, location="query", arg_name="page")
@admin_billing.output(RunCostPage)
@admin_billing.doc(responses=ADMINS)
def list_run_costs(page: PageQuery) -> RunCostPage:
    """List runs with cost, price, charge and margin, newest first. Includes deleted runs."""
    with transaction():
        found = administration.list_run_costs(g.user_id, page)
    return RunCostPage(items=[RunCostResponse.of(cost) for cost in found.items], next_cursor=found.next_cursor)


@admin_billing.get("/admin/runs/<uuid:run_id>/cost")
@admin_billing.output(RunCostResponse)
@admin_billing.doc(responses=ADMINS)
def view_run_cost(run_id: UUID) -> RunCostResponse:
    """View cost, price, charge and margin of a run, which may have been deleted."""
    with transaction():
        return RunCostResponse.of(administration.view_run_cost(g.user_id, run_id))
