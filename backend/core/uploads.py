"""Request bodies with files: every file part goes to a named temporary file, so that memory stays constant."""

import tempfile
from typing import IO

from flask import Request


class UploadRequest(Request):
    """The request class of the app."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        # The default keeps files under 500 kB in memory and gives larger ones no name to open them by.
        return tempfile.NamedTemporaryFile(prefix="upload-")
