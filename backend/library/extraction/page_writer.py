"""The child's end of the pipe: pages, warnings and the outcome, as JSON lines."""

import json
import os

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.page_text import finish_text, remove_marks
from backend.library.extraction.text_cleaning import clean_line
from backend.library.types import OCR_TRUSTED

_MAX_LABEL_CHARS = 20


class PageWriter:
    """Cleans and counts pages and writes them to ``descriptor``, one JSON object per line.

    Lines: ``{"started": true}``, ``{"ocr": page}`` before each page that OCR reads, ``{"page": {...}}``,
    at the end ``{"total": pages, "warnings": [[code, count, pages], ...]}`` or ``{"error": code}``.
    """

    def __init__(self, descriptor: int, max_pages: int, max_chars: int) -> None:
        self._descriptor = descriptor
        self._max_pages = max_pages
        self._max_chars = max_chars
        self._pages = 0
        self._chars = 0
        self._has_text = False
        self._counts: dict[str, int] = {}
        self._warned_pages: dict[str, set[int]] = {}
        self._warned_from: dict[str, int] = {}
        self._held: list[tuple[str, int]] | None = None

    @property
    def next_number(self) -> int:
        """Number of the next page, counted from 1."""
        return self._pages + 1

    def expect(self, pages: int) -> None:
        """Raise UnreadableFile("too_large") if a document has too many pages, before any of them is read."""
        if pages > self._max_pages:
            raise UnreadableFile("too_large")

    def write(
        self,
        text: str,
        heading: str | None = None,
        *,
        source: str = "text",
        skipped: str | None = None,
        label: str | None = None,
        confidence: int | None = None,
    ) -> None:
        """Write the next page; ``text`` is in the notation of ``page_text``, not cleaned yet.

        Raises UnreadableFile("too_large") over the limit of pages or characters.
        """
        finished = finish_text(text)
        final = finished.text
        if finished.hidden:
            self.warn("hidden_characters_removed", count=finished.hidden)
        if not final and skipped is None:
            skipped = "blank"
        self.expect(self._pages + 1)
        self._chars += len(final)
        if self._chars > self._max_chars:
            raise UnreadableFile("too_large")
        if source == "ocr":
            self.warn("ocr_pages")
        if confidence is not None and confidence < OCR_TRUSTED:
            self.warn("ocr_uncertain")
        if skipped == "not_readable":
            self.warn("pages_not_readable")
        self._has_text = self._has_text or (skipped is None and bool(final))
        self._pages += 1
        self.send(
            {
                "page": {
                    "number": self._pages,
                    "text": final,
                    "heading": (clean_line(remove_marks(heading)) or None) if heading else None,
                    "source": source,
                    "skipped": skipped,
                    "label": (clean_line(remove_marks(label), _MAX_LABEL_CHARS) or None) if label else None,
                    "confidence": confidence,
                    "spans": [[span.kind, span.start, span.end, span.level] for span in finished.spans],
                }
            }
        )

    def warn(self, code: str, count: int = 1) -> None:
        """Count a warning for the next page, or for that of the text that is read just now."""
        if self._held is not None:
            self._held.append((code, count))
            return
        self._counts[code] = self._counts.get(code, 0) + count
        self._warned_pages.setdefault(code, set()).add(self.next_number)

    def warn_of_rest(self, code: str, count: int = 1) -> None:
        """Count a warning for the next page and all after it."""
        self._counts[code] = self._counts.get(code, 0) + count
        self._warned_from.setdefault(code, self.next_number)

    def hold_warnings(self) -> None:
        """Keep warnings until it is known which page their text is on."""
        self._held = []

    def release_warnings(self) -> None:
        """Count the warnings that were kept for the next page."""
        held, self._held = self._held or [], None
        for code, count in held:
            self.warn(code, count)

    def finish(self) -> None:
        """Write the outcome. Raises UnreadableFile("no_text", "ocr_too_slow") if no page has text."""
        if not self._has_text:
            was_slow = "ocr_timed_out" in self._counts
            raise UnreadableFile("ocr_too_slow" if was_slow else "no_text")
        warnings = [[code, count, self._pages_of(code)] for code, count in self._counts.items()]
        self.send({"total": self._pages, "warnings": warnings})

    def _pages_of(self, code: str) -> list[int]:
        # What comes after the last page, such as a hidden slide, is told with it.
        pages = {min(page, self._pages) for page in self._warned_pages.get(code, ())}
        pages.update(range(self._warned_from.get(code, self.next_number), self.next_number))
        return sorted(pages)

    def send(self, message: dict[str, object]) -> None:
        """Write one complete line."""
        line = memoryview(json.dumps(message, ensure_ascii=False).encode() + b"\n")
        while line:
            line = line[os.write(self._descriptor, line) :]
