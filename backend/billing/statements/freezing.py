"""Why a user cannot spend credits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from backend.billing.errors import SpendingFrozen
from backend.billing.types import CreditBalance

_Code = Literal["dispute_open", "negative_balance"]
_TEXTS: Mapping[_Code, Mapping[str, str]] = {
    "dispute_open": SpendingFrozen.texts,
    "negative_balance": {
        "en": "Your balance is negative, because more was refunded or disputed than was left. Buy credits to spend "
        "again.",
        "de": "Dein Guthaben ist negativ, weil mehr zurückerstattet oder bestritten wurde, als noch da war. Kaufe "
        "Credits, um wieder welche ausgeben zu können.",
        "fr": "Ton solde est négatif, car le montant remboursé ou contesté dépasse ce qui restait. Achète des crédits "
        "pour pouvoir en dépenser à nouveau.",
        "it": "Il tuo saldo è negativo, perché è stato rimborsato o contestato più di quanto restava. Acquista crediti "
        "per poterne spendere di nuovo.",
    },
}


@dataclass(frozen=True, slots=True)
class Freeze:
    """``detail`` is a sentence for the user."""

    code: _Code
    detail: str


def find_freeze(balance: CreditBalance, language: str) -> Freeze | None:
    """Return why nothing can be spent, or None if it can."""
    code: _Code | None = None
    if balance.is_frozen:
        code = "dispute_open"
    elif balance.balance < 0:
        code = "negative_balance"
    return None if code is None else Freeze(code, _TEXTS[code][language])
