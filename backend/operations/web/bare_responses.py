"""Answers that the server gives without the application: in the shape of all others and with the same headers.

gunicorn's own are pages of HTML that quote the request, and its log lines quote it as well, whatever it holds.
"""

import re
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from uuid import uuid4

from backend.core.web.http import Problem, choose_language
from backend.core.web.security_headers import security_headers
from backend.settings import get_settings

# As much of it as a browser ever sends: a flood of refusals shall not wait for endless lists.
_ACCEPT_LANGUAGE = re.compile(rb"\r\naccept-language:[ \t]*([^\r\n]{1,200})", re.IGNORECASE)
_CODES = {400: "bad_request", 408: "request_timeout", 414: "too_large", 431: "too_large", 503: "unavailable"}
_SENTENCES: Mapping[str, Mapping[str, str]] = {
    "bad_request": {
        "en": "The request could not be understood.",
        "de": "Die Anfrage war nicht verständlich.",
        "fr": "La requête n’a pas pu être comprise.",
        "it": "La richiesta non è comprensibile.",
    },
    "request_timeout": {
        "en": "The request took too long to arrive.",
        "de": "Die Anfrage kam zu langsam an.",
        "fr": "La requête a mis trop de temps à arriver.",
        "it": "La richiesta ha impiegato troppo tempo ad arrivare.",
    },
    "too_large": {
        "en": "The address or the headers of the request are too long.",
        "de": "Die Adresse oder die Header der Anfrage sind zu lang.",
        "fr": "L’adresse ou les en-têtes de la requête sont trop longs.",
        "it": "L’indirizzo o le intestazioni della richiesta sono troppo lunghi.",
    },
    "internal_error": {
        "en": "Something went wrong on our side.",
        "de": "Bei uns ist etwas schiefgegangen.",
        "fr": "Une erreur s’est produite de notre côté.",
        "it": "Qualcosa è andato storto da parte nostra.",
    },
    "unavailable": {
        "en": "The server has too much to do at the moment. Please try again shortly.",
        "de": "Der Server ist gerade überlastet. Bitte versuche es gleich noch einmal.",
        "fr": "Le serveur est surchargé en ce moment. Réessaie dans quelques instants.",
        "it": "Il server è sovraccarico in questo momento. Riprova tra poco.",
    },
}


def bare_response(status: int, head: bytes = b"", *, retry_after_s: int | None = None) -> bytes:
    """Return a whole answer, after which the connection is closed; in the language that the request's head asks for."""
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
