"""Download links to an export, for browsers, which send no token when they navigate.

A link carries a ticket. URLs end up in histories, so the ticket opens only one export, and only for a few minutes. We
store its hash; a new ticket replaces the previous one.
"""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from backend.accounts import service as accounts
from backend.core.clock import database_now, read_database_clock
from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.hashing import hash_secret
from backend.privacy.models import DataExport

LINK_LIFE = timedelta(minutes=5)
_BYTES = 32


class Link(NamedTuple):
    """A ticket that opens one export until it expires."""

    ticket: str
    expires_at: datetime


def make_link(export: DataExport) -> Link:
    """Make a ticket for an export that is ready. It expires with the export at the latest. Needs a transaction."""
    ticket = secrets.token_urlsafe(_BYTES)
    moment = read_database_clock()
    ends = [moment + LINK_LIFE]
    if export.expires_at is not None:
        ends.append(export.expires_at)
    export.link_hash, export.link_expires_at = hash_secret(ticket), min(ends)
    db.session.flush()
    return Link(ticket, export.link_expires_at)


def get_linked_export(export_id: UUID, ticket: str) -> DataExport:
    """Return the export that a ticket opens. Raises NotFound for any reason, so that callers learn nothing."""
    export = db.session.scalar(
        sa.select(DataExport).where(
            DataExport.id == export_id,
            DataExport.stored_in.is_not(None),
            DataExport.link_hash.is_not(None),
            DataExport.link_expires_at > database_now(),
        )
    )
    if export is None or not secrets.compare_digest(export.link_hash or b"", hash_secret(ticket)):
        raise NotFound
    # Unlike a session, a ticket does not end when the user loses access.
    user = accounts.get_user(export.user_id)
    if user.erasing_at is not None or user.disabled_at is not None:
        raise NotFound
    return export
