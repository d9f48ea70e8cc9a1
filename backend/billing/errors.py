"""Errors of billing."""

from collections.abc import Iterable

from backend.core.errors import DomainError


class BillingOff(DomainError):
    """This system takes no payments: ``STRIPE_API_KEY`` is not set."""

    code = "billing_off"
    status = 404
    texts = {
        "en": "Payments are not available on this system. Everything can be used free of charge.",
        "de": "Auf diesem System gibt es keine Zahlungen. Alles lässt sich kostenlos nutzen.",
        "fr": "Les paiements ne sont pas disponibles sur ce système. Tout est utilisable gratuitement.",
        "it": "I pagamenti non sono disponibili su questo sistema. Tutto si può usare gratuitamente.",
    }


class InsufficientCredits(DomainError):
    """``required`` and ``available`` are whole credits; ``available`` is negative if credits spent were refunded."""

    code = "insufficient_credits"
    status = 402
    members = {
        "required": "Credits that are needed.",
        "available": "Credits that can be spent; negative if spent ones were refunded.",
    }
    texts = {
        "en": "This needs {required} credits, and you have {available}. Buy credits, or ask for fewer items.",
        "de": "Dafür braucht es {required} Credits, du hast {available}. Kaufe Credits oder verlange weniger Karten "
        "und Fragen.",
        "fr": "Il faut {required} crédits et tu en as {available}. Achète des crédits ou demande moins d’éléments.",
        "it": "Servono {required} crediti e ne hai {available}. Acquista crediti o chiedi meno elementi.",
    }

    def __init__(self, *, required: int, available: int) -> None:
        super().__init__(required=required, available=available)


class SpendingFrozen(DomainError):
    """A payment of the user is disputed."""

    code = "spending_frozen"
    status = 402
    texts = {
        "en": "Your bank has disputed one of your payments, so credits cannot be spent until this is resolved. "
        "Contact us if this was a mistake.",
        "de": "Eine deiner Zahlungen wird bei deiner Bank bestritten. Bis das geklärt ist, lassen sich keine Credits "
        "ausgeben. Melde dich bei uns, falls das ein Versehen war.",
        "fr": "L’un de tes paiements est contesté auprès de ta banque. Tant que ce n’est pas réglé, tu ne peux pas "
        "dépenser de crédits. Contacte-nous s’il s’agit d’une erreur.",
        "it": "Uno dei tuoi pagamenti è contestato presso la tua banca. Finché la questione non è risolta non puoi "
        "spendere crediti. Contattaci se si tratta di un errore.",
    }


class ModelNotPriced(DomainError):
    """The language model has no price, so a run cannot be charged."""

    code = "misconfigured"
    status = 503
    retry_after_s = 600
    texts = {
        "en": "The language model is not set up correctly. We are on it; please try again later.",
        "de": "Das Sprachmodell ist nicht richtig eingerichtet. Wir kümmern uns darum, bitte versuche es später noch "
        "einmal.",
        "fr": "Le modèle de langage n’est pas configuré correctement. Nous nous en occupons\u202f; réessaie plus tard.",
        "it": "Il modello linguistico non è configurato correttamente. Ce ne stiamo occupando; riprova più tardi.",
    }


class UnknownPackage(DomainError):
    """``packages`` are the names of those that can be bought."""

    code = "unknown_package"
    status = 422
    texts = {
        "en": "This package does not exist. Choose one of: {packages}.",
        "de": "Dieses Paket gibt es nicht. Wähle eines von diesen: {packages}.",
        "fr": "Ce paquet n’existe pas. Choisis-en un parmi\u00a0: {packages}.",
        "it": "Questo pacchetto non esiste. Scegli tra: {packages}.",
    }

    def __init__(self, packages: Iterable[str]) -> None:
        super().__init__(fields={"package": []}, packages=", ".join(packages))


class TooManyOpenCheckouts(DomainError):
    code = "too_many_open_checkouts"
    status = 409
    texts = {
        "en": "You already have {limit} open payments. Complete one of them, or try again tomorrow.",
        "de": "Du hast bereits {limit} offene Zahlungen. Schliesse eine davon ab oder versuche es morgen noch einmal.",
        "fr": "Tu as déjà {limit} paiements en attente. Termines-en un ou réessaie demain.",
        "it": "Hai già {limit} pagamenti in sospeso. Completane uno o riprova domani.",
    }


