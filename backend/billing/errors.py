"""Errors of billing."""

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
    """``required`` and ``available`` are whole credits."""

    code = "insufficient_credits"
    status = 402
    members = {"required": "Credits that are needed.", "available": "Credits that can be spent."}
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


class RefundTooLarge(DomainError):
    """More than is left of the payment after refunds and disputes."""

    code = "refund_too_large"
    status = 409
    members = {"left_rappen": "What is left of the payment, in rappen."}
    texts = {
        "en": "Only {left_rappen} rappen of this payment are left to refund.",
        "de": "Von dieser Zahlung lassen sich nur noch {left_rappen} Rappen erstatten.",
        "fr": "Il ne reste que {left_rappen} centimes à rembourser sur ce paiement.",
        "it": "Di questo pagamento restano solo {left_rappen} centesimi da rimborsare.",
    }

    def __init__(self, *, left_rappen: int) -> None:
        super().__init__(left_rappen=left_rappen)


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
