"""The billing room's entry in the manifest."""

from backend.accounts.hooks import identity_verified
from backend.billing.audits import AUDITS, plan_audits, run_audit, tell_failure
from backend.billing.errors import InsufficientCredits
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
from backend.core.manifest import Chore, Room
from backend.core.work.jobs import JobKind

ROOM = Room(
    name="billing",
    jobs=(
        JobKind(
            name="billing.audit",
            model=BillingAudit,
            work=run_audit,
            give_up=tell_failure,
            labels=(BillingAudit.kind, tuple(AUDITS)),
        ),
    ),
    chores=(
        Chore(plan_audits),
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
    hooks=(identity_verified.to(greet),),
    problems=(InsufficientCredits,),
)
