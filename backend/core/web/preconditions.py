"""Optimistic concurrency (``If-Match``; RFC 9110, 13.1.1)."""

from flask import Response, request

from backend.core.errors import DomainError


class PreconditionRequired(DomainError):
    """The request has no If-Match header."""

    code = "precondition_required"
    status = 428
    texts = {
        "en": "This change requires an If-Match header with the ETag of the version that you have read.",
        "de": "Diese Änderung erfordert einen If-Match-Header mit dem ETag der Version, die du gelesen hast.",
        "fr": "Cette modification exige un en-tête If-Match avec l’ETag de la version que tu as lue.",
        "it": "Questa modifica richiede un’intestazione If-Match con l’ETag della versione che hai letto.",
    }


class PreconditionFailed(DomainError):
    """The resource has changed since it was read."""

    code = "precondition_failed"
    status = 412
    texts = {
        "en": "This has changed in the meantime. Load it again, then repeat your change.",
        "de": "Das wurde inzwischen geändert. Lade es neu und wiederhole dann deine Änderung.",
        "fr": "Ceci a été modifié entre-temps. Recharge-le, puis refais ta modification.",
        "it": "Nel frattempo è stato modificato. Ricaricalo e ripeti la modifica.",
    }


def require_match(current: Response) -> None:
    """Raise PreconditionRequired or PreconditionFailed unless If-Match has the entity tag of ``current``.

    ``current`` is the response to a GET. Lock the row before reading it, else two requests may both match. ``*``
    matches any version, by the client's own choice.
    """
    if not request.headers.get("If-Match", "").strip():
        raise PreconditionRequired
    tag, _ = current.get_etag()
    if tag is None or not request.if_match.contains(tag):
        raise PreconditionFailed
