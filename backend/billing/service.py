"""Public verbs of the billing room."""

from backend.billing.audits import check_ledger, measure_ledger
from backend.billing.ledger.accounts import read_balance
from backend.billing.ledger.holds import close, find_hold, note_sign_of_life, reserve, settle
from backend.billing.ledger.lots import adjust_down, grant
from backend.billing.prices.price_list import PriceList, get_price_list, use_price_list

__all__ = [
    "PriceList",
    "adjust_down",
    "check_ledger",
    "close",
    "find_hold",
    "get_price_list",
    "grant",
    "measure_ledger",
    "note_sign_of_life",
    "read_balance",
    "reserve",
    "settle",
    "use_price_list",
]
