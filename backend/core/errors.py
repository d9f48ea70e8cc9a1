"""The error every room derives its own from; one handler in ``http`` renders them (RFC 9457)."""

from collections.abc import Mapping


class DomainError(Exception):
    """A stated fact that ends a request. Subclasses set ``code``, ``status`` and the texts.

    ``texts`` maps each language (``en``, ``de``, ``fr``, ``it``) to a sentence; ``{name}`` in it is replaced from
    ``facts``. ``fields`` maps a field's path to its messages; none means the error's own sentence. ``retry_after_s``
    becomes a Retry-After header.
    """

    code: str = "error"
    status: int = 400
    texts: Mapping[str, str] = {}
    retry_after_s: int | None = None

    def __init__(self, *, fields: Mapping[str, list[str]] | None = None, **facts: object) -> None:
        super().__init__(self.code)
        self.fields = dict(fields or {})
        self.facts = facts

    def text(self, language: str) -> str:
        """Return the sentence for the user in ``language``, or in English."""
        return self.texts.get(language, self.texts["en"]).format(**self.facts)


class NotFound(DomainError):
    """The thing is not there, or not the caller's: the same answer."""

    code = "not_found"
    status = 404
    texts = {
        "en": "There is nothing here, or it is not yours.",
        "de": "Hier gibt es nichts, oder es gehört dir nicht.",
        "fr": "Il n’y a rien ici, ou cela ne t’appartient pas.",
        "it": "Qui non c’è nulla, oppure non è tuo.",
    }


class InvalidInput(DomainError):
    """A field of the request is wrong in a way that only the service can see."""

    code = "invalid_input"
    status = 422
    texts = {
        "en": "Some fields are not valid.",
        "de": "Einige Felder sind ungültig.",
        "fr": "Certains champs ne sont pas valides.",
        "it": "Alcuni campi non sono validi.",
    }


class Unavailable(DomainError):
    """A part that the request needs is away for a moment."""

    code = "unavailable"
    status = 503
    retry_after_s = 2
    texts = {
        "en": "The service is briefly unavailable. Please try again.",
        "de": "Der Dienst ist kurz nicht verfügbar. Bitte versuche es noch einmal.",
        "fr": "Le service est momentanément indisponible. Réessaie dans un instant.",
        "it": "Il servizio è momentaneamente non disponibile. Riprova tra poco.",
    }
