"""What a user reads about a field that is not valid, by the validator's type of error.

The types and what their contexts hold are those of pydantic: https://docs.pydantic.dev/latest/errors/validation_errors/
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
    "en": "This must be a whole number.",
    "de": "Das muss eine ganze Zahl sein.",
    "fr": "Il faut un nombre entier.",
    "it": "Deve essere un numero intero.",
}
_SMALL_NUMBER: _Texts = {
    "en": "This number is too large.",
    "de": "Diese Zahl ist zu gross.",
    "fr": "Ce nombre est trop grand.",
    "it": "Questo numero è troppo grande.",
}
_BOOLEAN: _Texts = {
    "en": "This must be true or false.",
    "de": "Das muss true oder false sein.",
    "fr": "Il faut true ou false.",
    "it": "Deve essere true o false.",
}
_OBJECT: _Texts = {
    "en": "This must be a JSON object.",
    "de": "Das muss ein JSON-Objekt sein.",
    "fr": "Il faut un objet JSON.",
    "it": "Deve essere un oggetto JSON.",
}
_ID: _Texts = {
    "en": "This must be an id (a UUID).",
    "de": "Das muss eine ID (eine UUID) sein.",
    "fr": "Il faut un identifiant (un UUID).",
    "it": "Deve essere un ID (un UUID).",
}
_CHOICE: _Texts = {
    "en": "This must be one of: {expected}.",
    "de": "Das muss eines davon sein: {expected}.",
    "fr": "Il faut l’une de ces valeurs\u00a0: {expected}.",
    "it": "Deve essere uno di questi valori: {expected}.",
}
_TEXTS: Mapping[str, _Texts] = {
    "missing": {
        "en": "This field is required.",
        "de": "Dieses Feld ist nötig.",
        "fr": "Ce champ est obligatoire.",
        "it": "Questo campo è obbligatorio.",
    },
    "extra_forbidden": {
        "en": "This field is not known here.",
        "de": "Dieses Feld gibt es hier nicht.",
        "fr": "Ce champ n’existe pas ici.",
        "it": "Questo campo non esiste qui.",
    },
    "string_type": {
        "en": "This must be a text.",
        "de": "Das muss ein Text sein.",
        "fr": "Il faut un texte.",
        "it": "Deve essere un testo.",
    },
    "string_unicode": {
        "en": "This is not valid Unicode text.",
        "de": "Das ist kein gültiger Unicode-Text.",
        "fr": "Ce n’est pas un texte Unicode valide.",
        "it": "Non è un testo Unicode valido.",
    },
    "string_too_short": {
        "en": "This text is too short; the minimum number of characters is {min_length}.",
        "de": "Dieser Text ist zu kurz; er braucht mindestens {min_length} Zeichen.",
        "fr": "Ce texte est trop court\u202f; le nombre minimal de caractères est de {min_length}.",
        "it": "Questo testo è troppo corto; il numero minimo di caratteri è {min_length}.",
    },
    "string_too_long": {
        "en": "This text is too long; the maximum number of characters is {max_length}.",
        "de": "Dieser Text ist zu lang; er darf höchstens {max_length} Zeichen haben.",
        "fr": "Ce texte est trop long\u202f; le nombre maximal de caractères est de {max_length}.",
        "it": "Questo testo è troppo lungo; il numero massimo di caratteri è {max_length}.",
    },
    "string_pattern_mismatch": {
        "en": "This text does not have the expected form.",
        "de": "Dieser Text hat nicht die erwartete Form.",
        "fr": "Ce texte n’a pas la forme attendue.",
        "it": "Questo testo non ha la forma prevista.",
    },
    _NUL: {
        "en": "The character U+0000 is not allowed.",
        "de": "Das Zeichen U+0000 ist nicht erlaubt.",
        "fr": "Le caractère U+0000 n’est pas autorisé.",
        "it": "Il carattere U+0000 non è consentito.",
    },
    "too_short": {
        "en": "This list is too short; the minimum number of entries is {min_length}.",
        "de": "Diese Liste ist zu kurz; die kleinste Zahl von Einträgen ist {min_length}.",
        "fr": "Cette liste est trop courte\u202f; le nombre minimal d’éléments est de {min_length}.",
        "it": "Questo elenco è troppo corto; il numero minimo di elementi è {min_length}.",
    },
    "too_long": {
        "en": "This list is too long; the maximum number of entries is {max_length}.",
        "de": "Diese Liste ist zu lang; die grösste Zahl von Einträgen ist {max_length}.",
        "fr": "Cette liste est trop longue\u202f; le nombre maximal d’éléments est de {max_length}.",
        "it": "Questo elenco è troppo lungo; il numero massimo di elementi è {max_length}.",
    },
    "list_type": {
        "en": "This must be a list.",
        "de": "Das muss eine Liste sein.",
        "fr": "Il faut une liste.",
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
        "en": "This must be at least {ge}.",
        "de": "Das muss mindestens {ge} sein.",
        "fr": "La valeur doit être d’au moins {ge}.",
        "it": "Deve essere almeno {ge}.",
    },
    "less_than_equal": {
        "en": "This must be at most {le}.",
        "de": "Das darf höchstens {le} sein.",
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
        "en": "There is no such time zone. A name looks like Europe/Zurich.",
        "de": "Diese Zeitzone gibt es nicht. Ein Name sieht aus wie Europe/Zurich.",
        "fr": "Ce fuseau horaire n’existe pas. Un nom ressemble à Europe/Zurich.",
        "it": "Questo fuso orario non esiste. Un nome è fatto come Europe/Zurich.",
    },
}


def nul_refused() -> PydanticCustomError:
    """Return the error of a validator that met U+0000."""
    return PydanticCustomError(_NUL, "The character U+0000 is not allowed.")


def field_messages(error: ValidationError, language: str) -> dict[str, list[str]]:
    """Return the sentences in ``language`` by the path of the field, such as ``options.0.text``.

    What is wrong with the input as a whole stands under ``body``. Only the first ``MAX_ERRORS_NAMED`` are named,
    because each costs more to answer than to send.
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
        # Pydantic writes an English "or" before the last of the values.
        facts["expected"] = str(facts["expected"]).replace(" or ", ", ")
    return _TEXTS.get(details["type"], _FALLBACK)[language].format(**facts)
