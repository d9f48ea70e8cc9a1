"""The base class of all rooms' errors. One handler in `http` renders them (RFC 9457)."""

from collections.abc import Mapping


class DomainError(Exception):
    """An error that ends a request. Subclasses set `code`, `status` and `texts`.

    `texts` maps each language (``en``, ``de``, ``fr``, ``it``) to a sentence with placeholders such as ``{name}``,
    which `facts` fill. `fields` maps a field's path to its messages; an empty list means the error's own sentence.
    `retry_after_s` becomes a Retry-After header. `members` describes the facts, all of them integers, that are also
    members of the problem for programs to read (RFC 9457, 3.2). The room's manifest lists errors that have any.
    """

    code: str = "error"
    status: int = 400
    texts: Mapping[str, str] = {}
    retry_after_s: int | None = None
    members: Mapping[str, str] = {}

    def __init__(self, *, fields: Mapping[str, list[str]] | None = None, **facts: object) -> None:
        super().__init__(self.code)
        self.fields = dict(fields or {})
        self.facts = facts

    def text(self, language: str) -> str:
        """Return the sentence in `language`, or in English if there is none."""
        return self.texts.get(language, self.texts["en"]).format(**self.facts)


class NotFound(DomainError):
    """Nonexistent or not the caller's: the response does not tell which."""

    code = "not_found"
    status = 404
    texts = {
        "en": "Not found, or you don't have access to it.",
        "de": "Nicht gefunden, oder du hast keinen Zugriff darauf.",
        "fr": "Introuvable, ou tu n’y as pas accès.",
        "it": "Non trovato, oppure non hai accesso.",
    }


class Unavailable(DomainError):
    """A dependency of the request is temporarily unreachable."""

    code = "unavailable"
    status = 503
    retry_after_s = 2
    texts = {
        "en": "The service is temporarily unavailable. Please try again in a moment.",
        "de": "Der Dienst ist vorübergehend nicht verfügbar. Bitte versuche es gleich noch einmal.",
        "fr": "Le service est momentanément indisponible. Réessaie dans un instant.",
        "it": "Il servizio è momentaneamente non disponibile. Riprova tra poco.",
    }
