"""Changing only what one has seen (RFC 9110, 13.1.1): ``If-Match`` against the entity tag of what is there now."""

from flask import Response, request

from backend.core.errors import DomainError


class PreconditionRequired(DomainError):
    """The request changes something, and does not say which state of it was seen."""

    code = "precondition_required"
    status = 428
    texts = {
        "en": "This change needs If-Match with the ETag of what you have read.",
        "de": "Diese Änderung braucht If-Match mit dem ETag dessen, was du gelesen hast.",
        "fr": "Cette modification exige If-Match avec l’ETag de ce que tu as lu.",
        "it": "Questa modifica richiede If-Match con l’ETag di ciò che hai letto.",
    }


class PreconditionFailed(DomainError):
    """It was changed since it was read."""

    code = "precondition_failed"
    status = 412
    texts = {
        "en": "This has been changed in the meantime. Read it again, then change it.",
        "de": "Das wurde in der Zwischenzeit geändert. Lies es neu und ändere es dann.",
        "fr": "Cela a été modifié entre-temps. Relis-le, puis modifie-le.",
        "it": "Nel frattempo è stato modificato. Rileggilo, poi modificalo.",
    }


def require_match(current: Response) -> None:
    """Let pass a request whose If-Match names ``current``, what would be answered to reading.

    The row must be locked before it is read for ``current``, else two requests may both match. ``*`` matches any
    state: who sends it says so on purpose. Raises PreconditionRequired, PreconditionFailed.
    """
    if not request.headers.get("If-Match", "").strip():
        raise PreconditionRequired
    tag, _ = current.get_etag()
    if tag is None or not request.if_match.contains(tag):
        raise PreconditionFailed
