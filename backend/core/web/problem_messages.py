"""Messages for errors that do not come from a room, by status and code."""

from collections.abc import Mapping

from backend.core.errors import Unavailable

ANY_CODE = "error"
"""The code for any other status."""

_CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_input",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
SENTENCES: Mapping[str, Mapping[str, str]] = {
    "bad_request": {
        "en": "The request is malformed.",
        "de": "Die Anfrage ist fehlerhaft.",
        "fr": "La requête est incorrecte.",
        "it": "La richiesta non è corretta.",
    },
    "invalid_json": {
        "en": "The request body is not valid JSON.",
        "de": "Der Inhalt der Anfrage ist kein gültiges JSON.",
        "fr": "Le contenu de la requête n’est pas du JSON valide.",
        "it": "Il contenuto della richiesta non è JSON valido.",
    },
    "unauthorized": {
        "en": "Please sign in.",
        "de": "Bitte melde dich an.",
        "fr": "Connecte-toi pour continuer.",
        "it": "Accedi per continuare.",
    },
    "forbidden": {
        "en": "This is not allowed.",
        "de": "Das ist nicht erlaubt.",
        "fr": "Ce n’est pas autorisé.",
        "it": "Non è consentito.",
    },
    "not_found": {
        "en": "Not found.",
        "de": "Nicht gefunden.",
        "fr": "Introuvable.",
        "it": "Non trovato.",
    },
    "method_not_allowed": {
        "en": "This address does not support the request method.",
        "de": "Diese Adresse unterstützt die Methode der Anfrage nicht.",
        "fr": "Cette adresse n’accepte pas la méthode de la requête.",
        "it": "Questo indirizzo non supporta il metodo della richiesta.",
    },
    "not_acceptable": {
        "en": "The requested format is not available.",
        "de": "Das gewünschte Format ist nicht verfügbar.",
        "fr": "Le format demandé n’est pas disponible.",
        "it": "Il formato richiesto non è disponibile.",
    },
    "length_required": {
        "en": "The request needs a Content-Length header.",
        "de": "Die Anfrage braucht einen Content-Length-Header.",
        "fr": "La requête doit avoir un en-tête Content-Length.",
        "it": "La richiesta deve avere un’intestazione Content-Length.",
    },
    "too_large": {
        "en": "The request is too large.",
        "de": "Die Anfrage ist zu gross.",
        "fr": "La requête est trop volumineuse.",
        "it": "La richiesta è troppo grande.",
    },
    "unsupported_media_type": {
        "en": "This content type is not supported.",
        "de": "Dieser Inhaltstyp wird nicht unterstützt.",
        "fr": "Ce type de contenu n’est pas pris en charge.",
        "it": "Questo tipo di contenuto non è supportato.",
    },
    "invalid_input": {
        "en": "Some fields are not valid.",
        "de": "Einige Felder sind ungültig.",
        "fr": "Certains champs ne sont pas valides.",
        "it": "Alcuni campi non sono validi.",
    },
    "too_many_requests": {
        "en": "Too many requests. Please wait a moment and try again.",
        "de": "Zu viele Anfragen. Bitte warte einen Moment und versuche es noch einmal.",
        "fr": "Trop de requêtes. Patiente un instant, puis réessaie.",
        "it": "Troppe richieste. Attendi un momento e riprova.",
    },
    "internal_error": {
        "en": "Something went wrong on our side. If you contact us, please include the request ID.",
        "de": "Bei uns ist etwas schiefgelaufen. Wenn du uns schreibst, gib bitte die Request-ID an.",
        "fr": "Une erreur s’est produite de notre côté. Si tu nous écris, indique l’identifiant de la requête.",
        "it": "Qualcosa è andato storto da parte nostra. Se ci scrivi, indica l’ID della richiesta.",
    },
    "unavailable": Unavailable.texts,
}


def code_of(status: int) -> str:
    """Return the stable code of an HTTP status."""
    return _CODES.get(status, ANY_CODE)


def sentence(code: str, language: str) -> str:
    """Return the message for a code, or a general one if the code has none."""
    return SENTENCES.get(code, SENTENCES["bad_request"])[language]
