"""The form of an API key: ``hts_``, 43 random letters and digits, and six that check them.

Letters and digits alone, so that a double click takes the whole of it; the check tells a key from what only looks
like one, to scanners for leaked secrets as to us, without asking anybody.
"""

import re
import secrets
import string
import zlib

API_KEY_PREFIX = "hts_"
API_KEY_PATTERN = "hts_[0-9A-Za-z]{49}"

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# 62 ** 43 is just more than 2 ** 256.
_RANDOM = 43
_CHECK = 6
_SHOWN = 6
_FORM = re.compile(API_KEY_PATTERN, re.ASCII)


def make_key() -> str:
    """Return a new key with 256 random bits."""
    start = API_KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return start + _check(start)


def is_well_formed(text: str) -> bool:
    """Tell whether this could be a key: its form and its check are right."""
    return _FORM.fullmatch(text) is not None and _check(text[:-_CHECK]) == text[-_CHECK:]


def beginning_of(key: str) -> str:
    """Return what may be shown of a key: enough to know it again among a user's own, too little to guess it."""
    return key[: len(API_KEY_PREFIX) + _SHOWN]


def _check(start: str) -> str:
    """Return the CRC-32 of a key's beginning in base 62."""
    number, digits = zlib.crc32(start.encode("ascii")), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
