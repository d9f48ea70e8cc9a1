"""What billing asks the rooms above it. Receivers run inside billing's transaction."""

from collections.abc import Sequence
from uuid import UUID

from backend.core.hooks import Hook

find_ended_runs: Hook[[Sequence[UUID]], set[UUID]] = Hook()
"""A receiver returns which of the runs have ended or no longer exist."""
