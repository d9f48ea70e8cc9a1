"""Errors of operations and administration."""

from backend.core.errors import DomainError


class MetricsTokenWrong(DomainError):
    code = "metrics_token_wrong"
    status = 401
    texts = {
        "en": "Metrics require their own bearer token. It is missing or wrong.",
        "de": "Metriken erfordern ein eigenes Bearer-Token. Es fehlt oder ist falsch.",
        "fr": "Les métriques exigent leur propre jeton Bearer. Il manque ou est incorrect.",
        "it": "Le metriche richiedono un proprio token Bearer. Manca o è errato.",
    }


class AdminNeeded(DomainError):
    """The caller is not an administrator, or uses an API key."""

    code = "admin_needed"
    status = 403
    texts = {
        "en": "Only administrators can do this, and not with an API key.",
        "de": "Das können nur Administratorinnen und Administratoren, und nicht mit einem API-Schlüssel.",
        "fr": "Réservé aux administrateurs et administratrices, et impossible avec une clé d’API.",
        "it": "Solo chi amministra può farlo, e non con una chiave API.",
    }
