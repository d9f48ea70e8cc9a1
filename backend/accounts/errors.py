"""Errors of signing in, and of what only some callers may do."""

from backend.core.database.database import register_refusal
from backend.core.errors import DomainError

# Raised by the triggers that keep the tables of a user who is leaving closed.
_USER_LEFT = "UE001"


class NotSignedIn(DomainError):
    """No token, or one that is not valid any more."""

    code = "not_signed_in"
    status = 401
    texts = {
        "en": "Please sign in: the access token is missing, expired or not valid.",
        "de": "Bitte melde dich an: Das Zugriffstoken fehlt, ist abgelaufen oder ungültig.",
        "fr": "Connecte-toi\u00a0: le jeton d’accès manque, a expiré ou n’est pas valide.",
        "it": "Accedi: il token di accesso manca, è scaduto o non è valido.",
    }


class SessionEnded(DomainError):
    """The refresh token is not good any more: signed out, expired, or used where it should not have been."""

    code = "session_ended"
    status = 401
    texts = {
        "en": "This session has ended. Please sign in again.",
        "de": "Diese Sitzung ist beendet. Bitte melde dich neu an.",
        "fr": "Cette session est terminée. Connecte-toi à nouveau.",
        "it": "Questa sessione è terminata. Accedi di nuovo.",
    }


class SignInCodeRefused(DomainError):
    """The one-time code is unknown, used, too old, or of another browser."""

    code = "sign_in_code_refused"
    status = 401
    texts = {
        "en": "This sign-in is not valid any more. Please sign in again.",
        "de": "Diese Anmeldung ist nicht mehr gültig. Bitte melde dich neu an.",
        "fr": "Cette connexion n’est plus valable. Connecte-toi à nouveau.",
        "it": "Questo accesso non è più valido. Accedi di nuovo.",
    }


class FreshSignInNeeded(DomainError):
    """What was asked for needs a sign-in at the provider only minutes ago."""

    code = "fresh_sign_in_needed"
    status = 403
    texts = {
        "en": "For this, please confirm who you are: sign in once more, then try again within ten minutes.",
        "de": "Bestätige dafür bitte, dass du es bist: Melde dich noch einmal an und versuche es dann innert "
        "zehn Minuten wieder.",
        "fr": "Pour cela, confirme que c’est bien toi\u00a0: connecte-toi encore une fois, puis réessaie dans les dix "
        "minutes.",
        "it": "Per questo, conferma che sei tu: accedi ancora una volta e riprova entro dieci minuti.",
    }


class NotAllowed(DomainError):
    """The caller may not do this: an API key without the scope, or without a session behind it."""

    code = "not_allowed"
    status = 403
    texts = {
        "en": "This is not allowed with your access.",
        "de": "Das ist mit deinem Zugang nicht erlaubt.",
        "fr": "Ton accès ne le permet pas.",
        "it": "Il tuo accesso non lo consente.",
    }


class AccountDisabled(DomainError):
    """An administrator has disabled the account."""

    code = "account_disabled"
    status = 403
    texts = {
        "en": "This account has been disabled. Please write to us.",
        "de": "Dieses Konto wurde gesperrt. Bitte schreibe uns.",
        "fr": "Ce compte a été bloqué. Écris-nous.",
        "it": "Questo account è stato bloccato. Scrivici.",
    }


class IdentityTaken(DomainError):
    """The identity to be linked belongs to another user."""

    code = "identity_taken"
    status = 409
    texts = {
        "en": "This sign-in already belongs to another account.",
        "de": "Diese Anmeldung gehört schon zu einem anderen Konto.",
        "fr": "Cette connexion appartient déjà à un autre compte.",
        "it": "Questo accesso appartiene già a un altro account.",
    }


class LastIdentity(DomainError):
    """The only identity of a user cannot be unlinked: she could not sign in any more."""

    code = "last_identity"
    status = 409
    texts = {
        "en": "This is your only way to sign in. Link another one first.",
        "de": "Das ist deine einzige Anmeldung. Verknüpfe zuerst eine andere.",
        "fr": "C’est ta seule façon de te connecter. Associe d’abord une autre connexion.",
        "it": "È il tuo unico modo di accedere. Prima collega un altro accesso.",
    }


class TooManyApiKeys(DomainError):
    """The user has as many API keys as she may."""

    code = "too_many_api_keys"
    status = 409
    texts = {
        "en": "You have {limit} API keys already. Revoke one that you no longer need.",
        "de": "Du hast schon {limit} API-Schlüssel. Widerrufe einen, den du nicht mehr brauchst.",
        "fr": "Tu as déjà {limit} clés API. Révoque celle dont tu n’as plus besoin.",
        "it": "Hai già {limit} chiavi API. Revocane una che non ti serve più.",
    }


class UserDisabled(DomainError):
    """Nothing new is begun for a user who is disabled."""

    code = "user_disabled"
    status = 409
    texts = {
        "en": "This user is disabled: nothing new can be started for her. Enable her first.",
        "de": "Dieses Konto ist gesperrt: Es kann nichts Neues dafür gestartet werden. Entsperre es zuerst.",
        "fr": "Ce compte est bloqué\u00a0: rien de nouveau ne peut être lancé pour lui. Débloque-le d’abord.",
        "it": "Questo account è bloccato: non si può avviare nulla di nuovo. Prima sbloccalo.",
    }


class UserLeaving(DomainError):
    """The user has asked to be erased: there is nothing left to disable, to enable or to begin."""

    code = "user_leaving"
    status = 409
    texts = {
        "en": "This user has left: everything of hers is being erased, or is already.",
        "de": "Dieses Konto wurde gelöscht: Alle Daten dazu werden gerade entfernt oder sind es schon.",
        "fr": "Ce compte a été supprimé\u00a0: toutes ses données sont en cours d’effacement ou déjà effacées.",
        "it": "Questo account è stato eliminato: tutti i suoi dati vengono cancellati o lo sono già.",
    }


class OwnAccount(DomainError):
    """An administrator cannot disable herself: at least one who can enable again stays."""

    code = "own_account"
    status = 409
    texts = {
        "en": "You cannot disable yourself. Ask another administrator.",
        "de": "Du kannst dich nicht selbst sperren. Bitte jemand anderen, der administriert, darum.",
        "fr": "Tu ne peux pas te bloquer toi-même. Demande à une autre personne qui administre.",
        "it": "Non puoi bloccare te stesso. Chiedi a un’altra persona che amministra.",
    }


class AccountErased(DomainError):
    """The user left while this request of hers was under way."""

    code = "account_erased"
    status = 401
    texts = {
        "en": "This account has been deleted.",
        "de": "Dieses Konto wurde gelöscht.",
        "fr": "Ce compte a été supprimé.",
        "it": "Questo account è stato eliminato.",
    }


register_refusal(_USER_LEFT, AccountErased)
