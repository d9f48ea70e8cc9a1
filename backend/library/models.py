"""Study sets, documents, pages, pieces of stored files, and objects that wait to be deleted."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.database.database import Base, Identified
from backend.core.database.privacy_marks import withheld
from backend.core.work.jobs import Job, job_constraints
from backend.library.types import DocumentPurpose

POSTGRES = "postgres"
"""The value of ``stored_in`` for files stored in this database, as rows of ``stored_pieces``."""


_AGAIN = withheld("made from the document's file, which is in the export, and made again on request")
_COUNTED = withheld("a sum over what is in the export")
_INNER = withheld("where the bytes of files are stored; the files themselves are in the export")


class StudySet(Identified, Base):
    """What a student works on: documents and the material made from them.

    ``items_bytes`` is the text of its flashcards and questions, as of the last time that one was written.
    """

    __tablename__ = "study_sets"
    __table_args__ = (sa.CheckConstraint("char_length(title) BETWEEN 1 AND 200", name="title_length"),)

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    title: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())
    items_bytes: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default=sa.text("0"), info=_COUNTED)


class Document(Job, Base):
    """One uploaded file. It is its own unit of work: being read into pages.

    As a ``Job`` its state is queued, running (being read), done (ready) or failed with an error code.

    ``stored_in`` says where the file is: ``postgres`` (its pieces are rows), or a bucket such as
    ``s3://bucket/prefix``, in which its object is called ``stored_key``; None once the file has expired. A trigger
    notes the object of a row that is deleted or points elsewhere in ``discarded_objects``. ``moving_until`` only spares
    movers double work: a move is safe because it is recorded only if the file is still where it was found.
    """

    task = "library.read_document"

    __tablename__ = "documents"
    __table_args__ = (
        *job_constraints(),
        sa.UniqueConstraint("study_set_id", "sha256"),
        sa.CheckConstraint("size_bytes > 0", name="not_empty"),
        sa.CheckConstraint("((stored_in LIKE 's3://%') IS TRUE) = (stored_key IS NOT NULL)", name="key_in_bucket"),
    )

    study_set_id: Mapped[UUID] = mapped_column(sa.ForeignKey("study_sets.id", ondelete="CASCADE"), index=True)
    filename: Mapped[str]
    # The column keeps its old name, because the previous release reads it too while a new one is rolled out.
    format: Mapped[str] = mapped_column("kind")
    purpose: Mapped[str] = mapped_column(default=DocumentPurpose.NOTES, server_default=DocumentPurpose.NOTES)
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str]
    pages_total: Mapped[int | None]
    pages_read: Mapped[int] = mapped_column(default=0)
    characters: Mapped[int] = mapped_column(default=0)
    text_bytes: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default=sa.text("0"), info=_COUNTED)
    warnings: Mapped[list[dict[str, object]]] = mapped_column(JSONB, default=list)
    stored_in: Mapped[str | None] = mapped_column(default=POSTGRES, server_default=POSTGRES, index=True, info=_INNER)
    stored_key: Mapped[UUID | None] = mapped_column(info=_INNER)
    moving_until: Mapped[datetime | None] = mapped_column(info=_INNER)


class Page(Base):
    """One page of a document's text; offsets of evidence point into ``text``.

    ``spans`` is a list of ``[kind, start, end, level]``. ``text_version`` is the version of the text's notation; the
    default is that of the release that does not know the column. ``word_boxes`` is a list of ``[start, end, left, top,
    right, bottom]``: where the words of ``text`` are shown, in fractions of the page; None until they are looked
    for.
    """

    __tablename__ = "pages"

    document_id: Mapped[UUID] = mapped_column(sa.ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    heading: Mapped[str | None]
    source: Mapped[str]
    skipped: Mapped[str | None]
    label: Mapped[str | None]
    spans: Mapped[list[list[Any]]] = mapped_column(JSONB, default=list, server_default=sa.text("'[]'"))
    confidence: Mapped[int | None] = mapped_column(sa.SmallInteger)
    text_version: Mapped[int] = mapped_column(sa.SmallInteger, server_default=sa.text("1"))
    # Loaded only where quotes are shown on the page: it is larger than the text.
    word_boxes: Mapped[list[list[Any]] | None] = mapped_column(JSONB(none_as_null=True), deferred=True, info=_AGAIN)


class Rereading(Job, Base):
    """One request to read a document's file again. The document keeps its pages until the new ones are complete.

    ``quotes_found`` and ``quotes_lost`` are set when the pages have been replaced.
    """

    task = "library.reread_document"

    __tablename__ = "rereadings"
    __table_args__ = (
        *job_constraints(),
        sa.Index(
            "uq_rereadings_active",
            "document_id",
            unique=True,
            postgresql_where=sa.text("state IN ('planned', 'queued', 'running')"),
        ),
    )

    document_id: Mapped[UUID] = mapped_column(sa.ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    quotes_found: Mapped[int | None]
    quotes_lost: Mapped[int | None]


class StoredPiece(Base):
    """One piece of a stored file; pieces are counted from 0 and all but the last have the same size."""

    __tablename__ = "stored_pieces"
    __table_args__ = ({"info": _INNER},)

    key: Mapped[UUID] = mapped_column(sa.ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]


class PageImage(Identified, Base):
    """An image of a page, kept until others need the room. Counted beside the storage quota.

    ``stored_in`` and ``stored_key`` say where its bytes are, as in a document. A row without them is a page that could
    not be rendered, so that it is not tried again and again. ``used_at`` is coarse: it is written once in a while.
    """

    __tablename__ = "page_images"
    __table_args__ = (
        sa.UniqueConstraint("document_id", "page", "width"),
        sa.CheckConstraint("((stored_in LIKE 's3://%') IS TRUE) = (stored_key IS NOT NULL)", name="key_in_bucket"),
        {"info": _AGAIN},
    )

    document_id: Mapped[UUID] = mapped_column(sa.ForeignKey("documents.id", ondelete="CASCADE"))
    page: Mapped[int]
    width: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    stored_in: Mapped[str | None]
    stored_key: Mapped[UUID | None]
    used_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), index=True)


class ImagePiece(Base):
    """One piece of a page's image, as of a stored file."""

    __tablename__ = "image_pieces"
    __table_args__ = ({"info": _AGAIN},)

    image_id: Mapped[UUID] = mapped_column(sa.ForeignKey("page_images.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]


class Conversion(Job, Base):
    """The PDF of an Office document, made so that its pages can be shown. Its own unit of work.

    ``printed_pages`` has the number of the PDF's page that shows each page of the document, or None. ``stored_in`` is
    None before the first conversion has ended, and after its PDF was dropped.
    """

    task = "library.convert_document"

    __tablename__ = "conversions"
    __table_args__ = (
        *job_constraints(),
        sa.UniqueConstraint("document_id"),
        sa.CheckConstraint("((stored_in LIKE 's3://%') IS TRUE) = (stored_key IS NOT NULL)", name="key_in_bucket"),
        {"info": _AGAIN},
    )

    document_id: Mapped[UUID] = mapped_column(sa.ForeignKey("documents.id", ondelete="CASCADE"))
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    printed_pages: Mapped[list[int | None]] = mapped_column(JSONB, default=list)
    stored_in: Mapped[str | None]
    stored_key: Mapped[UUID | None]


class ConvertedPiece(Base):
    """One piece of a converted document's PDF, as of a stored file."""

    __tablename__ = "converted_pieces"
    __table_args__ = ({"info": _AGAIN},)

    conversion_id: Mapped[UUID] = mapped_column(sa.ForeignKey("conversions.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]


class DiscardedObject(Base):
    """An object in a bucket that is deleted once it is due, because no row points at it.

    The note is written before the object is made and deleted when a row is pointed at it, so that objects left behind
    by a crash are found. ``claimed``: the object may be gone already, so no row may be pointed at it any more.
    """

    __tablename__ = "discarded_objects"

    key: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[str]
    claimed: Mapped[bool] = mapped_column(default=False)
    due_at: Mapped[datetime] = mapped_column(index=True)
