"""Sentences for entries of the ledger."""

from backend.billing.prices.figures import format_whole
from backend.billing.statements.entries import EntryView
from backend.billing.types import EntryKind, LotSource

_GRANTED: dict[LotSource, dict[str, str]] = {
    LotSource.PURCHASE: {
        "en": "Purchase of {credits} credits",
        "de": "Kauf von {credits} Credits",
        "fr": "Achat de {credits} crédits",
        "it": "Acquisto di {credits} crediti",
    },
    LotSource.SIGN_UP: {
        "en": "Sign-up credits",
        "de": "Credits zur Begrüssung",
        "fr": "Crédits de bienvenue",
        "it": "Crediti di benvenuto",
    },
    LotSource.GOODWILL: {
        "en": "Free credits from support",
        "de": "Gratis-Credits vom Support",
        "fr": "Crédits offerts par le support",
        "it": "Crediti offerti dall’assistenza",
    },
}
_TEXTS: dict[EntryKind, dict[str, str]] = {
    EntryKind.RESERVED: {
        "en": "Reserved for a run",
        "de": "Für einen Lauf reserviert",
        "fr": "Réservation pour une génération",
        "it": "Riservati per una generazione",
    },
    EntryKind.CAPTURED: {
        "en": "Spent on a run",
        "de": "Für einen Lauf ausgegeben",
        "fr": "Dépense pour une génération",
        "it": "Spesi per una generazione",
    },
    EntryKind.RELEASED: {
        "en": "Not needed for a run, available again",
        "de": "Für einen Lauf nicht gebraucht, wieder verfügbar",
        "fr": "Crédits réservés à une génération, non utilisés et libérés",
        "it": "Riservati per una generazione, non usati e di nuovo disponibili",
    },
    EntryKind.REFUNDED: {
        "en": "Payment refunded",
        "de": "Zahlung zurückerstattet",
        "fr": "Paiement remboursé",
        "it": "Pagamento rimborsato",
    },
    EntryKind.REFUND_RETURNED: {
        "en": "Refund did not go through: credits returned",
        "de": "Rückerstattung nicht ausgeführt: Credits gutgeschrieben",
        "fr": "Remboursement non exécuté\u00a0: crédits restitués",
        "it": "Rimborso non eseguito: crediti restituiti",
    },
    EntryKind.DISPUTED: {
        "en": "Payment disputed at the bank",
        "de": "Zahlung bei der Bank bestritten",
        "fr": "Paiement contesté auprès de la banque",
        "it": "Pagamento contestato presso la banca",
    },
    EntryKind.REINSTATED: {
        "en": "Dispute ended: credits returned",
        "de": "Bestreitung beendet: Credits gutgeschrieben",
        "fr": "Contestation close\u00a0: crédits restitués",
        "it": "Contestazione chiusa: crediti restituiti",
    },
    EntryKind.EXPIRED: {
        "en": "Free credits expired",
        "de": "Gratis-Credits verfallen",
        "fr": "Crédits offerts expirés",
        "it": "Crediti omaggio scaduti",
    },
    EntryKind.ADJUSTED: {
        "en": "Correction by support",
        "de": "Korrektur durch den Support",
        "fr": "Correction par le support",
        "it": "Correzione dell’assistenza",
    },
}
# If the study set of the run still exists.
_TITLED: dict[EntryKind, dict[str, str]] = {
    EntryKind.RESERVED: {
        "en": "Reserved for a run: “{title}”",
        "de": "Für einen Lauf reserviert: «{title}»",
        "fr": "Réservation pour une génération\u00a0: «\u00a0{title}\u00a0»",
        "it": "Riservati per una generazione: «{title}»",
    },
    EntryKind.CAPTURED: {
        "en": "Spent on a run: “{title}”",
        "de": "Für einen Lauf ausgegeben: «{title}»",
        "fr": "Dépense pour une génération\u00a0: «\u00a0{title}\u00a0»",
        "it": "Spesi per una generazione: «{title}»",
    },
    EntryKind.RELEASED: {
        "en": "Not needed for a run, available again: “{title}”",
        "de": "Für einen Lauf nicht gebraucht, wieder verfügbar: «{title}»",
        "fr": "Crédits réservés à une génération, non utilisés et libérés\u00a0: «\u00a0{title}\u00a0»",
        "it": "Riservati per una generazione, non usati e di nuovo disponibili: «{title}»",
    },
}


def describe_entry(entry: EntryView, language: str) -> str:
    """Return what an entry was for."""
    if entry.kind is EntryKind.GRANTED:
        return _GRANTED[entry.source][language].format(credits=format_whole(entry.lot_amount, language))
    if entry.run_title is not None and entry.kind in _TITLED:
        return _TITLED[entry.kind][language].format(title=entry.run_title)
    return _TEXTS[entry.kind][language]
