"""The limits of reading a document, as its messages name them."""

from collections.abc import Mapping

from backend.library.extraction.ocr.picture_limits import MAX_PIXELS, MAX_SIDE
from backend.library.extraction.office_archive import MAX_UNPACKED_BYTES
from backend.settings import get_settings

_MEGA = 1_000_000


def name_limits() -> Mapping[str, str]:
    """Return each limit by its placeholder. The messages name its unit."""
    settings = get_settings()
    return {
        "pages": _group(settings.max_document_pages),
        "characters": _group(settings.max_document_chars),
        "unpacked_mb": _group(MAX_UNPACKED_BYTES // _MEGA),
        "memory_mb": _group(settings.read_memory_bytes // _MEGA),
        "megapixels": _group(MAX_PIXELS // _MEGA),
        "side": _group(MAX_SIDE),
    }


def _group(number: int) -> str:
    """Write a number in groups of three digits with narrow spaces, which all languages of the API read."""
    return f"{number:,}".replace(",", "\u202f")
