"""How request bodies are read: files by way of named temporary files, JSON only as deep as can be handled."""

import tempfile
from typing import IO, Any

from flask import Request


class UploadRequest(Request):
    """The request class of the app."""

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
