"""Errors of authentication, authorization and account management."""

from backend.core.database.database import register_refusal
from backend.core.errors import DomainError

# Raised by the triggers that reject new rows for a user who is leaving.
_USER_LEFT = "UE001"


class NotSignedIn(DomainError):
    code = "not_signed_in"
    status = 401
    texts = {
        "en": "Please sign in. The access token is missing, expired or invalid.",
        "de": "Bitte melde dich an: Das Zugriffstoken fehlt, ist abgelaufen oder ungültig.",
        "fr": "Connecte-toi\u00a0: le jeton d’accès est absent, expiré ou invalide.",
        "it": "Accedi: il token di accesso manca, è scaduto o non è valido.",
    }


class SessionEnded(DomainError):
    """The refresh token is invalid: its session was signed out, has expired, or the token was reused."""

    code = "session_ended"
    status = 401
    texts = {
        "en": "This session has ended. Please sign in again.",
        "de": "Diese Sitzung ist beendet. Bitte melde dich erneut an.",
        "fr": "Cette session est terminée. Connecte-toi à nouveau.",
        "it": "Questa sessione è terminata. Accedi di nuovo.",
    }


class SignInCodeRefused(DomainError):
    """The one-time code is unknown, used or expired, or belongs to another browser."""

    code = "sign_in_code_refused"
    status = 401
    texts = {
        "en": "This sign-in is no longer valid. Please sign in again.",
        "de": "Diese Anmeldung ist nicht mehr gültig. Bitte melde dich erneut an.",
        "fr": "Cette connexion n’est plus valable. Connecte-toi à nouveau.",
        "it": "Questo accesso non è più valido. Accedi di nuovo.",
    }


class FreshSignInNeeded(DomainError):
    """The operation requires that the user signed in at the provider within the last minutes."""

    code = "fresh_sign_in_needed"
    status = 403
    texts = {
        "en": "Please confirm that it is you: sign in again, then retry within ten minutes.",
        "de": "Bitte bestätige zuerst, dass du es bist: Melde dich noch einmal an und versuche es innert "
        "zehn Minuten erneut.",
        "fr": "Confirme d’abord que c’est bien toi\u00a0: connecte-toi à nouveau, puis réessaie dans les dix minutes.",
        "it": "Prima conferma la tua identità: accedi di nuovo e riprova entro dieci minuti.",
    }


class NotAllowed(DomainError):
    """The API key lacks the scope, or the operation requires a session."""

    code = "not_allowed"
    status = 403
    texts = {
        "en": "Your access does not allow this.",
        "de": "Dein Zugang erlaubt das nicht.",
        "fr": "Ton accès ne le permet pas.",
        "it": "Il tuo accesso non lo consente.",
    }


class AccountDisabled(DomainError):
    code = "account_disabled"
    status = 403
    texts = {
        "en": "This account has been disabled. Please contact us.",
        "de": "Dieses Konto wurde gesperrt. Bitte kontaktiere uns.",
        "fr": "Ce compte a été bloqué. Contacte-nous.",
        "it": "Questo account è stato bloccato. Contattaci.",
    }


class IdentityTaken(DomainError):
    """The identity to be linked belongs to another user."""

    code = "identity_taken"
    status = 409
    texts = {
        "en": "This sign-in is already linked to another account.",
        "de": "Diese Anmeldung ist bereits mit einem anderen Konto verknüpft.",
        "fr": "Cette connexion est déjà associée à un autre compte.",
        "it": "Questo accesso è già collegato a un altro account.",
    }


class LastIdentity(DomainError):
    """A user's only identity cannot be unlinked, because they could no longer sign in."""

    code = "last_identity"
    status = 409
    texts = {
        "en": "This is your only way to sign in. Link another one first.",
        "de": "Das ist deine einzige Anmeldemöglichkeit. Verknüpfe zuerst eine andere.",
        "fr": "C’est ta seule façon de te connecter. Associes-en d’abord une autre.",
        "it": "È il tuo unico modo di accedere. Prima collegane un altro.",
    }


class TooManyApiKeys(DomainError):
    code = "too_many_api_keys"
    status = 409
    texts = {
        "en": "You already have {limit} API keys. Revoke one that you no longer need.",
        "de": "Du hast bereits {limit} API-Schlüssel. Widerrufe einen, den du nicht mehr brauchst.",
        "fr": "Tu as déjà {limit} clés API. Révoque celle dont tu n’as plus besoin.",
        "it": "Hai già {limit} chiavi API. Revocane una che non ti serve più.",
    }


class UserDisabled(DomainError):
    """Nothing new can be started for a disabled user."""

    code = "user_disabled"
    status = 409
    texts = {
        "en": "This user is disabled, so nothing new can be started. Enable the account first.",
        "de": "Dieses Konto ist gesperrt, deshalb kann nichts Neues gestartet werden. Entsperre es zuerst.",
        "fr": "Ce compte est bloqué\u00a0: rien de nouveau ne peut être lancé. Débloque-le d’abord.",
        "it": "Questo account è bloccato: non si può avviare nulla di nuovo. Prima sbloccalo.",
    }


class UserLeaving(DomainError):
    """The user has deleted their account, so there is nothing left to disable, enable or start."""

    code = "user_leaving"
    status = 409
    texts = {
        "en": "This account has been deleted. Its data is being erased or is already gone.",
        "de": "Dieses Konto wurde gelöscht. Alle seine Daten werden gerade entfernt oder sind es bereits.",
        "fr": "Ce compte a été supprimé\u00a0: toutes ses données sont en cours d’effacement ou déjà effacées.",
        "it": "Questo account è stato eliminato: tutti i suoi dati sono in corso di cancellazione o già cancellati.",
    }


class OwnAccount(DomainError):
    """Administrators cannot disable themselves, so that one who can enable accounts always remains."""

    code = "own_account"
    status = 409
    texts = {
        "en": "You cannot disable your own account. Ask another administrator.",
        "de": "Du kannst dein eigenes Konto nicht sperren. Bitte eine andere Person mit Adminrechten darum.",
        "fr": "Tu ne peux pas bloquer ton propre compte. Demande à une autre personne de l’administration.",
        "it": "Non puoi bloccare il tuo stesso account. Chiedi a un’altra persona dell’amministrazione.",
    }


class AccountErased(DomainError):
    """The user deleted their account while this request was in progress."""

    code = "account_erased"
    status = 401
    texts = {
        "en": "This account has been deleted.",
        "de": "Dieses Konto wurde gelöscht.",
        "fr": "Ce compte a été supprimé.",
        "it": "Questo account è stato eliminato.",
    }


register_refusal(_USER_LEFT, AccountErased)
