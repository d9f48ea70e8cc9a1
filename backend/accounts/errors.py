"""Errors of signing in."""

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
