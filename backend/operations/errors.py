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


class AdminNeeded(DomainError):
    """The caller is no administrator, or is one with an API key, which administers nothing."""

    code = "admin_needed"
    status = 403
    texts = {
        "en": "Only administrators may do this, signed in themselves; an API key never may.",
        "de": "Das dürfen nur Administratorinnen und Administratoren, die selbst angemeldet sind; ein API-Schlüssel "
        "darf es nie.",
        "fr": "Seules les personnes qui administrent peuvent le faire, connectées elles-mêmes\u202f; une clé d’API ne "
        "le peut jamais.",
        "it": "Possono farlo solo le persone che amministrano, con un proprio accesso; una chiave API non può mai.",
    }
