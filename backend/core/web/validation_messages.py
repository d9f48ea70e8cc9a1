"""Messages about invalid fields, by the type of pydantic's error.

Types and the facts in their contexts: https://docs.pydantic.dev/latest/errors/validation_errors/
"""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

WHOLE_BODY = "body"
MAX_ERRORS_NAMED = 20

# A field's name is the caller's own text, and comes back in the response.
_MAX_FIELD_CHARS = 100

_NUL = "nul_character"
TIME_ZONE = "time_zone_unknown"

_Texts = Mapping[str, str]

_FALLBACK: _Texts = {
    "en": "This value is not valid.",
    "de": "Dieser Wert ist ungültig.",
    "fr": "Cette valeur n’est pas valide.",
    "it": "Questo valore non è valido.",
}
_ONLY_SOME: _Texts = {
    "en": "Only {named} of {count} errors are listed.",
    "de": "Aufgeführt sind nur {named} von {count} Fehlern.",
    "fr": "Seules {named} erreurs sur {count} sont indiquées.",
    "it": "Sono elencati solo {named} errori su {count}.",
}
_NUMBER: _Texts = {
    "en": "Must be a whole number.",
    "de": "Muss eine ganze Zahl sein.",
    "fr": "Doit être un nombre entier.",
    "it": "Deve essere un numero intero.",
}
_SMALL_NUMBER: _Texts = {
    "en": "This number is too large.",
    "de": "Diese Zahl ist zu gross.",
    "fr": "Ce nombre est trop grand.",
    "it": "Questo numero è troppo grande.",
}
_BOOLEAN: _Texts = {
    "en": "Must be true or false.",
    "de": "Muss true oder false sein.",
    "fr": "Doit être true ou false.",
    "it": "Deve essere true o false.",
}
_OBJECT: _Texts = {
    "en": "Must be a JSON object.",
    "de": "Muss ein JSON-Objekt sein.",
    "fr": "Doit être un objet JSON.",
    "it": "Deve essere un oggetto JSON.",
}
_ID: _Texts = {
    "en": "Must be an ID (UUID).",
    "de": "Muss eine ID (UUID) sein.",
    "fr": "Doit être un identifiant (UUID).",
    "it": "Deve essere un ID (UUID).",
}
_CHOICE: _Texts = {
    "en": "Must be one of: {expected}.",
    "de": "Muss einer dieser Werte sein: {expected}.",
    "fr": "Doit être l’une de ces valeurs\u00a0: {expected}.",
    "it": "Deve essere uno di questi valori: {expected}.",
}
_TEXTS: Mapping[str, _Texts] = {
    "missing": {
        "en": "This field is required.",
        "de": "Dieses Feld ist erforderlich.",
        "fr": "Ce champ est obligatoire.",
        "it": "Questo campo è obbligatorio.",
    },
    "extra_forbidden": {
        "en": "Unknown field.",
        "de": "Unbekanntes Feld.",
        "fr": "Champ inconnu.",
        "it": "Campo sconosciuto.",
    },
    "string_type": {
        "en": "Must be text.",
        "de": "Muss ein Text sein.",
        "fr": "Doit être un texte.",
        "it": "Deve essere un testo.",
    },
    "string_unicode": {
        "en": "This is not valid Unicode text.",
        "de": "Das ist kein gültiger Unicode-Text.",
        "fr": "Ce n’est pas un texte Unicode valide.",
        "it": "Non è un testo Unicode valido.",
    },
    "string_too_short": {
        "en": "Too short. Minimum number of characters: {min_length}.",
        "de": "Zu kurz. Mindestens {min_length} Zeichen.",
        "fr": "Trop court. Nombre minimal de caractères\u00a0: {min_length}.",
        "it": "Troppo corto. Numero minimo di caratteri: {min_length}.",
    },
    "string_too_long": {
        "en": "Too long. Maximum number of characters: {max_length}.",
        "de": "Zu lang. Höchstens {max_length} Zeichen.",
        "fr": "Trop long. Nombre maximal de caractères\u00a0: {max_length}.",
        "it": "Troppo lungo. Numero massimo di caratteri: {max_length}.",
    },
    "string_pattern_mismatch": {
        "en": "Does not have the expected format.",
        "de": "Hat nicht das erwartete Format.",
        "fr": "Le format n’est pas celui attendu.",
        "it": "Il formato non è quello previsto.",
    },
    _NUL: {
        "en": "The character U+0000 is not allowed.",
        "de": "Das Zeichen U+0000 ist nicht erlaubt.",
        "fr": "Le caractère U+0000 n’est pas autorisé.",
        "it": "Il carattere U+0000 non è consentito.",
    },
    "too_short": {
        "en": "Too few entries. Minimum: {min_length}.",
        "de": "Zu wenige Einträge. Mindestens {min_length}.",
        "fr": "Pas assez d’éléments. Minimum\u00a0: {min_length}.",
        "it": "Troppo pochi elementi. Minimo: {min_length}.",
    },
    "too_long": {
        "en": "Too many entries. Maximum: {max_length}.",
        "de": "Zu viele Einträge. Höchstens {max_length}.",
        "fr": "Trop d’éléments. Maximum\u00a0: {max_length}.",
        "it": "Troppi elementi. Massimo: {max_length}.",
    },
    "list_type": {
        "en": "Must be a list.",
        "de": "Muss eine Liste sein.",
        "fr": "Doit être une liste.",
        "it": "Deve essere un elenco.",
    },
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "int_parsing_size": _SMALL_NUMBER,
    "greater_than_equal": {
        "en": "Must be at least {ge}.",
        "de": "Muss mindestens {ge} sein.",
        "fr": "La valeur doit être d’au moins {ge}.",
        "it": "Deve essere almeno {ge}.",
    },
    "less_than_equal": {
        "en": "Must be at most {le}.",
        "de": "Darf höchstens {le} sein.",
        "fr": "La valeur ne doit pas dépasser {le}.",
        "it": "Può essere al massimo {le}.",
    },
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "enum": _CHOICE,
    "literal_error": _CHOICE,
    "uuid_type": _ID,
    "uuid_parsing": _ID,
    "uuid_version": _ID,
    TIME_ZONE: {
        "en": "Unknown time zone. Use a name such as Europe/Zurich.",
        "de": "Unbekannte Zeitzone. Verwende einen Namen wie Europe/Zurich.",
        "fr": "Fuseau horaire inconnu. Utilise un nom comme Europe/Zurich.",
        "it": "Fuso orario sconosciuto. Usa un nome come Europe/Zurich.",
    },
}


