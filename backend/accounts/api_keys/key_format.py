"""Format of an API key: ``hts_``, 43 random letters and digits, and a checksum of six.

Only letters, digits and the underscore, so that a double click selects the whole key. The checksum lets us, and
scanners for leaked secrets, recognize a key without a query.
"""

import re
import secrets
import string
import zlib

API_KEY_PREFIX = "hts_"
API_KEY_PATTERN = "hts_[0-9A-Za-z]{49}"

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# 62 ** 43 is slightly more than 2 ** 256.
_RANDOM_CHARS = 43
_CHECKSUM_CHARS = 6
_SHOWN_CHARS = 6
_FORM = re.compile(API_KEY_PATTERN, re.ASCII)


def make_key() -> str:
    """Return a new key with 256 random bits."""
    start = API_KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARS))
    return start + _checksum(start)


def is_well_formed(text: str) -> bool:
    """Tell whether the text has the format of a key and a correct checksum."""
    return _FORM.fullmatch(text) is not None and _checksum(text[:-_CHECKSUM_CHARS]) == text[-_CHECKSUM_CHARS:]


def prefix_of(key: str) -> str:
    """Return the part of a key that may be shown: enough to recognize it, too little to guess the rest."""
    return key[: len(API_KEY_PREFIX) + _SHOWN_CHARS]


def _checksum(start: str) -> str:
    """Return the CRC-32 of a key's beginning in base 62."""
    number, digits = zlib.crc32(start.encode("ascii")), ""
    for _ in range(_CHECKSUM_CHARS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
