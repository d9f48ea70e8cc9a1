"""Images of pages that are kept: found, added, and dropped beyond their bounds, least recently used first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from io import SEEK_END
from typing import IO, Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.database.quotas import lock_quota
from backend.core.database.transaction import transaction
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.library.files.objects import PIECE_BYTES, Location
from backend.library.files.stored_file import StoredFile
from backend.library.models import POSTGRES, Document, ImagePiece, Page, PageImage, StudySet
from backend.library.page_images.converted_files import (
    converted_file,
    converted_for,
    drop_files,
    measure_converted_files,
)
from backend.library.page_images.errors import ImageDropped
from backend.settings import get_settings

USERS_PART: Final = 20
"""The images of one user take at most the storage quota divided by this."""

# A page that could not be rendered is tried again after this long.
_FAILED_FOR: Final = timedelta(hours=1)
# ``used_at`` is written at most this often, so that showing pages is mostly reading.
_USED_WITHIN: Final = timedelta(hours=6)
_DROPPED_AT_ONCE: Final = 200

image_file = StoredFile(PageImage, ImagePiece, {"image_id": PageImage.id}, ImageDropped)


class Failed(StrEnum):
    """What is known of a page that could not be rendered."""

    LATELY = "lately"


@dataclass(frozen=True, slots=True)
class ImageOf:
    """What an image shows: a page (counted from 1) in a width in pixels."""

    document_id: UUID
    page: int
    width: int


@dataclass(frozen=True, slots=True)
class KeptImage:
    """``data`` is None if the image is not in PostgreSQL, or large; then ``image_file`` opens it."""

    id: UUID
    data: bytes | None


def find_image(shown: ImageOf) -> KeptImage | Failed | None:
    """Return the kept image of a page, and note that it is used. Needs a transaction."""
    is_whole = sa.and_(
        ImagePiece.image_id == PageImage.id,
        ImagePiece.number == 0,
        PageImage.stored_in == POSTGRES,
        PageImage.size_bytes <= PIECE_BYTES,
    )
    moment = database_now()
    row = db.session.execute(
        sa.select(
            PageImage.id,
            PageImage.stored_in,
            ImagePiece.data,
            (PageImage.created_at > moment - _FAILED_FOR).label("is_new"),
            (PageImage.used_at < moment - _USED_WITHIN).label("is_stale"),
        )
        .select_from(PageImage)
        .outerjoin(ImagePiece, is_whole)
        .where(*_is_of(shown))
    ).one_or_none()
    if row is None:
        return None
    if row.stored_in is None:
        return Failed.LATELY if row.is_new else None
    if row.is_stale:
        used = sa.update(PageImage).where(PageImage.id == row.id).values(used_at=moment)
        db.session.execute(used.execution_options(synchronize_session=False))
    return KeptImage(row.id, row.data)


def add_image(user_id: UUID, shown: ImageOf, image: IO[bytes], location: Location) -> None:
    """Keep an image unless the same one is there already. Drops the user's least recently used ones beyond their bound.

    ``location`` is what ``write_object`` returned for the image. Needs a transaction. Raises NotFound, and FileChanged
    when the object was given up meanwhile.
    """
    image_id = _add_row(shown, image.seek(0, SEEK_END))
    if image_id is not None:
        image_file.put(image_id, image, location=location)
        _drop_surplus(user_id)


def add_failure(shown: ImageOf) -> None:
    """Remember for a while that a page cannot be rendered. Needs a transaction. Raises NotFound."""
    _add_row(shown, 0)


def note_word_boxes(document_id: UUID, page: int, text: str, boxes: Sequence[Sequence[Any]]) -> None:
    """Note where the words of a page are shown, if it still has this text. Needs a transaction."""
    db.session.execute(
        sa.update(Page)
        .where(Page.document_id == document_id, Page.number == page, Page.text == text)
        .values(word_boxes=list(boxes))
        .execution_options(synchronize_session=False)
    )


def measure_images(user_id: UUID) -> int:
    """Return how many bytes the images of a user's pages take, with the PDFs that were made to show them."""
    return _measure(_of_user(user_id)) + measure_converted_files(converted_for(user_id))


def drop_images(*which: sa.ColumnElement[bool]) -> int:
    """Delete the images that meet the conditions. Returns how many. Needs a transaction."""
    dropped = sa.delete(PageImage).where(*which).returning(PageImage.id)
    return len(db.session.scalars(dropped.execution_options(synchronize_session=False)).all())


def drop_left_images() -> int:
    """Delete images, and PDFs made to show pages, in buckets that ``DOCUMENT_STORAGE`` no longer names.

    They are made again when somebody looks at them. Returns how many. Opens transactions.
    """
    with transaction():
        images = drop_images(image_file.is_left())
    with transaction():
        return images + len(converted_file.delete(converted_file.is_left()))


def drop_old_images() -> int:
    """Delete what exceeds the bound for all users: images, least recently used first, then PDFs.

    Returns how many.
    """
    surplus = _measure(sa.true()) + measure_converted_files(sa.true()) - get_settings().page_image_bytes
    dropped = _drop(surplus, sa.true())
    return dropped or drop_files(surplus, sa.true())


def _is_of(shown: ImageOf) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        PageImage.document_id == shown.document_id,
        PageImage.page == shown.page,
        PageImage.width == shown.width,
    )


def _add_row(shown: ImageOf, size_bytes: int) -> UUID | None:
    """Return the new row's id, or None if the image is there already. A failure's row is replaced."""
    db.session.execute(
        sa.delete(PageImage)
        .where(*_is_of(shown), PageImage.stored_in.is_(None))
        .execution_options(synchronize_session=False)
    )
    row = insert(PageImage).values(
        id=new_id(),
        document_id=shown.document_id,
        page=shown.page,
        width=shown.width,
        size_bytes=size_bytes,
        stored_in=None,
    )
    try:
        return db.session.scalar(row.on_conflict_do_nothing().returning(PageImage.id))
    except IntegrityError:
        # The document was deleted meanwhile.
        raise NotFound from None


def _drop_surplus(user_id: UUID) -> None:
    lock_quota("page-images", user_id)
    mine = _of_user(user_id)
    _drop(_measure(mine) - get_settings().storage_quota_bytes // USERS_PART, mine)


def _of_user(user_id: UUID) -> sa.ColumnElement[bool]:
    mine = (
        sa.select(Document.id).join(StudySet, StudySet.id == Document.study_set_id).where(StudySet.user_id == user_id)
    )
    return PageImage.document_id.in_(mine)


def _measure(which: sa.ColumnElement[bool]) -> int:
    used = sa.select(sa.func.coalesce(sa.func.sum(PageImage.size_bytes), 0)).where(which)
    return int(db.session.scalars(used).one())


def _drop(surplus: int, which: sa.ColumnElement[bool]) -> int:
    """Delete the least recently used images until the surplus is gone, or a bounded number."""
    if surplus <= 0:
        return 0
    oldest = db.session.execute(
        sa.select(PageImage.id, PageImage.size_bytes)
        .where(which, PageImage.stored_in.is_not(None))
        .order_by(PageImage.used_at, PageImage.id)
        .limit(_DROPPED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    dropped = []
    for row in oldest:
        if surplus <= 0:
            break
        dropped.append(row.id)
        surplus -= row.size_bytes
    return drop_images(PageImage.id.in_(dropped))
