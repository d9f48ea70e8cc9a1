"""Users and their identities."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.database import Base, Identified


class User(Identified, Base):
    """A person who signs in. The e-mail address is where she is reached, not who she is."""

    __tablename__ = "users"

    email: Mapped[str | None]


class Identity(Identified, Base):
    """Who a user is at one provider: the pair (provider, subject) is the identity."""

    __tablename__ = "identities"
    __table_args__ = (sa.UniqueConstraint("provider", "subject"),)

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str]
    subject: Mapped[str]
    email: Mapped[str | None]
    email_verified: Mapped[bool] = mapped_column(default=False)
