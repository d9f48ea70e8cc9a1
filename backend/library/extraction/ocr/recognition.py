"""Recognises the text of pages and pictures, within the limits of a document."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.ocr.recognised import BLANK, Recognised, parse_words
from backend.library.extraction.ocr.slots import RecognitionSlots
from backend.library.extraction.ocr.tesseract import RecognitionTimedOut, Tesseract
from backend.library.extraction.page_writer import PageWriter
from backend.library.types import OCR_TRUSTED

if TYPE_CHECKING:
    # The child that reads a PDF needs no parser of XML.
    from backend.library.extraction.office_package import OfficePackage

# The rest of the allowance of a page is for rendering or decoding it.
_TESSERACT_SHARE: Final = 0.8
_MIN_TRY_S: Final = 1.0
# Tesseract tells which way up a page is by its letters; with fewer it cannot.
_ORIENTED_LETTERS: Final = 40
_OTHER_TURNS: Final = (180, 90, 270)


class TextRecognition:
    """Reads at most ``ocr_max_pages`` images of a document."""

    def __init__(self, job: dict[str, Any], writer: PageWriter) -> None:
        self._job = job
        self._writer = writer
        self._pages_left = int(job["ocr_max_pages"])
        self._slots = RecognitionSlots(job["ocr_slots"], job["ocr_wait_s"])
        self.timed_out = False
        """Whether the time for an image ran out before it was read."""

    @cached_property
    def _tesseract(self) -> Tesseract:
        return Tesseract.find(self._job["ocr_languages"])

    @property
    def has_pages_left(self) -> bool:
        """Whether another page can be read: Tesseract has a language, and the limit is not reached."""
        return self._pages_left > 0 and bool(self._tesseract.languages)

    def read(self, make_image: Callable[[], Any]) -> Recognised | None:
        """Return what can be read in an image of Pillow's, no text for a blank one.

        None if it is not readable, took too long (with a warning), or no more pages may be read. The image is made only
        once it is this page's turn.
        """
        if not self.has_pages_left:
            return None
        self._pages_left -= 1
        with self._slots.take(lambda: self._writer.send({"waiting": True})):
            # Announced before the work starts, so that the parent extends its deadline.
            self._writer.send({"ocr": self._writer.next_number})
            try:
                image = make_image()
                # Only the first picture of an animation, or of a TIFF of several pages, is read.
                if image.info.get("more_pictures"):
                    self._writer.warn("pictures_not_read")
                found = self._recognise(image)
            except RecognitionTimedOut:
                self.timed_out = True
                self._writer.warn("ocr_timed_out")
                return None
        return found if found is BLANK or found.is_readable else None

    def read_picture(self, content: bytes) -> Recognised | None:
        """Return what can be read in the picture of a document; None also for a kind of picture that is not known."""
        from backend.library.extraction.ocr.photographs import open_picture

        try:
            return self.read(lambda: open_picture(content))
        except UnreadableFile:
            return None

    def read_part(self, package: "OfficePackage", part: str) -> Recognised | None:
        """Do the same to a picture of an office file, which may be too large."""
        content = package.read_picture(part)
        return None if content is None else self.read_picture(content)

    def _recognise(self, image: Any) -> Recognised:
        """Return the best reading: as Tesseract turns the page, or, if that is in doubt, as another turn gives it.

        Raises RecognitionTimedOut if the time ends before the first reading.
        """
        # Pillow takes 15 ms and 10 MB, so documents without scans do not load it.
        from backend.library.extraction.ocr import preparation

        if preparation.is_blank(image):
            return BLANK
        deadline = time.monotonic() + float(self._job["ocr_page_s"]) * _TESSERACT_SHARE
        prepared = preparation.prepare(image)
        best = self._read_once(prepared, deadline, find_orientation=True)
        if best.confidence < OCR_TRUSTED or best.letters < _ORIENTED_LETTERS:
            # A page that was read once is not called slow because there was no time for another turn.
            with suppress(RecognitionTimedOut):
                for turn in _OTHER_TURNS:
                    if deadline - time.monotonic() < _MIN_TRY_S:
                        break
                    turned = self._read_once(prepared.rotate(turn, expand=True), deadline, find_orientation=False)
                    best = max(best, turned, key=lambda reading: reading.confidence * reading.letters)
        return best

    def _read_once(self, prepared: Any, deadline: float, *, find_orientation: bool) -> Recognised:
        from backend.library.extraction.ocr import preparation, unread

        path = Path("page.ppm")
        dpi = preparation.save(prepared, path)
        try:
            left_s = deadline - time.monotonic()
            table = self._tesseract.read(path, dpi, left_s, find_orientation=find_orientation)
        finally:
            path.unlink(missing_ok=True)
        return parse_words(table, partial(unread.find_unread, prepared))
