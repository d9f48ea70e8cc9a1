"""Table of the audit log."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.database.database import Base, Identified
from backend.core.database.privacy_marks import kept, withheld


class AdminAction(Identified, Base):
    """An action or view by an administrator, or by an operator at the command line. Append-only.

    A trigger rejects UPDATE, DELETE and TRUNCATE. There are no foreign keys, so that a row outlives its user and run;
    their ids are then pseudonyms. Nothing here names a person: ``data`` holds only numbers and codes.
    """

    __tablename__ = "admin_actions"
    __table_args__ = (
        sa.CheckConstraint("actor_kind IN ('admin', 'operator')", name="actor_kind_known"),
        sa.CheckConstraint("(actor_kind = 'admin') = (actor_id IS NOT NULL)", name="admin_has_id"),
        sa.CheckConstraint("data::text NOT LIKE '%@%'", name="names_nobody"),
        sa.Index("ix_admin_actions_subject_user_id_id", "subject_user_id", "id"),
        sa.Index("ix_admin_actions_actor_id_id", "actor_id", "id"),
        {
            "info": kept("actions on an account must be traceable after its deletion")
            | withheld("also contains data about administrators")
        },
    )

    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    action: Mapped[str]
    subject_user_id: Mapped[UUID | None]
    run_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    request_id: Mapped[str | None]