def nul_refused() -> PydanticCustomError:
    """Return the error for a validator to raise on U+0000."""
    return PydanticCustomError(_NUL, "The character U+0000 is not allowed.")


def field_messages(error: ValidationError, language: str) -> dict[str, list[str]]:
    """Return the messages in `language` by the path of the field, such as ``options.0.text``.

    Errors of the input as a whole are under ``body``. Only the first ``MAX_ERRORS_NAMED`` are named, because each costs
    more to answer than to send.
    """
    messages: dict[str, list[str]] = {}
    for details in error.errors(include_url=False, include_input=False)[:MAX_ERRORS_NAMED]:
        field = ".".join(str(part) for part in details["loc"]) or WHOLE_BODY
        if len(field) > _MAX_FIELD_CHARS:
            field = f"{field[:_MAX_FIELD_CHARS]}…"
        messages.setdefault(field, []).append(_sentence(details, language))
    return messages


def unnamed_errors(error: ValidationError, language: str) -> str | None:
    """Return a sentence that says how many errors ``field_messages`` leaves out, or None when it names them all."""
    count = error.error_count()
    if count <= MAX_ERRORS_NAMED:
        return None
    return _ONLY_SOME[language].format(named=MAX_ERRORS_NAMED, count=count)


def _sentence(details: ErrorDetails, language: str) -> str:
    facts = dict(details.get("ctx", {}))
    if "expected" in facts:
        # Pydantic puts an English "or" before the last value.
        facts["expected"] = str(facts["expected"]).replace(" or ", ", ")
    return _TEXTS.get(details["type"], _FALLBACK)[language].format(**facts)
