"""How a sign-in with a provider can end without anybody signed in; the browser app is told the code alone."""

from backend.core.errors import DomainError


class UnknownProvider(DomainError):
    """No provider of this name is configured."""

    code = "unknown_provider"
    status = 404
    texts = {
        "en": "This way to sign in is not available.",
        "de": "Diese Art der Anmeldung gibt es hier nicht.",
        "fr": "Cette façon de se connecter n’existe pas ici.",
        "it": "Questo modo di accedere non è disponibile.",
    }


class SignInCancelled(DomainError):
    """The user, or the provider for her, said no."""

    code = "sign_in_cancelled"
    status = 403
    texts = {
        "en": "The sign-in was cancelled.",
        "de": "Die Anmeldung wurde abgebrochen.",
        "fr": "La connexion a été annulée.",
        "it": "L’accesso è stato annullato.",
    }


class SignInExpired(DomainError):
    """This browser began no such sign-in, began it too long ago, or has finished it already."""

    code = "sign_in_expired"
    status = 403
    texts = {
        "en": "This sign-in has expired. Please sign in again.",
        "de": "Diese Anmeldung ist abgelaufen. Bitte melde dich noch einmal an.",
        "fr": "Cette connexion a expiré. Connecte-toi à nouveau.",
        "it": "Questo accesso è scaduto. Accedi di nuovo.",
    }


class SignInFailed(DomainError):
    """What the provider sent does not prove who signs in."""

    code = "sign_in_failed"
    status = 403
    texts = {
        "en": "The sign-in did not work. Please try again.",
        "de": "Die Anmeldung hat nicht geklappt. Bitte versuche es noch einmal.",
        "fr": "La connexion n’a pas fonctionné. Essaie encore une fois.",
        "it": "L’accesso non è riuscito. Riprova.",
    }


class EmailNotVerified(DomainError):
    """The provider knows no e-mail address of which it says that it is the user's."""

    code = "email_not_verified"
    status = 403
    texts = {
        "en": "Please verify your e-mail address with the provider first, then sign in again.",
        "de": "Bitte bestätige zuerst deine E-Mail-Adresse beim Anbieter und melde dich dann noch einmal an.",
        "fr": "Confirme d’abord ton adresse e-mail auprès du fournisseur, puis connecte-toi à nouveau.",
        "it": "Conferma prima il tuo indirizzo e-mail presso il fornitore, poi accedi di nuovo.",
    }


class ProviderUnavailable(DomainError):
    """The provider is away, too slow, or answers what nobody can read."""

    code = "provider_unavailable"
    status = 503
    retry_after_s = 10
    texts = {
        "en": "The provider does not answer as it should. Please try again in a moment.",
        "de": "Der Anbieter antwortet nicht wie erwartet. Bitte versuche es gleich noch einmal.",
        "fr": "Le fournisseur ne répond pas comme prévu. Essaie à nouveau dans un instant.",
        "it": "Il fornitore non risponde come previsto. Riprova tra un momento.",
    }
