"""Several photographs that make one document: a page for each, in the order of the upload."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from backend.library.errors import FileRefused, FileTooLarge, NotAPhotograph, TooManyPhotographs
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import PHOTOGRAPHS, DocumentFormat, detect_kind
from backend.library.service import IncomingFile
from backend.settings import get_settings

MAX_PHOTOGRAPHS: Final = 100

# The same photographs in the same order are the same bytes, so that they are known as a duplicate.
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
_PIECE_BYTES: Final = 1 << 20


@contextmanager
def combine_photographs(files: Sequence[IncomingFile]) -> Iterator[list[IncomingFile]]:
    """Give photographs as one file, which is gone afterwards; a single one stays as it is.

    Raises TooManyPhotographs, NotAPhotograph, FileRefused, FileTooLarge.
    """
    if len(files) > MAX_PHOTOGRAPHS:
        raise TooManyPhotographs(limit=MAX_PHOTOGRAPHS)
    limit = get_settings().max_upload_bytes
    if sum(file.size_bytes for file in files) > limit:
        raise FileTooLarge(limit_mb=limit // 1_000_000)
    formats = [_photograph_format(file, f"files[{index}]") for index, file in enumerate(files)]
    if len(files) == 1:
        yield list(files)
        return
    with tempfile.NamedTemporaryFile(prefix="photographs-") as made:
        # Photographs are compressed already.
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
            for number, (file, file_format) in enumerate(zip(files, formats, strict=True), 1):
                file.stream.seek(0)
                with archive.open(zipfile.ZipInfo(f"{number:03}.{file_format}", _NO_TIME), "w") as entry:
                    shutil.copyfileobj(file.stream, entry, _PIECE_BYTES)
        size = made.seek(0, 2)
        made.seek(0)
        name = f"{Path(files[0].name).stem}.zip"
        yield [IncomingFile(name, Path(made.name), cast(BinaryIO, made), size, DocumentFormat.PHOTOS)]


def _photograph_format(file: IncomingFile, field: str) -> DocumentFormat:
    try:
        file_format = detect_kind(file.name, file.path)
    except UnreadableFile as error:
        raise FileRefused(error.code, field=field) from None
    if file_format not in PHOTOGRAPHS:
        raise NotAPhotograph(fields={field: []})
    return file_format
