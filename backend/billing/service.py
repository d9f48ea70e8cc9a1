"""Public verbs of the billing room."""

from backend.billing.audits import check_ledger, measure_ledger
from backend.billing.ledger.accounts import read_balance
from backend.billing.ledger.free_budget import (
    FreeBudget,
    find_free_share,
    holds_free_credits,
    lock_free_budget,
    measure_free_budget,
    report_free_budget_used_up,
)
from backend.billing.ledger.holds import close, find_hold, note_sign_of_life, reserve, settle
from backend.billing.ledger.lots import adjust_down, grant
from backend.billing.ledger.run_holds import find_holds
from backend.billing.ledger.support import list_charges, list_entries_of_user, list_lots_of_user
from backend.billing.payments.reconciling import reconcile
from backend.billing.payments.refunding import make_refund, plan_refund, repeat_refund
from backend.billing.payments.revenue import measure_revenue
from backend.billing.payments.support import get_any_payment, list_payments_of_user
from backend.billing.payments.unhandled import (
    count_unhandled_events,
    dismiss_event,
    list_unhandled_events,
    retry_event,
)
from backend.billing.prices.price_list import PriceList, get_price_list, use_price_list
from backend.billing.prices.price_page import build_price_page
from backend.billing.prices.questions import answer_questions
from backend.billing.statements.entries import list_entries
from backend.billing.statements.entry_texts import describe_entry
from backend.billing.statements.files import StatementFormat, render_statement
from backend.billing.statements.freezing import find_freeze
from backend.billing.statements.lots import list_lots
from backend.billing.statements.statement import build_statement

__all__ = [
    "FreeBudget",
    "PriceList",
    "StatementFormat",
    "adjust_down",
    "answer_questions",
    "build_price_page",
    "build_statement",
    "check_ledger",
    "close",
    "count_unhandled_events",
    "describe_entry",
    "dismiss_event",
    "find_free_share",
    "find_freeze",
    "find_hold",
    "find_holds",
    "get_any_payment",
    "get_price_list",
    "grant",
    "holds_free_credits",
    "list_charges",
    "list_entries",
    "list_entries_of_user",
    "list_lots",
    "list_lots_of_user",
    "list_payments_of_user",
    "list_unhandled_events",
    "lock_free_budget",
    "make_refund",
    "measure_free_budget",
    "measure_ledger",
    "measure_revenue",
    "note_sign_of_life",
    "plan_refund",
    "read_balance",
    "reconcile",
    "render_statement",
    "repeat_refund",
    "report_free_budget_used_up",
    "reserve",
    "retry_event",
    "settle",
    "use_price_list",
]
