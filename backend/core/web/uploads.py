"""How request bodies are read: files by way of named temporary files, JSON only as deep as can be handled."""

import tempfile
from typing import IO, Any

from flask import Request
from werkzeug.formparser import FormDataParser

from backend.core.errors import DomainError

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
        """Return the body as JSON. Raises BadRequest, also for JSON that is nested too deeply to be read."""
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
