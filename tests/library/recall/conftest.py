"""Reads documents as the tests of extraction do."""

from tests.library.extraction.conftest import read

__all__ = ["read"]
