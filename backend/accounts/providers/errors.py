"""Failed sign-ins. The browser app receives only the code, as a query parameter."""

from backend.core.errors import DomainError


class UnknownProvider(DomainError):
    code = "unknown_provider"
    status = 404
    texts = {
        "en": "This sign-in method is not available.",
        "de": "Diese Anmeldemöglichkeit ist nicht verfügbar.",
        "fr": "Ce mode de connexion n’est pas disponible.",
        "it": "Questa modalità di accesso non è disponibile.",
    }


class SignInCancelled(DomainError):
    """The user declined at the provider, or the provider denied access."""

    code = "sign_in_cancelled"
    status = 403
    texts = {
        "en": "The sign-in was cancelled.",
        "de": "Die Anmeldung wurde abgebrochen.",
        "fr": "La connexion a été annulée.",
        "it": "L’accesso è stato annullato.",
    }


class SignInExpired(DomainError):
    """This browser did not start the sign-in, started it too long ago, or has already finished it."""

    code = "sign_in_expired"
    status = 403
    texts = {
        "en": "This sign-in has expired. Please sign in again.",
        "de": "Diese Anmeldung ist abgelaufen. Bitte melde dich erneut an.",
        "fr": "Cette connexion a expiré. Connecte-toi à nouveau.",
        "it": "Questo accesso è scaduto. Accedi di nuovo.",
    }


class SignInFailed(DomainError):
    """The provider's response does not prove the user's identity."""

    code = "sign_in_failed"
    status = 403
    texts = {
        "en": "The sign-in failed. Please try again.",
        "de": "Die Anmeldung ist fehlgeschlagen. Bitte versuche es noch einmal.",
        "fr": "La connexion a échoué. Réessaie.",
        "it": "L’accesso non è riuscito. Riprova.",
    }


class EmailNotVerified(DomainError):
    """The provider reports no verified e-mail address for the user."""

    code = "email_not_verified"
    status = 403
    texts = {
        "en": "Please verify your e-mail address with the provider first, then sign in again.",
        "de": "Bitte bestätige zuerst deine E-Mail-Adresse beim Anbieter und melde dich dann erneut an.",
        "fr": "Confirme d’abord ton adresse e-mail auprès du fournisseur, puis connecte-toi à nouveau.",
        "it": "Conferma prima il tuo indirizzo e-mail presso il fornitore, poi accedi di nuovo.",
    }


class ProviderUnavailable(DomainError):
    """The provider is unreachable or too slow, or its response is invalid."""

    code = "provider_unavailable"
    status = 503
    retry_after_s = 10
    texts = {
        "en": "The sign-in provider is not responding as expected. Please try again in a moment.",
        "de": "Der Anbieter antwortet nicht wie erwartet. Bitte versuche es gleich noch einmal.",
        "fr": "Le fournisseur ne répond pas comme prévu. Réessaie dans un instant.",
        "it": "Il fornitore non risponde come previsto. Riprova tra poco.",
    }
