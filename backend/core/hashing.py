"""What is kept of secrets, and how locks get their numbers."""

import hashlib


def hash_secret(secret: str) -> bytes:
    """Return the SHA-256 under which a secret of 256 random bits is kept; a slow hash would add nothing to it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def lock_number(*parts: object) -> int:
    """Return the number of the advisory lock that these parts name: PostgreSQL takes 64 bits with a sign."""
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
