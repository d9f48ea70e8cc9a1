"""What the library tells the rooms above it. Receivers run inside the library's transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from backend.core.hooks import Hook

document_settling: Hook[[UUID], None] = Hook()
"""A document is about to be written as read or failed. A receiver locks what it will change once it has settled."""

document_settled: Hook[[UUID], None] = Hook()
"""A document has been read, or has failed for good."""

document_deleting: Hook[[UUID], None] = Hook()
"""A document is about to be deleted. A receiver may raise to refuse."""

study_set_deleting: Hook[[UUID], None] = Hook()
"""A study set is about to be deleted with everything in it."""

study_sets_expiring: Hook[[Sequence[UUID], datetime], set[UUID]] = Hook()
"""Files of study sets that seem unused since a time are about to expire. A receiver returns those still in use."""
