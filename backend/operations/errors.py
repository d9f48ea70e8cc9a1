"""Errors of operations."""

from backend.core.errors import DomainError


class MetricsTokenWrong(DomainError):
    """No token for the metrics, or a wrong one."""

    code = "metrics_token_wrong"
    status = 401
    texts = {
        "en": "The metrics need their own bearer token.",
        "de": "Die Metriken brauchen ihr eigenes Bearer-Token.",
        "fr": "Les métriques demandent leur propre jeton Bearer.",
        "it": "Le metriche richiedono un proprio token Bearer.",
    }
