"""Parsing of requests: files via named temporary files, JSON with limits on depth and number of values."""

import shutil
import tempfile
from typing import IO, Any, Final, cast

from flask import Request, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property

from backend.core.errors import DomainError
from backend.core.web.validation_messages import WHOLE_BODY

MAX_JSON_VALUES = 1000
MAX_PARAMETERS = 50
MAX_PARTS = 110
"""Parts of a multipart body: files and fields."""
MAX_PART_HEAD_BYTES = 200_000
"""For the headers of one part of an upload, or a field. A file is written to disk."""

# Twice the length of the longest text that a route accepts. A body with more commas is refused before it is parsed.
_MAX_COMMAS = 50_000

TEXT_TYPES: Final = ("text/markdown", "text/plain")
"""Content types of a text that is the whole body of a request."""

UPLOADED_FILE = {
    "type": "string",
    # OpenAPI 3.1 needs contentMediaType only; many generators still look for the format.
    "format": "binary",
    "contentMediaType": "application/octet-stream",
}
"""How the OpenAPI document describes an uploaded file."""


class InvalidMultipart(DomainError):
    """A multipart body that is incomplete, has no boundary, a part without a name, or names not in UTF-8."""

    code = "invalid_multipart"
    status = 400
    texts = {
        "en": "The upload could not be read. Send complete multipart data, with file names in UTF-8.",
        "de": "Der Upload konnte nicht gelesen werden. Sende vollständige Multipart-Daten mit Dateinamen in UTF-8.",
        "fr": "L’envoi n’a pas pu être lu. Envoie des données multipart complètes, avec des noms de fichiers en UTF-8.",
        "it": "Impossibile leggere il caricamento. Invia dati multipart completi, con nomi di file in UTF-8.",
    }


class TooManyValues(DomainError):
    """A body or a query has more keys and elements than any of our routes accepts."""

    code = "invalid_input"
    status = 422
    texts = {
        "en": "The request has more than {limit} values.",
        "de": "Die Anfrage enthält mehr als {limit} Werte.",
        "fr": "La requête contient plus de {limit} valeurs.",
        "it": "La richiesta contiene più di {limit} valori.",
    }


class BodyTooLarge(DomainError):
    """A body is larger than its route accepts."""

    code = "too_large"
    status = 413
    texts = {
        "en": "The request is larger than {limit_kb} kB. Send less at a time.",
        "de": "Die Anfrage ist grösser als {limit_kb} kB. Sende weniger auf einmal.",
        "fr": "La requête dépasse {limit_kb}\u00a0ko. Envoie moins de données à la fois.",
        "it": "La richiesta supera {limit_kb} kB. Invia meno dati alla volta.",
    }

    def __init__(self, max_bytes: int) -> None:
        super().__init__(limit_kb=max_bytes // 1000)


class UploadTooLarge(DomainError):
    """An upload of all files together is larger than it may be."""

    code = "too_large"
    status = 413
    texts = {
        "en": "The upload is larger than {limit_mb} MB in all. Send fewer files at a time.",
        "de": "Der Upload ist insgesamt grösser als {limit_mb} MB. Sende weniger Dateien auf einmal.",
        "fr": "L’envoi dépasse {limit_mb}\u00a0Mo au total. Envoie moins de fichiers à la fois.",
        "it": "Il caricamento supera in tutto {limit_mb} MB. Invia meno file alla volta.",
    }

    def __init__(self, max_bytes: int) -> None:
        super().__init__(limit_mb=max_bytes // 1_000_000)


class TooManyParts(DomainError):
    """A multipart body has too many parts, or too much in fields and names of files."""

    code = "too_large"
    status = 413
    texts = {
        "en": "An upload has at most {limit} files and fields, and at most {limit_kb} kB in a field or a file name. "
        "Send fewer files at a time.",
        "de": "Ein Upload hat höchstens {limit} Dateien und Felder und höchstens {limit_kb} kB in einem Feld oder "
        "Dateinamen. Sende weniger Dateien auf einmal.",
        "fr": "Un envoi contient au plus {limit} fichiers et champs, et au plus {limit_kb}\u00a0ko dans un champ ou un "
        "nom de fichier. Envoie moins de fichiers à la fois.",
        "it": "Un caricamento contiene al massimo {limit} file e campi, e al massimo {limit_kb} kB in un campo o in un "
        "nome di file. Invia meno file alla volta.",
    }


class _StrictFormDataParser(FormDataParser):
    """Raises if a body cannot be read. The framework's parser would treat it as empty."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:
        """Parse the body. Raises InvalidMultipart or TooManyParts."""
        self.silent = False
        try:
            parsed = super().parse(stream, mimetype, content_length, options)
        except RequestEntityTooLarge:
            # The length of the whole body was checked before.
            raise TooManyParts(limit=MAX_PARTS, limit_kb=MAX_PART_HEAD_BYTES // 1000) from None
        except ValueError:
            raise InvalidMultipart from None
        # Every part must have a name (RFC 7578, 4.2). None would break code that expects a string.
        if any(None in parts for parts in parsed[1:]):
            raise InvalidMultipart
        return parsed


class UploadRequest(Request):
    form_data_parser_class = _StrictFormDataParser

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the body as JSON. Raises TooManyValues, or BadRequest if it is malformed or nested too deeply."""
        too_many = TooManyValues(fields={WHOLE_BODY: []}, limit=MAX_JSON_VALUES)
        if self.get_data(cache=cache).count(b",") > _MAX_COMMAS:
            raise too_many
        try:
            loaded = super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            return None if silent else self.on_json_loading_failed(ValueError("The JSON is nested too deeply."))
        # Validating a value takes a hundred times as long as loading it.
        if _has_more_values_than(MAX_JSON_VALUES, loaded):
            raise too_many
        return loaded

    @cached_property
    def args(self) -> "MultiDict[str, str]":
        """The query parameters. Raises TooManyValues."""
        if self.query_string.count(b"&") >= MAX_PARAMETERS:
            raise TooManyValues(fields={"query": []}, limit=MAX_PARAMETERS)
        return super().args

    @cached_property
    def text_file(self) -> IO[bytes]:
        """The body of a request in one of ``TEXT_TYPES``, in a named temporary file."""
        file = self._get_file_stream(self.content_length, self.mimetype)
        shutil.copyfileobj(self.stream, file)
        file.seek(0)
        return file

    def close(self) -> None:
        """Close the request's files."""
        super().close()
        if "text_file" in self.__dict__:
            self.text_file.close()

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        # The default keeps files under 500 kB in memory and gives larger ones no name to open them by.
        return tempfile.NamedTemporaryFile(prefix="upload-")


def get_text_file() -> IO[bytes]:
    """Return the current request's ``text_file``."""
    return cast(UploadRequest, request).text_file


def _has_more_values_than(limit: int, loaded: object) -> bool:
    """Tell whether JSON has more keys and elements than ``limit``, at any depth. Stops counting there."""
    count, left = 0, [loaded]
    while left:
        value = left.pop()
        if isinstance(value, dict | list):
            count += len(value)
            if count > limit:
                return True
            left.extend(value.values() if isinstance(value, dict) else value)
    return False
