"""Public verbs of the billing room."""

from backend.billing.ledger.accounts import read_balance
from backend.billing.ledger.free_budget import (
    FreeBudget,
    holds_free_credits,
    lock_free_budget,
    measure_free_budget,
    report_free_budget_used_up,
)
from backend.billing.ledger.holds import close, find_hold, note_sign_of_life, reserve, settle
from backend.billing.ledger.lots import adjust_down, grant
from backend.billing.ledger.run_holds import find_holds
from backend.billing.prices.price_list import PriceList, get_price_list, use_price_list

__all__ = [
    "FreeBudget",
    "PriceList",
    "adjust_down",
    "close",
    "find_hold",
    "find_holds",
    "get_price_list",
    "grant",
    "holds_free_credits",
    "lock_free_budget",
    "measure_free_budget",
    "note_sign_of_life",
    "read_balance",
    "report_free_budget_used_up",
    "reserve",
    "settle",
    "use_price_list",
]
