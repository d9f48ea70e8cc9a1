"""What billing asks the rooms above it. Receivers run inside billing's transaction."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from backend.core.hooks import Hook

find_ended_runs: Hook[[Sequence[UUID]], set[UUID]] = Hook()
"""A receiver returns which of the runs have ended or no longer exist."""

describe_runs: Hook[[Sequence[UUID]], Mapping[UUID, str]] = Hook()
"""A receiver returns a title for those of the runs that it knows. Billing has checked whose they are."""
