"""How request bodies are read: files by way of named temporary files, JSON only as deep as can be handled."""

import tempfile
from typing import IO, Any

from flask import Request
from werkzeug.formparser import FormDataParser

from backend.core.errors import DomainError


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


class _StrictFormDataParser(FormDataParser):
    """Raises if a body cannot be read. The framework's parser would treat it as empty."""

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
        # Every part must have a name (RFC 7578, 4.2). None would break code that expects a string.
        if any(None in parts for parts in parsed[1:]):
            raise InvalidMultipart
        return parsed


class UploadRequest(Request):
    form_data_parser_class = _StrictFormDataParser

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the body as JSON. Raises BadRequest if it is malformed or nested too deeply."""
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            return None if silent else self.on_json_loading_failed(ValueError("The JSON is nested too deeply."))

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        # The default keeps files under 500 kB in memory and gives larger ones no name to open them by.
        return tempfile.NamedTemporaryFile(prefix="upload-")
