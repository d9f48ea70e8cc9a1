"""What a user reads about a request that did not reach a room, or ended in none of its errors, by status and code."""

from collections.abc import Mapping

ANY_CODE = "error"
"""The code of a status that has none of its own."""

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
        "en": "The request could not be understood.",
        "de": "Die Anfrage war nicht verständlich.",
        "fr": "La requête n’a pas pu être comprise.",
        "it": "Non è stato possibile capire la richiesta.",
    },
    "invalid_json": {
        "en": "The body is not valid JSON.",
        "de": "Der Inhalt ist kein gültiges JSON.",
        "fr": "Le contenu n’est pas du JSON valide.",
        "it": "Il contenuto non è JSON valido.",
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
        "en": "There is nothing here.",
        "de": "Hier gibt es nichts.",
        "fr": "Il n’y a rien ici.",
        "it": "Qui non c’è nulla.",
    },
    "method_not_allowed": {
        "en": "This method is not available here.",
        "de": "Diese Methode gibt es hier nicht.",
        "fr": "Cette méthode n’est pas disponible ici.",
        "it": "Questo metodo non è disponibile qui.",
    },
    "not_acceptable": {
        "en": "This format is not available here.",
        "de": "Dieses Format gibt es hier nicht.",
        "fr": "Ce format n’est pas disponible ici.",
        "it": "Questo formato non è disponibile qui.",
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
        "en": "This content type is not accepted here.",
        "de": "Dieser Inhaltstyp wird hier nicht angenommen.",
        "fr": "Ce type de contenu n’est pas accepté ici.",
        "it": "Questo tipo di contenuto non è accettato qui.",
    },
    "invalid_input": {
        "en": "Some fields are not valid.",
        "de": "Einige Felder sind ungültig.",
        "fr": "Certains champs ne sont pas valides.",
        "it": "Alcuni campi non sono validi.",
    },
    "too_many_requests": {
        "en": "Too many requests.",
        "de": "Zu viele Anfragen.",
        "fr": "Trop de requêtes.",
        "it": "Troppe richieste.",
    },
    "internal_error": {
        "en": "Something went wrong on our side. Please quote the request id if you write to us.",
        "de": "Bei uns ist etwas schiefgegangen. Nenne bitte die Request-ID, wenn du uns schreibst.",
        "fr": "Une erreur s’est produite de notre côté. Si tu nous écris, indique l’identifiant de la requête.",
        "it": "Qualcosa è andato storto da parte nostra. Se ci scrivi, indica l’ID della richiesta.",
    },
    "unavailable": {
        "en": "The service is briefly unavailable. Please try again.",
        "de": "Der Dienst ist kurz nicht verfügbar. Bitte versuche es noch einmal.",
        "fr": "Le service est momentanément indisponible. Réessaie dans un instant.",
        "it": "Il servizio è momentaneamente non disponibile. Riprova tra poco.",
    },
}


def code_of(status: int) -> str:
    """Return the stable code for an HTTP status."""
    return _CODES.get(status, ANY_CODE)


def sentence(code: str, language: str) -> str:
    """Return the sentence for a code in ``language``, or one that fits any."""
    return SENTENCES.get(code, SENTENCES["bad_request"])[language]
