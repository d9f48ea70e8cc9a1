"""The library's entry in the manifest."""

from backend.core.manifest import Chore, Room, Routes
from backend.core.web.rate_limits import RouteClass
from backend.core.work.jobs import JobKind
from backend.library import service
from backend.library.extraction.formats import DocumentFormat
from backend.library.models import DiscardedObject, Document, ImagePiece, Page, PageImage, StoredPiece, StudySet
from backend.library.reading import give_up, lock_first, read_document

READING = JobKind(
    name="library.document",
    model=Document,
    work=read_document,
    give_up=give_up,
    lock_first=lock_first,
    labels=(Document.format, tuple(DocumentFormat)),
)

ROOM = Room(
    name="library",
    routes=(Routes("backend.library.routes:library"),),
    jobs=(READING,),
    chores=(Chore(service.delete_expired_files, every=500, opens_transactions=True), Chore(service.drop_old_images)),
    background=(service.move_documents, service.discard_objects),
    tables=(StudySet, Document, Page, StoredPiece, PageImage, ImagePiece, DiscardedObject),
    limits={"library.upload_documents": RouteClass.UPLOAD},
)
