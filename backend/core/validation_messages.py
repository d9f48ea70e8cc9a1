"""What a user reads about a field that is not valid, by the validator's type of error.

The types and what their contexts hold are those of pydantic: https://docs.pydantic.dev/latest/errors/validation_errors/
"""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

WHOLE_BODY = "body"

_NUL = "nul_character"

_Texts = Mapping[str, str]

_FALLBACK: _Texts = {"en": "This value is not valid.", "de": "Dieser Wert ist ungültig."}
_NUMBER: _Texts = {"en": "This must be a whole number.", "de": "Das muss eine ganze Zahl sein."}
_SMALL_NUMBER: _Texts = {"en": "This number is too large.", "de": "Diese Zahl ist zu gross."}
_BOOLEAN: _Texts = {"en": "This must be true or false.", "de": "Das muss true oder false sein."}
_OBJECT: _Texts = {"en": "This must be a JSON object.", "de": "Das muss ein JSON-Objekt sein."}
_ID: _Texts = {"en": "This must be an id (a UUID).", "de": "Das muss eine ID (eine UUID) sein."}
_CHOICE: _Texts = {"en": "This must be one of: {expected}.", "de": "Das muss eines davon sein: {expected}."}
_TEXTS: Mapping[str, _Texts] = {
    "missing": {"en": "This field is required.", "de": "Dieses Feld ist nötig."},
    "extra_forbidden": {"en": "This field is not known here.", "de": "Dieses Feld gibt es hier nicht."},
    "string_type": {"en": "This must be a text.", "de": "Das muss ein Text sein."},
    "string_unicode": {"en": "This is not valid Unicode text.", "de": "Das ist kein gültiger Unicode-Text."},
    "string_too_short": {
        "en": "This text is too short; the minimum number of characters is {min_length}.",
        "de": "Dieser Text ist zu kurz; er braucht mindestens {min_length} Zeichen.",
    },
    "string_too_long": {
        "en": "This text is too long; the maximum number of characters is {max_length}.",
        "de": "Dieser Text ist zu lang; er darf höchstens {max_length} Zeichen haben.",
    },
    "string_pattern_mismatch": {
        "en": "This text does not have the expected form.",
        "de": "Dieser Text hat nicht die erwartete Form.",
    },
    _NUL: {
        "en": "The character U+0000 is not allowed.",
        "de": "Das Zeichen U+0000 ist nicht erlaubt.",
    },
    "too_short": {
        "en": "This list is too short; the minimum number of entries is {min_length}.",
        "de": "Diese Liste ist zu kurz; die kleinste Zahl von Einträgen ist {min_length}.",
    },
    "too_long": {
        "en": "This list is too long; the maximum number of entries is {max_length}.",
        "de": "Diese Liste ist zu lang; die grösste Zahl von Einträgen ist {max_length}.",
    },
    "list_type": {"en": "This must be a list.", "de": "Das muss eine Liste sein."},
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "int_parsing_size": _SMALL_NUMBER,
    "greater_than_equal": {"en": "This must be at least {ge}.", "de": "Das muss mindestens {ge} sein."},
    "less_than_equal": {"en": "This must be at most {le}.", "de": "Das darf höchstens {le} sein."},
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "enum": _CHOICE,
    "literal_error": _CHOICE,
    "uuid_type": _ID,
    "uuid_parsing": _ID,
    "uuid_version": _ID,
}


def nul_refused() -> PydanticCustomError:
    """Return the error of a validator that met U+0000."""
    return PydanticCustomError(_NUL, "The character U+0000 is not allowed.")


def field_messages(error: ValidationError, language: str) -> dict[str, list[str]]:
    """Return the sentences in ``language`` (``en``, ``de``) by the path of the field, such as ``options.0.text``.

    What is wrong with the input as a whole stands under ``body``.
    """
    messages: dict[str, list[str]] = {}
    for details in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in details["loc"]) or WHOLE_BODY
        messages.setdefault(field, []).append(_sentence(details, language))
    return messages


def _sentence(details: ErrorDetails, language: str) -> str:
    facts = dict(details.get("ctx", {}))
    if "expected" in facts:
        # Pydantic writes an English "or" before the last of the values.
        facts["expected"] = str(facts["expected"]).replace(" or ", ", ")
    return _TEXTS.get(details["type"], _FALLBACK)[language].format(**facts)
