"""Idempotency-Key (IETF draft-ietf-httpapi-idempotency-key-header-07) for every POST that creates something.

The response is stored in the same transaction as the effect, by user, route and key, and kept for 24 hours.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import ParamSpec
from uuid import UUID

import sqlalchemy as sa
from flask import Response, g, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.clock import now
from backend.core.database.database import Base, db
from backend.core.database.transaction import transaction
from backend.core.errors import DomainError
from backend.core.hashing import lock_number
from backend.core.web.uploads import TEXT_TYPES, get_text_file

P = ParamSpec("P")

ACCEPTS_KEY = "accepts_idempotency_key"
REQUIRES_KEY = "requires_idempotency_key"
KEPT = timedelta(hours=24)
_MAX_KEY_CHARS = 255
_MAX_KEPT_BYTES = 20_000_000
_PIECE = 256 * 1024


class StoredResponse(Base):
    """The response to the first request with a key."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int]
    location: Mapped[str | None]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), index=True)


class IdempotencyKeyReused(DomainError):
    """The key was already used with a different request."""

    code = "idempotency_key_reused"
    status = 422
    texts = {
        "en": "This Idempotency-Key was already used for a different request. Use a new key.",
        "de": "Dieser Idempotency-Key wurde bereits für eine andere Anfrage verwendet. Verwende einen neuen.",
        "fr": "Cette Idempotency-Key a déjà servi à une autre requête. Utilise une nouvelle clé.",
        "it": "Questa Idempotency-Key è già stata usata per un’altra richiesta. Usa una nuova chiave.",
    }


class RequestStillRunning(DomainError):
    """The first request with this key is still in progress."""

    code = "request_still_running"
    status = 409
    retry_after_s = 1
    texts = {
        "en": "The first request with this Idempotency-Key is still in progress. Please try again shortly.",
        "de": "Die erste Anfrage mit diesem Idempotency-Key läuft noch. Bitte versuche es gleich noch einmal.",
        "fr": "La première requête avec cette Idempotency-Key est encore en cours. Réessaie dans un instant.",
        "it": "La prima richiesta con questa Idempotency-Key è ancora in corso. Riprova tra poco.",
    }


class TooManyStoredResponses(DomainError):
    """The user's stored responses have reached their storage limit."""

    code = "too_many_stored_responses"
    status = 409
    texts = {
        "en": "You have used the Idempotency-Key header too often in the last 24 hours. Send the request without it.",
        "de": "Du hast den Header Idempotency-Key in den letzten 24 Stunden zu oft verwendet. Sende die Anfrage ohne "
        "ihn.",
        "fr": "Tu as utilisé l’en-tête Idempotency-Key trop souvent ces dernières 24 heures. Envoie la requête sans "
        "cet en-tête.",
        "it": "Hai usato l’intestazione Idempotency-Key troppo spesso nelle ultime 24 ore. Invia la richiesta senza.",
    }


class InvalidIdempotencyKey(DomainError):
    code = "invalid_idempotency_key"
    status = 400
    texts = {
        "en": "An Idempotency-Key must have 1 to 255 characters.",
        "de": "Ein Idempotency-Key muss 1 bis 255 Zeichen lang sein.",
        "fr": "Une Idempotency-Key doit compter de 1 à 255 caractères.",
        "it": "Una Idempotency-Key deve avere da 1 a 255 caratteri.",
    }


class IdempotencyKeyMissing(DomainError):
    code = "idempotency_key_missing"
    status = 400
    texts = {
        "en": "This request needs an Idempotency-Key header. Use a new key for each new request.",
        "de": "Diese Anfrage braucht den Header Idempotency-Key. Verwende für jede neue Anfrage einen neuen.",
        "fr": "Cette requête exige l’en-tête Idempotency-Key. Utilise une nouvelle clé pour chaque nouvelle requête.",
        "it": "Questa richiesta esige l’intestazione Idempotency-Key. Usa una nuova chiave per ogni nuova richiesta.",
    }


