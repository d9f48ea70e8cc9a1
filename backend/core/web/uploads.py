"""How requests are read: files by way of named temporary files, JSON only as deep and as large as can be handled."""

import tempfile
from typing import IO, Any

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property

from backend.core.errors import DomainError
from backend.core.web.validation_messages import WHOLE_BODY

MAX_JSON_VALUES = 1000
MAX_PARAMETERS = 50

# Twice as many as the longest texts of any route have characters. Beyond that a body is not even loaded.
_MAX_COMMAS = 50_000

UPLOADED_FILE = {
    "type": "string",
    # OpenAPI 3.1 needs contentMediaType only; many generators still look for the format.
    "format": "binary",
    "contentMediaType": "application/octet-stream",
}
"""How the OpenAPI document describes an uploaded file."""


class InvalidMultipart(DomainError):
    """A multipart body that is cut, has no boundary, a part without a name, or names in another encoding than UTF-8."""

    code = "invalid_multipart"
    status = 400
    texts = {
        "en": "The upload could not be read. Names of files must be in UTF-8, and the body must be complete multipart.",
        "de": "Der Upload war nicht lesbar. Dateinamen müssen in UTF-8 stehen, und der Inhalt muss vollständiges "
        "Multipart sein.",
        "fr": "L’envoi n’a pas pu être lu. Les noms des fichiers doivent être en UTF-8, et le contenu doit "
        "être un multipart complet.",
        "it": "Non è stato possibile leggere il caricamento. I nomi dei file devono essere in UTF-8 e il "
        "contenuto deve essere un multipart completo.",
    }


class TooManyValues(DomainError):
    """A body or a query has more keys and elements than any route of ours takes."""

    code = "invalid_input"
    status = 422
    texts = {
        "en": "The request has more than {limit} values.",
        "de": "Die Anfrage enthält mehr als {limit} Werte.",
        "fr": "La requête contient plus de {limit} valeurs.",
        "it": "La richiesta contiene più di {limit} valori.",
    }


class _StrictFormDataParser(FormDataParser):
    """Says that a body cannot be read, where the framework's own takes it for an empty one."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:
        """Parse the body. Raises InvalidMultipart."""
        self.silent = False
        try:
            parsed = super().parse(stream, mimetype, content_length, options)
        except ValueError:
            raise InvalidMultipart from None
        # Every part must have a name (RFC 7578, 4.2); one of None is not a string to whoever reads it.
        if any(None in parts for parts in parsed[1:]):
            raise InvalidMultipart
        return parsed


class UploadRequest(Request):
    """The request class of the app."""

    form_data_parser_class = _StrictFormDataParser

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the body as JSON. Raises TooManyValues, and BadRequest also for JSON that is nested too deeply."""
        too_many = TooManyValues(fields={WHOLE_BODY: []}, limit=MAX_JSON_VALUES)
        if self.get_data(cache=cache).count(b",") > _MAX_COMMAS:
            raise too_many
        try:
            loaded = super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            return None if silent else self.on_json_loading_failed(ValueError("The JSON is nested too deeply."))
        # Checking and naming a value takes a hundred times as long as loading it.
        if _has_more_values_than(MAX_JSON_VALUES, loaded):
            raise too_many
        return loaded

    @cached_property
    def args(self) -> "MultiDict[str, str]":
        """The parameters of the query. Raises TooManyValues."""
        if self.query_string.count(b"&") >= MAX_PARAMETERS:
            raise TooManyValues(fields={"query": []}, limit=MAX_PARAMETERS)
        return super().args

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        # The default keeps files under 500 kB in memory and gives larger ones no name to open them by.
        return tempfile.NamedTemporaryFile(prefix="upload-")


def _has_more_values_than(limit: int, loaded: object) -> bool:
    """Tell whether JSON has more keys and elements than ``limit``, at any depth; looks at no more than that."""
    count, left = 0, [loaded]
    while left:
        value = left.pop()
        if isinstance(value, dict | list):
            count += len(value)
            if count > limit:
                return True
            left.extend(value.values() if isinstance(value, dict) else value)
    return False
