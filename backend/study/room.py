"""The study room's entry in the manifest."""

from backend.core.manifest import Room, Routes
from backend.core.web.rate_limits import RouteClass
from backend.library.hooks import pages_replaced, study_sets_expiring
from backend.study.items.items import find_study_sets_in_use
from backend.study.models import EvidenceRow, FlashcardRow, QuestionRow, Topic, TopicLink
from backend.study.relocating import relocate_quotes

ROOM = Room(
    name="study",
    routes=(Routes("backend.study.routes:study"),),
    tables=(Topic, TopicLink, FlashcardRow, QuestionRow, EvidenceRow),
    hooks=(study_sets_expiring.to(find_study_sets_in_use), pages_replaced.to(relocate_quotes)),
    # Although it only reads, building a file from a whole study set takes long.
    limits={"study.export_study_set": RouteClass.RUN},
)
