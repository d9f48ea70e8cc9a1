"""Public verbs of the billing room."""

from backend.billing.audits import check_ledger, measure_ledger
from backend.billing.ledger.accounts import read_balance
from backend.billing.ledger.holds import close, find_hold, note_sign_of_life, reserve, settle
from backend.billing.ledger.lots import adjust_down, grant
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
    "PriceList",
    "StatementFormat",
    "adjust_down",
    "answer_questions",
    "build_price_page",
    "build_statement",
    "check_ledger",
    "close",
    "describe_entry",
    "find_freeze",
    "find_hold",
    "get_price_list",
    "grant",
    "list_entries",
    "list_lots",
    "measure_ledger",
    "note_sign_of_life",
    "read_balance",
    "render_statement",
    "reserve",
    "settle",
    "use_price_list",
]
