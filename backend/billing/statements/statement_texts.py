"""Words of statements."""

from backend.billing.prices.figures import format_whole
from backend.billing.statements.statement import MoneyKind, MoneyRow, Movement

TITLE = {
    "en": "HackTheStudy: statement {year}",
    "de": "HackTheStudy: Auszug {year}",
    "fr": "HackTheStudy\u00a0: relevé {year}",
    "it": "HackTheStudy: estratto {year}",
}
PAYER = {"en": "Issued to", "de": "Ausgestellt für", "fr": "Établi pour", "it": "Intestato a"}
PAYMENTS = {
    "en": "Payments, refunds and disputes",
    "de": "Zahlungen, Rückerstattungen und Bestreitungen",
    "fr": "Paiements, remboursements et contestations",
    "it": "Pagamenti, rimborsi e contestazioni",
}
NO_PAYMENTS = {
    "en": "There were no payments in this year.",
    "de": "In diesem Jahr gab es keine Zahlungen.",
    "fr": "Il n’y a eu aucun paiement cette année-là.",
    "it": "In quest’anno non ci sono stati pagamenti.",
}
DAY = {"en": "Day", "de": "Datum", "fr": "Date", "it": "Data"}
DESCRIPTION = {"en": "Description", "de": "Beschreibung", "fr": "Libellé", "it": "Descrizione"}
AMOUNT = {"en": "Amount in CHF", "de": "Betrag in CHF", "fr": "Montant en CHF", "it": "Importo in CHF"}
VAT = {
    "en": "VAT included in CHF",
    "de": "enthaltene MWST in CHF",
    "fr": "TVA comprise en CHF",
    "it": "IVA inclusa in CHF",
}
VAT_RATE = {"en": "VAT rate in %", "de": "MWST-Satz in %", "fr": "Taux de TVA en %", "it": "Aliquota IVA in %"}
METHOD = {"en": "Paid by", "de": "Zahlungsart", "fr": "Moyen de paiement", "it": "Mezzo di pagamento"}
REFERENCE = {
    "en": "Stripe reference",
    "de": "Stripe-Referenz",
    "fr": "Référence Stripe",
    "it": "Riferimento Stripe",
}
COLUMNS = (DAY, DESCRIPTION, AMOUNT, VAT, VAT_RATE, METHOD, REFERENCE)
TOTALS: dict[MoneyKind, dict[str, str]] = {
    MoneyKind.PURCHASE: {
        "en": "Total of purchases",
        "de": "Summe der Käufe",
        "fr": "Total des achats",
        "it": "Totale degli acquisti",
    },
    MoneyKind.REFUND: {
        "en": "Total of refunds",
        "de": "Summe der Rückerstattungen",
        "fr": "Total des remboursements",
        "it": "Totale dei rimborsi",
    },
    MoneyKind.DISPUTE: {
        "en": "Total of disputed payments",
        "de": "Summe der bestrittenen Zahlungen",
        "fr": "Total des paiements contestés",
        "it": "Totale dei pagamenti contestati",
    },
}
TOTAL = {
    "en": "Total after refunds and disputes",
    "de": "Summe nach Rückerstattungen und Bestreitungen",
    "fr": "Total après remboursements et contestations",
    "it": "Totale dopo rimborsi e contestazioni",
}
CREDITS = {
    "en": "Movements of credits",
    "de": "Bewegungen der Credits",
    "fr": "Mouvements des crédits",
    "it": "Movimenti dei crediti",
}
OPENING = {
    "en": "Balance at the beginning of {year}",
    "de": "Guthaben am Anfang von {year}",
    "fr": "Solde au début de {year}",
    "it": "Saldo all’inizio del {year}",
}
CLOSING = {
    "en": "Balance at the end of {year}",
    "de": "Guthaben am Ende von {year}",
    "fr": "Solde à la fin de {year}",
    "it": "Saldo alla fine del {year}",
}
MOVEMENTS: dict[Movement, dict[str, str]] = {
    Movement.PURCHASED: {"en": "Purchased", "de": "Gekauft", "fr": "Achetés", "it": "Acquistati"},
    Movement.FREE: {
        "en": "Received free",
        "de": "Gratis erhalten",
        "fr": "Reçus gratuitement",
        "it": "Ricevuti gratis",
    },
    Movement.SPENT: {"en": "Spent", "de": "Ausgegeben", "fr": "Dépensés", "it": "Spesi"},
    Movement.REFUNDED: {"en": "Refunded", "de": "Zurückerstattet", "fr": "Remboursés", "it": "Rimborsati"},
    Movement.DISPUTED: {"en": "Disputed", "de": "Bestritten", "fr": "Contestés", "it": "Contestati"},
    Movement.EXPIRED: {"en": "Expired", "de": "Verfallen", "fr": "Expirés", "it": "Scaduti"},
    Movement.ADJUSTED: {"en": "Corrected", "de": "Korrigiert", "fr": "Corrigés", "it": "Corretti"},
}
NOTE = {
    "en": "Dates are those in Switzerland. Refunds and disputes are listed as Stripe last reported them, on the day on "
    "which they were booked.",
    "de": "Massgebend ist das Datum in der Schweiz. Rückerstattungen und Bestreitungen stehen so da, wie Stripe sie "
    "zuletzt gemeldet hat, am Tag ihrer Buchung.",
    "fr": "Les dates sont celles de la Suisse. Les remboursements et contestations figurent tels que Stripe les a "
    "signalés en dernier, au jour de leur comptabilisation.",
    "it": "Le date sono quelle della Svizzera. Rimborsi e contestazioni figurano come Stripe li ha comunicati per "
    "ultimo, nel giorno in cui sono stati contabilizzati.",
}
PAGE = {
    "en": "Page {number} of {count}",
    "de": "Seite {number} von {count}",
    "fr": "Page {number} sur {count}",
    "it": "Pagina {number} di {count}",
}
_ROWS: dict[MoneyKind, dict[str, str]] = {
    MoneyKind.PURCHASE: {
        "en": "Purchase of {credits} credits",
        "de": "Kauf von {credits} Credits",
        "fr": "Achat de {credits} crédits",
        "it": "Acquisto di {credits} crediti",
    },
    MoneyKind.REFUND: {"en": "Refund", "de": "Rückerstattung", "fr": "Remboursement", "it": "Rimborso"},
    MoneyKind.DISPUTE: {
        "en": "Disputed payment",
        "de": "Bestrittene Zahlung",
        "fr": "Paiement contesté",
        "it": "Pagamento contestato",
    },
}
_CARD = {"en": "Card", "de": "Karte", "fr": "Carte", "it": "Carta"}
_METHODS = {"twint": "TWINT", "paypal": "PayPal", "link": "Link"}


def describe_row(row: MoneyRow, language: str) -> str:
    return _ROWS[row.kind][language].format_map({"credits": format_whole(row.credits, language)})


def describe_method(method: str | None, language: str) -> str:
    """Return the name of a means of payment. Stripe may have some that are not known here."""
    if method == "card":
        return _CARD[language]
    return "" if method is None else _METHODS.get(method, method)
