"""Finds out how the characters of a text file are stored."""

import re

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.plain.guessing import guess_encoding
from backend.library.extraction.plain.wide_encodings import find_wide_encoding

_SAMPLE_BYTES = 1 << 16
_GOOD_PER_BAD = 2


def decode_text(raw: bytes, writer: PageWriter) -> str:
    """Decode a text, and warn if bytes are replaced or the encoding is a guess.

    Raises UnreadableFile("damaged") for UTF-16 that is none.
    """
    wide = find_wide_encoding(raw[:_SAMPLE_BYTES])
    if wide is not None:
        try:
            return raw.decode(wide)
        except UnicodeDecodeError:
            raise UnreadableFile("damaged") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    text = raw.decode("utf-8-sig", "replace")
    bad = text.count("\ufffd") - raw.count("\ufffd".encode())
    good = sum(1 for _ in re.finditer("[^\x00-\x7f\ufffd]", text))
    if good >= _GOOD_PER_BAD * bad:
        # Bytes of other encodings hardly ever form characters of UTF-8 by chance.
        writer.warn_of_rest("bytes_replaced", bad)
        return text
    return decode_guessed(raw, writer)


def decode_guessed(raw: bytes, writer: PageWriter) -> str:
    """Decode a text that is not in Unicode, and warn."""
    writer.warn_of_rest("encoding_guessed")
    text = raw.decode(guess_encoding(raw), "replace")
    replaced = text.count("\ufffd")
    if replaced:
        writer.warn_of_rest("bytes_replaced", replaced)
    return text
