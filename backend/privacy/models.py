"""Data exports with the pieces of their archives, and erasures."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.database.database import Base
from backend.core.database.privacy_marks import withheld
from backend.core.work.jobs import Job, job_constraints

_INNER = withheld("where the bytes of an archive are stored; the archive is the export")
_LINK = withheld("the hash of a ticket that opens the archive")
_OPEN = "state IN ('queued', 'running')"


class DataExport(Job, Base):
    """One archive with all data of a user.

    ``stored_in`` and ``stored_key`` say where its bytes are, as in a document: in ``export_pieces`` of its last
    attempt, or in a bucket. Both are None before it is done and once it has expired.
    """

    task = "privacy.make_export"

    __tablename__ = "data_exports"
    __table_args__ = (
        *job_constraints(),
        sa.CheckConstraint("((stored_in LIKE 's3://%') IS TRUE) = (stored_key IS NOT NULL)", name="key_in_bucket"),
        sa.CheckConstraint(
            "(state = 'done') = (size_bytes IS NOT NULL AND expires_at IS NOT NULL)", name="done_has_size_and_end"
        ),
        sa.CheckConstraint("(link_hash IS NULL) = (link_expires_at IS NULL)", name="link_has_end"),
        # Each export reads, compresses and stores all data of the user, so one at a time is enough.
        sa.Index("uq_data_exports_open", "user_id", unique=True, postgresql_where=sa.text(_OPEN)),
        sa.Index("ix_data_exports_user_id_id", "user_id", "id"),
        sa.Index("ix_data_exports_expires_at", "expires_at", postgresql_where=sa.text("stored_in IS NOT NULL")),
    )

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    size_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    expires_at: Mapped[datetime | None]
    stored_in: Mapped[str | None] = mapped_column(info=_INNER)
    stored_key: Mapped[UUID | None] = mapped_column(info=_INNER)
    link_hash: Mapped[bytes | None] = mapped_column(info=_LINK)
    link_expires_at: Mapped[datetime | None] = mapped_column(info=_LINK)


class ExportPiece(Base):
    """One piece of an archive, written by one attempt. Readers only take those of the row's attempt."""

    __tablename__ = "export_pieces"
    __table_args__ = ({"info": _INNER},)

    export_id: Mapped[UUID] = mapped_column(sa.ForeignKey("data_exports.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]


class Erasure(Job, Base):
    """The erasure of one user who has left. The row is deleted last, once nothing else of the user is left."""

    task = "privacy.erase_user"

    __tablename__ = "erasures"
    __table_args__ = (*job_constraints(), {"info": withheld("it exists only once the user has no access any more")})

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), unique=True)
