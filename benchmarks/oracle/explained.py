"""Differences from pandoc that were looked at and are right."""

from typing import Final

EXPLAINED: Final[dict[str, str]] = {}
