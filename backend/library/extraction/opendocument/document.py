"""The parts that every OpenDocument file has: its content and its named styles."""

from dataclasses import dataclass
from typing import Any

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.opendocument.styles import Styles


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """The root element of the content, that of the named styles if there are any, and the styles of both."""

    content: Any
    named: Any | None
    styles: Styles


def read_document(package: OfficePackage) -> OpenDocument:
    """Return the content and the styles of a file. Raises UnreadableFile(damaged, encrypted, too_large)."""
    manifest = package.find("", "META-INF/manifest.xml")
    if manifest is not None and b"encryption-data" in package.read(manifest):
        raise UnreadableFile("encrypted")
    main = package.find("", "content.xml")
    if main is None:
        raise UnreadableFile("damaged")
    content = package.parse(main)
    part = package.find("", "styles.xml")
    named = None if part is None else package.parse(part)
    return OpenDocument(content, named, Styles(content, *([] if named is None else [named])))
