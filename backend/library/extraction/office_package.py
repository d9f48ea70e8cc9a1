"""The parts of an Office file and the relations between them (ISO/IEC 29500-2), for Word and PowerPoint.

Part names are compared without case; files with backslashes, without a list of content types or with relations that
lead nowhere are read all the same. Names of Word's strict format become the usual ones.
"""

import posixpath
import re
import zipfile
from dataclasses import dataclass
from typing import IO, Any, Final
from urllib.parse import unquote

from lxml import etree

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_archive import (
    BROKEN_ARCHIVE,
    MAX_UNPACKED_BYTES,
    check_entries,
    check_ratio,
    part_name,
)
from backend.library.extraction.page_text import remove_marks

MAX_PICTURE_BYTES: Final = 40_000_000
"""A larger picture is not opened."""

_STRICT = re.compile(rb"(\bxmlns(?::[\w.-]+)?\s*=\s*[\"'])http://purl\.oclc\.org/ooxml/(\w+)/")
# The characters that mark spans in UTF-8, or as numbers.
_MAY_HAVE_MARKS = re.compile(rb"\xef\xb7[\x90-\xaf]|&#")
_UTF_8 = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml(?:(?!encoding)[^>])*(?:encoding=[\"']utf-8[\"'][^>]*)?\?>|[^?])", re.I
)
_USUAL = rb"\1http://schemas.openxmlformats.org/\2/2006/"


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation to ``part``, the name of a part in the file; None if it leads out of the file or nowhere.

    ``kind`` is the last word of its type: ``image``, ``footnotes``, ``aFChunk``.
    """

    kind: str
    part: str | None
    target: str


class OfficePackage:
    """An open Office file. Parts are read on demand; together they may have no more than 50 MB."""

    def __init__(self, file: str | IO[bytes]) -> None:
        """Open the file. Raises UnreadableFile (damaged, too_large, encrypted)."""
        try:
            self._archive = zipfile.ZipFile(file)
        except BROKEN_ARCHIVE:
            raise UnreadableFile("damaged") from None
        check_entries(self._archive.infolist())
        self._entries = {part_name(entry): entry for entry in self._archive.infolist()}
        self._relations: dict[str, dict[str, Relation]] = {}
        self._types: dict[str, str] | None = None
        self._left = MAX_UNPACKED_BYTES

    def main_part(self, folder: str) -> str:
        """Return the name of the main part; ``folder`` (``word``, ``ppt``) helps if the relations do not name it.

        Raises UnreadableFile("damaged") if there is none.
        """
        named = [relation.part for relation in self.relations("").values() if relation.kind == "officeDocument"]
        typed = [part for part in self._entries if self.content_type(part).endswith(".main+xml")]
        usual = [part for part in (f"{folder}/document.xml", f"{folder}/presentation.xml") if part in self._entries]
        for part in (*named, *typed, *usual):
            if part is not None:
                return part
        raise UnreadableFile("damaged")

    def content_type(self, part: str) -> str:
        """Return the media type of a part in lower case, or an empty string."""
        if self._types is None:
            self._types = self._read_types()
        return self._types.get(part) or self._types.get("." + part.rpartition(".")[2], "")

    def relations(self, part: str) -> dict[str, Relation]:
        """Return the relations of a part (of the file: an empty name) by their ids."""
        if part not in self._relations:
            self._relations[part] = self._read_relations(part)
        return self._relations[part]

    def related(self, part: str, *kinds: str) -> list[str]:
        """Return the parts that relations of these kinds lead to, in order."""
        found = (relation.part for relation in self.relations(part).values() if relation.kind in kinds)
        return [name for name in found if name is not None]

    def read(self, part: str) -> bytes:
        """Return the content of a part. Raises UnreadableFile (too_large, damaged)."""
        entry = self._entries[part]
        check_ratio(entry)
        self._left -= entry.file_size
        if self._left < 0:
            raise UnreadableFile("too_large")
        return self._unpack(entry)

    def read_picture(self, part: str) -> bytes | None:
        """Return the content of a picture, which does not count with the texts; None if it is too large."""
        entry = self._entries[part]
        return self._unpack(entry) if entry.file_size <= MAX_PICTURE_BYTES else None

    def parse(self, part: str) -> Any:
        """Return the root element of a part. Raises UnreadableFile (too_large, damaged)."""
        return parse_xml(self.read(part))

    def _unpack(self, entry: zipfile.ZipInfo) -> bytes:
        try:
            return self._archive.read(entry)
        except BROKEN_ARCHIVE:
            raise UnreadableFile("damaged") from None

    def _read_types(self) -> dict[str, str]:
        types: dict[str, str] = {}
        if "[content_types].xml" in self._entries:
            for element in _children(self.parse("[content_types].xml")):
                name = element.get("PartName", "").lstrip("/") or "." + element.get("Extension", "")
                types[name.replace("\\", "/").lower()] = element.get("ContentType", "").lower()
        return types

    def _read_relations(self, part: str) -> dict[str, Relation]:
        folder, _, name = part.rpartition("/")
        source = f"{folder}/_rels/{name}.rels".lstrip("/")
        if source not in self._entries:
            return {}
        found = {}
        for element in _children(self.parse(source)):
            target = element.get("Target", "")
            is_external = element.get("TargetMode", "").lower() == "external"
            kind = element.get("Type", "").rpartition("/")[2]
            found[element.get("Id", "")] = Relation(kind, None if is_external else self.find(folder, target), target)
        return found

    def find(self, folder: str, target: str) -> str | None:
        target = target.replace("\\", "/").split("#")[0]
        for name in (target, unquote(target)):
            path = name if name.startswith("/") else f"/{folder}/{name}"
            part = posixpath.normpath(path).lstrip("/").lower()
            if part in self._entries:
                return part
        return None


def parse_xml(content: bytes) -> Any:
    """Return the root element of XML of an Office file. Raises UnreadableFile("damaged").

    Entities bring nothing in, and the parser's own bounds on depth (256) and size hold. Texts and attributes are free
    of the characters that mark spans.
    """
    if b"purl.oclc.org/ooxml" in content[:20_000]:
        content = _STRICT.sub(_USUAL, content)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise UnreadableFile("damaged") from None
    if _MAY_HAVE_MARKS.search(content) or not _UTF_8.match(content):
        _remove_marks(root)
    return root


def _remove_marks(root: Any) -> None:
    for element in root.iter():
        if element.text:
            element.text = remove_marks(element.text)
        for name, value in element.attrib.items():
            element.set(name, remove_marks(value))


def _children(root: Any) -> list[Any]:
    return [element for element in root if isinstance(element.tag, str)]
