"""Hashes of secrets, and numbers of advisory locks."""

import hashlib


def hash_secret(secret: str) -> bytes:
    """Return the SHA-256 of a secret, to be stored. A slow hash would not add security to 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def lock_number(*parts: object) -> int:
    """Return the number of the advisory lock named by these parts: a signed 64-bit integer, as PostgreSQL requires."""
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
