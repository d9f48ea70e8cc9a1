"""Public verbs of the billing room."""

from backend.billing.audits import check_ledger, measure_ledger
from backend.billing.ledger.accounts import read_balance
from backend.billing.ledger.holds import close, find_hold, note_sign_of_life, reserve, settle
from backend.billing.ledger.lots import adjust_down, grant
from backend.billing.ledger.support import list_charges, list_entries_of_user, list_lots_of_user
from backend.billing.payments.refunding import make_refund, plan_refund, repeat_refund
from backend.billing.payments.revenue import measure_revenue
from backend.billing.payments.support import get_any_payment, list_payments_of_user
from backend.billing.payments.unhandled import list_unhandled_events, retry_event
from backend.billing.prices.price_list import PriceList, get_price_list, use_price_list

__all__ = [
    "PriceList",
    "adjust_down",
    "check_ledger",
    "close",
    "find_hold",
    "get_any_payment",
    "get_price_list",
    "grant",
    "list_charges",
    "list_entries_of_user",
    "list_lots_of_user",
    "list_payments_of_user",
    "list_unhandled_events",
    "make_refund",
    "measure_ledger",
    "measure_revenue",
    "note_sign_of_life",
    "plan_refund",
    "read_balance",
    "repeat_refund",
    "reserve",
    "retry_event",
    "settle",
    "use_price_list",
]
