"""What the library tells the rooms above it. Receivers run inside the library's transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from backend.core.hooks import Hook
from backend.library.types import PageText, QuoteCounts

document_settling: Hook[[UUID], None] = Hook()
"""A document is about to be written as read or failed. A receiver locks what it will change once it has settled."""

document_settled: Hook[[UUID], None] = Hook()
"""A document has been read, or has failed for good."""

document_deleting: Hook[[UUID], None] = Hook()
"""A document is about to be deleted. A receiver may raise to refuse."""

document_rereading: Hook[[UUID], None] = Hook()
"""A document is about to be read again, or to get its new pages. A receiver may raise to refuse."""

pages_replaced: Hook[[UUID, Sequence[PageText]], QuoteCounts] = Hook()
"""A document gets new pages. A receiver locates its quotes in them, and returns how many it found.

The study set is locked.
"""

study_set_deleting: Hook[[UUID], None] = Hook()
"""A study set is about to be deleted with everything in it."""

study_sets_expiring: Hook[[Sequence[UUID], datetime], set[UUID]] = Hook()
"""Files of study sets that seem unused since a time are about to expire. A receiver returns those still in use."""
