"""A text that is pasted instead of uploaded: the whole body of a request is the document."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final, cast

from backend.core.web.uploads import get_text_file
from backend.library.service import IncomingFile
from backend.text.invisible import remove_unseen

_EXTENSIONS: Final = {"text/markdown": (".md", ".markdown"), "text/plain": (".txt", ".text")}
_HEAD_BYTES = 16_384
_MAX_TITLE_CHARS = 80
_MARKUP = re.compile(r"^\s*(?:#+|[-*+>]|\d+[.)])\s+|[*_`~#]+|\[\[|\]\]|<[^<>]*>")
_NOT_IN_NAMES = re.compile(r"[\\/:*?\"<>|\s]+")
_UNTITLED: Final[Mapping[str, str]] = {
    "en": "Pasted text",
    "de": "Eingefügter Text",
    "fr": "Texte collé",
    "it": "Testo incollato",
}


def pasted_file(media_type: str, filename: str | None, language: str) -> IncomingFile:
    """Return the request's body as a file.

    Its name is ``filename``, with the extension of its type if it lacks it; without one, the text's first heading or
    line.
    """
    file = get_text_file()
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(_HEAD_BYTES).decode("utf-8", "ignore")
    file.seek(0)
    name = filename or _title(head, is_markdown=media_type == "text/markdown") or _UNTITLED[language]
    extensions = _EXTENSIONS[media_type]
    if not name.lower().endswith(extensions):
        name += extensions[0]
    return IncomingFile(name, Path(str(file.name)), cast(BinaryIO, file), size)


def _title(head: str, *, is_markdown: bool) -> str:
    lines = [line for line in remove_unseen(head).split("\n") if re.search(r"\w", line)]
    headings = [line for line in lines if re.match(r"#{1,6}\s", line)] if is_markdown else []
    first = next(iter([*headings, *lines]), "")
    title = _NOT_IN_NAMES.sub(" ", _MARKUP.sub("", first)).strip(" .")
    if len(title) > _MAX_TITLE_CHARS:
        title = title[:_MAX_TITLE_CHARS].rpartition(" ")[0] or title[:_MAX_TITLE_CHARS]
    return title
