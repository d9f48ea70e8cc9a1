"""Reads photographs: one page for a picture, or for each picture of an archive that an upload combined."""

import zipfile
from functools import partial
from typing import Any

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.ocr.photographs import open_picture
from backend.library.extraction.ocr.recognised import Recognised
from backend.library.extraction.ocr.recognition import TextRecognition
from backend.library.extraction.page_writer import PageWriter

_ARCHIVE = "photos"


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write a page for each picture of the file at ``path``.

    A damaged or too large picture among several is not readable. Raises UnreadableFile (damaged, image_too_large,
    photo_not_readable, ocr_too_slow, too_large).
    """
    recognition = TextRecognition(job, writer)
    if job["format"] == _ARCHIVE:
        is_read = [_write(found, writer) for found in _read_archive(path, recognition, writer)]
    else:
        with open(path, "rb") as file:
            is_read = [_write(recognition.read(partial(open_picture, file)), writer)]
    if not any(is_read):
        raise UnreadableFile("ocr_too_slow" if recognition.timed_out else "photo_not_readable")


def _read_archive(path: str, recognition: TextRecognition, writer: PageWriter) -> Any:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise UnreadableFile("damaged") from None
    with archive:
        entries = archive.infolist()
        writer.expect(len(entries))
        for entry in entries:
            try:
                with archive.open(entry) as file:
                    found = recognition.read(partial(open_picture, file))
            except (UnreadableFile, zipfile.BadZipFile):
                found = None
            yield found


def _write(found: Recognised | None, writer: PageWriter) -> bool:
    """Write a page; return whether it has text."""
    if found is None:
        writer.write("", skipped="not_readable")
        return False
    if found.unread:
        writer.warn("ocr_parts_unread", found.unread)
    writer.write(found.text, source="ocr", confidence=found.confidence)
    return bool(found.text)
