"""Errors of signing in, and of what only some callers may do."""

from backend.core.errors import DomainError


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
