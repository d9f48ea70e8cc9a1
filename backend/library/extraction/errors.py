"""Errors of reading a file into pages of text."""

from typing import Final

CODES: Final = frozenset(
    {
        "unsupported",
        "legacy_office",
        "mislabelled",
        "empty",
        "too_large",
        "image_too_large",
        "encrypted",
        "damaged",
        "no_text",
        "photo_not_readable",
        "ocr_too_slow",
        "timed_out",
    }
)


class UnreadableFile(Exception):
    """The file cannot be read. ``code`` is one of ``CODES`` and has a user text in ``messages``."""

    def __init__(self, code: str) -> None:
        if code not in CODES:
            raise ValueError(f"unknown code {code!r}")
        super().__init__(code)
        self.code = code


class ReaderNotStarted(RuntimeError):
    """The child process could not start: a fault of this installation, not of the user's file."""
