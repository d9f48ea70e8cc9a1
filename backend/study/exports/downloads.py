"""Renders a study kit as a downloadable file in any of the formats."""

import json
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from backend.study.exports.anki import to_apkg
from backend.study.exports.json_kit import to_json
from backend.study.exports.text import to_markdown, to_tsv
from backend.study.types import StudyKit

_MAX_NAME_CHARS = 80
# Everything except letters, digits and a few characters that are safe in all file systems.
_NOT_IN_NAMES = re.compile(r"[^\w\-.]+")


class DownloadFormat(StrEnum):
    """Formats of a downloaded kit; the value is also the file name's extension."""

    APKG = "apkg"
    TSV = "tsv"
    JSON = "json"
    MD = "md"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    DownloadFormat.APKG: "application/octet-stream",
    DownloadFormat.TSV: "text/tab-separated-values; charset=utf-8",
    DownloadFormat.JSON: "application/json",
    DownloadFormat.MD: "text/markdown; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class KitFile:
    """A study kit as a file. ``plain_filename`` is in ASCII, for clients that do not support other names."""

    filename: str
    plain_filename: str
    content_type: str
    data: bytes

    @property
    def disposition(self) -> str:
        """The Content-Disposition header (RFC 6266)."""
        header = f"attachment; filename={self.plain_filename}"
        if self.plain_filename == self.filename:
            return header
        return f"{header}; filename*=UTF-8''{quote(self.filename)}"


def render_kit(kit: StudyKit, form: DownloadFormat, *, language: str) -> KitFile:
    """Return the kit as a file. ``language``, one of the API's, is that of the user's Anki; only TSV depends on it."""
    plain_title = unicodedata.normalize("NFKD", kit.title).encode("ascii", "ignore").decode()
    return KitFile(
        filename=f"{_stem(kit.title)}.{form}",
        plain_filename=f"{_stem(plain_title)}.{form}",
        content_type=form.content_type,
        data=_data(kit, form, language),
    )


def _data(kit: StudyKit, form: DownloadFormat, language: str) -> bytes:
    match form:
        case DownloadFormat.APKG:
            return to_apkg(kit).data
        case DownloadFormat.TSV:
            return to_tsv(kit, language).encode()
        case DownloadFormat.JSON:
            return json.dumps(to_json(kit), ensure_ascii=False, indent=2).encode()
        case DownloadFormat.MD:
            return to_markdown(kit).encode()


def _stem(title: str) -> str:
    """Return a file name without extension that is safe on every system: never hidden, empty or a path."""
    name = _NOT_IN_NAMES.sub("-", unicodedata.normalize("NFC", title))[:_MAX_NAME_CHARS].strip("-._")
    return name or "study-kit"
