"""The billing room's entry in the manifest."""

from backend.billing.errors import InsufficientCredits, RefundTooLarge
from backend.billing.ledger.holds import release_silent_holds
from backend.billing.ledger.lots import expire_lots
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

ROOM = Room(
    name="billing",
    chores=(Chore(release_silent_holds), Chore(expire_lots)),
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
    problems=(InsufficientCredits, RefundTooLarge),
)