def get_key() -> str:
    """Return the request's key. Raises IdempotencyKeyMissing, InvalidIdempotencyKey."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise IdempotencyKeyMissing
    return _checked(key)


def _checked(key: str) -> str:
    if not 0 < len(key) <= _MAX_KEY_CHARS:
        raise InvalidIdempotencyKey
    return key


def requires_key(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Refuse requests without an Idempotency-Key. Alone, it leaves the use of the key (``get_key``) to the view.

    Place it above ``idempotent``. Raises IdempotencyKeyMissing, InvalidIdempotencyKey.
    """

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        get_key()
        return view(*args, **kwargs)

    # Read by the OpenAPI document.
    wrapper.__dict__[ACCEPTS_KEY] = wrapper.__dict__[REQUIRES_KEY] = True
    return wrapper


def idempotent(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Make a route that creates something safe to repeat with the same Idempotency-Key.

    The view and the stored response share one transaction. This must be the innermost decorator.
    Raises InvalidIdempotencyKey, RequestStillRunning, IdempotencyKeyReused, TooManyStoredResponses.
    """

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return view(*args, **kwargs)
        _checked(key)
        fingerprint = _fingerprint()
        with transaction():
            return _replay_or_run(key, fingerprint, lambda: view(*args, **kwargs))

    # Read by the OpenAPI document.
    wrapper.__dict__[ACCEPTS_KEY] = True
    return wrapper


def _replay_or_run(key: str, fingerprint: str, run: Callable[[], ResponseReturnValue]) -> Response:
    user_id, route = g.user_id, f"{request.method} {request.path}"
    number = lock_number(user_id, route, key)
    locked = db.session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(number)))
    if not locked:
        raise RequestStillRunning
    stored = db.session.get(StoredResponse, (user_id, route, key))
    if stored is not None and stored.created_at > now() - KEPT:
        if stored.fingerprint != fingerprint:
            raise IdempotencyKeyReused
        response = Response(stored.body, stored.status, content_type="application/json")
        response.headers["Idempotency-Replayed"] = "true"
        if stored.location:
            response.headers["Location"] = stored.location
        return response
    if stored is not None:
        db.session.delete(stored)
        db.session.flush()
    kept = sa.select(sa.func.coalesce(sa.func.sum(sa.func.octet_length(StoredResponse.body)), 0))
    if db.session.scalars(kept.where(StoredResponse.user_id == user_id)).one() >= _MAX_KEPT_BYTES:
        raise TooManyStoredResponses
    response = make_response(run())
    db.session.add(
        StoredResponse(
            user_id=user_id,
            route=route,
            key=key,
            fingerprint=fingerprint,
            status=response.status_code,
            location=response.headers.get("Location"),
            body=response.get_data(as_text=True),
        )
    )
    return response


def _fingerprint() -> str:
    """Hash the query and the body: JSON, a text, or form fields and the bytes of every file."""
    digest = hashlib.sha256(request.query_string)
    if request.mimetype in TEXT_TYPES:
        digest.update(request.mimetype.encode())
        text = get_text_file()
        while piece := text.read(_PIECE):
            digest.update(piece)
        text.seek(0)
        return digest.hexdigest()
    if request.mimetype != "multipart/form-data":
        digest.update(request.get_data(cache=True))
        return digest.hexdigest()
    for name, value in sorted(request.form.items(multi=True)):
        digest.update(f"{name}={value}\n".encode())
    for name, file in request.files.items(multi=True):
        digest.update(f"{name}={file.filename}\n".encode())
        while piece := file.stream.read(_PIECE):
            digest.update(piece)
        file.stream.seek(0)
    return digest.hexdigest()


def delete_expired_responses() -> int:
    """Delete responses older than 24 hours and return their number. Needs a transaction."""
    old = sa.delete(StoredResponse).where(StoredResponse.created_at < now() - KEPT).returning(StoredResponse.key)
    return len(db.session.scalars(old).all())
