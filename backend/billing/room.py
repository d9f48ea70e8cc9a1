"""The billing room's entry in the manifest."""

from backend.accounts.hooks import identity_verified
from backend.billing.audits import AUDITS, plan_audits, run_audit, tell_failure
from backend.billing.errors import InsufficientCredits, RefundTooLarge
from backend.billing.ledger.holds import release_silent_holds
from backend.billing.ledger.lots import expire_lots
from backend.billing.ledger.sign_up import grant_missing_sign_up_credits, greet
from backend.billing.models import (
    BillingAudit,
    Checkout,
    CreditAccount,
    CreditEntry,
    CreditHold,
    CreditLot,
    Dispute,
    Payment,
    Refund,
    SignUpPerson,
    StoredPriceList,
    StripeEvent,
)
from backend.billing.payments.events import give_up, handle_event
from backend.billing.payments.unhandled import forget_old_events
from backend.billing.prices.price_file import read_price_files
from backend.core.manifest import Chore, Room, Routes
from backend.core.web.rate_limits import RouteClass
from backend.core.work.jobs import JobKind

_MAX_WEBHOOK_BYTES = 256 * 1024

ROOM = Room(
    name="billing",
    routes=(Routes("backend.billing.routes:billing"), Routes("backend.billing.payments.routes:payments")),
    configure=(
        "backend.billing.payments.configuration:refuse_incomplete_settings",
        "backend.billing.prices.price_file:check_price_files",
    ),
    jobs=(
        JobKind(
            name="billing.audit",
            model=BillingAudit,
            work=run_audit,
            give_up=tell_failure,
            labels=(BillingAudit.kind, tuple(AUDITS)),
        ),
        JobKind(name="billing.stripe_event", model=StripeEvent, work=handle_event, give_up=give_up),
    ),
    chores=(
        Chore(plan_audits),
        Chore(forget_old_events),
        Chore(release_silent_holds, opens_transactions=True),
        Chore(expire_lots, opens_transactions=True),
        # Often, so that all users have theirs soon after billing was switched on.
        Chore(grant_missing_sign_up_credits, every=12, opens_transactions=True),
    ),
    tables=(
        CreditAccount,
        CreditLot,
        CreditHold,
        CreditEntry,
        SignUpPerson,
        StoredPriceList,
        Checkout,
        Payment,
        Refund,
        Dispute,
        StripeEvent,
        BillingAudit,
    ),
    public_endpoints={
        "billing.get_prices": "prices are shown before signing in",
        "payments.receive_event": "Stripe signs its webhooks",
    },
    limits={"payments.create_checkout": RouteClass.RUN},
    limited_by_view={"payments.receive_event": "counted for its address unless Stripe signed it"},
    raw_bodies={"payments.receive_event": _MAX_WEBHOOK_BYTES},
    preload=(read_price_files,),
    hooks=(identity_verified.to(greet),),
    problems=(InsufficientCredits, RefundTooLarge),
)
