"""The parts of an EPUB in reading order (EPUB 3.3, and 2)."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from lxml import etree

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formulas.mathml import local_name
from backend.library.extraction.office_archive import (
    BROKEN_ARCHIVE,
    MAX_UNPACKED_BYTES,
    check_entries,
    check_ratio,
    part_name,
)

_CONTAINER = "meta-inf/container.xml"
_ENCRYPTION = "meta-inf/encryption.xml"
# Fonts are often scrambled, which hinders nobody from reading the text.
_FONT_ALGORITHMS: Final = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
_CHAPTER_TYPES: Final = frozenset(
    {"application/xhtml+xml", "text/html", "text/x-oeb1-document", "application/x-dtbook+xml"}
)
_CHAPTER_NAME = re.compile(r"\.x?html?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Item:
    part: str
    media_type: str
    properties: frozenset[str]


class EpubArchive:
    """An open EPUB. Its parts together may have no more than 50 MB."""

    def __init__(self, path: str) -> None:
        """Open the file. Raises UnreadableFile (damaged, too_large, encrypted)."""
        try:
            self._archive = zipfile.ZipFile(path)
        except BROKEN_ARCHIVE:
            raise UnreadableFile("damaged") from None
        check_entries(self._archive.infolist())
        self._entries = {part_name(entry): entry for entry in self._archive.infolist()}
        self._left = MAX_UNPACKED_BYTES
        self._package = self._package_part()
        self._items = self._manifest()
        self._refuse_encrypted()

    def chapters(self) -> list[str]:
        """Return the parts that are chapters in reading order, without the table of contents."""
        return [part for part in self._spine if part in self._entries]

    def chapter(self, part: str) -> bytes:
        """Return the source of a chapter. Each time it counts towards the 50 MB."""
        return self._read(part)

    def style_sheets(self) -> Iterator[str]:
        """Yield the source of each style sheet."""
        for item in self._items.values():
            if item.media_type == "text/css" and item.part in self._entries:
                yield self._read(item.part).decode("utf-8", "replace")

    def _read(self, part: str) -> bytes:
        entry = self._entries.get(part)
        if entry is None:
            raise UnreadableFile("damaged")
        check_ratio(entry)
        self._left -= entry.file_size
        if self._left < 0:
            raise UnreadableFile("too_large")
        try:
            return self._archive.read(entry)
        except BROKEN_ARCHIVE:
            raise UnreadableFile("damaged") from None

    def _xml(self, part: str) -> etree._Element:
        parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False)
        try:
            root = etree.fromstring(self._read(part), parser)
        except etree.XMLSyntaxError:
            root = None
        if root is None:
            raise UnreadableFile("damaged")
        return root

    def _package_part(self) -> str:
        if _CONTAINER in self._entries:
            for element in self._xml(_CONTAINER).iter():
                path = element.get("full-path") if local_name(element) == "rootfile" else None
                if path:
                    return normalized_part(path)
        found = next((part for part in self._entries if part.endswith(".opf")), None)
        if found is None:
            raise UnreadableFile("damaged")
        return found

    def _manifest(self) -> dict[str, _Item]:
        """Return the items by their id, and remember which ones are read, in order."""
        folder = posixpath.dirname(self._package)
        items: dict[str, _Item] = {}
        order: list[str] = []
        for element in self._xml(self._package).iter():
            name = local_name(element)
            if name == "item" and element.get("href"):
                part = normalized_part(posixpath.join(folder, unquote(element.get("href", "").partition("#")[0])))
                properties = frozenset(element.get("properties", "").split())
                items[element.get("id", "")] = _Item(part, element.get("media-type", "").lower(), properties)
            elif name == "itemref":
                order.append(element.get("idref", ""))
        chosen = [items[identity] for identity in dict.fromkeys(order) if identity in items]
        self._spine = [item.part for item in chosen or items.values() if _is_chapter(item)]
        return items

    def _refuse_encrypted(self) -> None:
        """Raise UnreadableFile("encrypted") if chapters are protected against copying."""
        if _ENCRYPTION not in self._entries:
            return
        algorithm = ""
        for element in self._xml(_ENCRYPTION).iter():
            name = local_name(element)
            if name == "EncryptionMethod":
                algorithm = element.get("Algorithm", "")
            elif name == "CipherReference" and algorithm not in _FONT_ALGORITHMS:
                part = normalized_part(unquote(element.get("URI", "")))
                if part in self._spine or part == self._package:
                    raise UnreadableFile("encrypted")


def _is_chapter(item: _Item) -> bool:
    if "nav" in item.properties:
        return False
    return item.media_type in _CHAPTER_TYPES or (not item.media_type and _CHAPTER_NAME.search(item.part) is not None)


def normalized_part(path: str) -> str:
    """Return a path of the archive as its entries are named."""
    return posixpath.normpath(path.replace("\\", "/")).lstrip("/").lower()
