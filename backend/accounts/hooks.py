"""What accounts tells the rooms above it. Receivers run inside the transaction of the sign-in."""

from uuid import UUID

from backend.core.hooks import Hook

identity_verified: Hook[[UUID], None] = Hook()
"""A provider has just confirmed an identity of this user, who signed in or linked it. The user's row is locked."""
