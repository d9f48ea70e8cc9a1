"""The library's entry in the manifest."""

from backend.core.manifest import Chore, Room, Routes
from backend.core.web.rate_limits import RouteClass
from backend.core.work.jobs import JobKind
from backend.library import service
from backend.library.extraction.formats import DocumentFormat
from backend.library.models import (
    Conversion,
    ConvertedPiece,
    DiscardedObject,
    Document,
    ImagePiece,
    Page,
    PageImage,
    Rereading,
    StoredPiece,
    StudySet,
)
from backend.library.page_images import conversions
from backend.library.reading import give_up, lock_first, read_document
from backend.library.reading_places import (
    claim_conversion,
    claim_place,
    fill_places,
    is_convertible,
    is_in_turn,
    is_startable,
)
from backend.library.rereading import keep_old_text, reread_document

READING = JobKind(
    name="library.document",
    model=Document,
    work=read_document,
    give_up=give_up,
    lock_first=lock_first,
    claim=claim_place,
    released=fill_places,
    startable=is_startable,
    in_turn=is_in_turn,
    labels=(Document.format, tuple(DocumentFormat)),
)

REREADING = JobKind(
    name="library.rereading",
    model=Rereading,
    work=reread_document,
    give_up=keep_old_text,
    claim=claim_place,
    released=fill_places,
    startable=is_startable,
    in_turn=is_in_turn,
)

CONVERTING = JobKind(
    name="library.conversion",
    model=Conversion,
    work=conversions.convert_document,
    give_up=conversions.forget,
    lock_first=conversions.lock_first,
    claim=claim_conversion,
    released=fill_places,
    startable=is_convertible,
)

ROOM = Room(
    name="library",
    routes=(Routes("backend.library.routes:library"),),
    jobs=(READING, REREADING, CONVERTING),
    chores=(Chore(service.delete_expired_files, every=500, opens_transactions=True), Chore(service.drop_old_images)),
    background=(service.move_documents, service.discard_objects),
    text_bodies=frozenset({"library.upload_documents"}),
    tables=(
        StudySet,
        Document,
        Page,
        Rereading,
        StoredPiece,
        PageImage,
        ImagePiece,
        Conversion,
        ConvertedPiece,
        DiscardedObject,
    ),
    limits={"library.upload_documents": RouteClass.UPLOAD},
)