class PaymentsMisconfigured(DomainError):
    """Stripe refuses our requests, so nobody can pay until we have fixed it."""

    code = "payments_misconfigured"
    status = 503
    retry_after_s = 600
    texts = {
        "en": "Payments are not set up correctly. We are on it; please try again later.",
        "de": "Die Zahlungen sind nicht richtig eingerichtet. Wir kümmern uns darum, bitte versuche es später noch "
        "einmal.",
        "fr": "Les paiements ne sont pas configurés correctement. Nous nous en occupons\u202f; réessaie plus tard.",
        "it": "I pagamenti non sono configurati correttamente. Ce ne stiamo occupando; riprova più tardi.",
    }


class UnsignedWebhook(DomainError):
    """The signature is missing, does not match the body, or is too old."""

    code = "invalid_signature"
    status = 400
    texts = {
        "en": "The signature is missing, wrong or too old.",
        "de": "Die Signatur fehlt, ist falsch oder zu alt.",
        "fr": "La signature est absente, incorrecte ou trop ancienne.",
        "it": "La firma manca, è errata o troppo vecchia.",
    }


class UnreadableWebhook(DomainError):
    """The webhook is signed, but is not a snapshot event: the endpoint at Stripe is set up for thin ones."""

    code = "unreadable_event"
    status = 400
    texts = {
        "en": "This is not a snapshot event. Set up the endpoint for snapshot events.",
        "de": "Das ist kein Snapshot-Event. Richte den Endpunkt für Snapshot-Events ein.",
        "fr": "Ce n’est pas un événement de type snapshot. Configure le point de terminaison en conséquence.",
        "it": "Non è un evento di tipo snapshot. Configura l’endpoint di conseguenza.",
    }


class RefundTooLarge(DomainError):
    """More than is left of the payment after refunds and disputes."""

    code = "refund_too_large"
    status = 409
    members = {"refundable_rappen": "What is left of the payment, in rappen."}
    texts = {
        "en": "Of this payment, {refundable_rappen} rappen are left to refund. Choose a smaller amount.",
        "de": "Von dieser Zahlung lassen sich noch {refundable_rappen} Rappen erstatten. Wähle einen kleineren Betrag.",
        "fr": "Sur ce paiement, il reste {refundable_rappen} centimes à rembourser. Choisis un montant plus petit.",
        "it": "Di questo pagamento si possono ancora rimborsare {refundable_rappen} centesimi. Scegli un importo "
        "minore.",
    }

    def __init__(self, *, refundable_rappen: int) -> None:
        super().__init__(refundable_rappen=refundable_rappen)


class RefundRefused(DomainError):
    """Stripe will not make this refund. ``stripe_code`` is its reason, such as ``charge_disputed``."""

    code = "refund_refused"
    status = 409
    texts = {
        "en": "Stripe refused the refund ({stripe_code}). Look at the payment in Stripe's dashboard.",
        "de": "Stripe hat die Erstattung abgelehnt ({stripe_code}). Sieh dir die Zahlung im Dashboard von Stripe an.",
        "fr": "Stripe a refusé le remboursement ({stripe_code}). Consulte le paiement dans le tableau de bord de "
        "Stripe.",
        "it": "Stripe ha rifiutato il rimborso ({stripe_code}). Controlla il pagamento nella dashboard di Stripe.",
    }

    def __init__(self, stripe_code: str) -> None:
        super().__init__(stripe_code=stripe_code)
        self.stripe_code = stripe_code


class EventNotRetriable(DomainError):
    """An event of an unknown type, without an object, or of Stripe's other mode. Another release may handle it."""

    code = "event_not_retriable"
    status = 409
    texts = {
        "en": "This event would not be handled now either. Look at it in Stripe's dashboard.",
        "de": "Dieses Ereignis würde auch jetzt nicht verarbeitet. Sieh es dir im Dashboard von Stripe an.",
        "fr": "Cet événement ne serait pas traité maintenant non plus. Consulte-le dans le tableau de bord de Stripe.",
        "it": "Questo evento non verrebbe elaborato nemmeno ora. Controllalo nella dashboard di Stripe.",
    }
