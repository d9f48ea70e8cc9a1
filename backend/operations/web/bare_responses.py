"""Error responses sent without the application, with the same body format and headers as all others.

gunicorn's own error pages are HTML and quote the request. Its log lines quote it too, whatever it contains.
"""

import re
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from uuid import uuid4

from backend.core.web.http import Problem, choose_language
from backend.core.web.problem_messages import SENTENCES
from backend.core.web.security_headers import security_headers
from backend.settings import get_settings

# Browsers send no more than this. Parsing endless lists would slow down a flood of refusals.
_ACCEPT_LANGUAGE = re.compile(rb"\r\naccept-language:[ \t]*([^\r\n]{1,200})", re.IGNORECASE)
_CODES = {400: "bad_request", 408: "request_timeout", 414: "too_large", 431: "too_large", 503: "unavailable"}
_SENTENCES: Mapping[str, Mapping[str, str]] = {
    "bad_request": {
        "en": "The request is not valid HTTP.",
        "de": "Die Anfrage ist kein gültiges HTTP.",
        "fr": "La requête n’est pas du HTTP valide.",
        "it": "La richiesta non è HTTP valido.",
    },
    "request_timeout": {
        "en": "The request took too long to arrive. Please try again.",
        "de": "Die Anfrage kam zu langsam an. Bitte versuche es noch einmal.",
        "fr": "La requête a mis trop de temps à arriver. Réessaie.",
        "it": "La richiesta ha impiegato troppo tempo ad arrivare. Riprova.",
    },
    "too_large": {
        "en": "The request's URL or headers are too long.",
        "de": "Die URL oder die Header der Anfrage sind zu lang.",
        "fr": "L’URL ou les en-têtes de la requête sont trop longs.",
        "it": "L’URL o le intestazioni della richiesta sono troppo lunghi.",
    },
    "internal_error": SENTENCES["internal_error"],
    "unavailable": {
        "en": "The server is busy. Please try again shortly.",
        "de": "Der Server ist gerade überlastet. Bitte versuche es gleich noch einmal.",
        "fr": "Le serveur est surchargé en ce moment. Réessaie dans un instant.",
        "it": "Il server è sovraccarico in questo momento. Riprova tra poco.",
    },
}


def bare_response(status: int, head: bytes = b"", *, retry_after_s: int | None = None) -> bytes:
    """Return a complete HTTP response that closes the connection, in the language requested by ``head``."""
    code = _CODES.get(status, "bad_request" if status in (417, 501) else "internal_error")
    wanted = _ACCEPT_LANGUAGE.search(head)
    language = choose_language(wanted[1].decode("latin-1") if wanted is not None else "")
    reason = HTTPStatus(status).phrase
    body = Problem(title=reason, status=status, code=code, detail=_SENTENCES[code][language], request_id=uuid4().hex)
    content = body.model_dump_json(exclude_none=True).encode()
    headers = {
        "Connection": "close",
        "Content-Type": "application/problem+json",
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Content-Length": str(len(content)),
        "X-Request-Id": body.request_id,
        **_common_headers(),
    }
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


@cache
def _common_headers() -> Mapping[str, str]:
    return security_headers(production=get_settings().environment == "production")
