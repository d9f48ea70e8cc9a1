"""The privacy room's entry in the manifest."""

from backend.core.manifest import Chore, Room, Routes
from backend.core.web.rate_limits import RouteClass
from backend.core.work.jobs import JobKind
from backend.privacy import service
from backend.privacy.erasing import erase_user, try_again
from backend.privacy.exports.making import claim_in_turn, give_up, let_others_go_first, make_export
from backend.privacy.models import DataExport, Erasure, ExportPiece

ROOM = Room(
    name="privacy",
    routes=(Routes("backend.privacy.routes:privacy"),),
    jobs=(
        JobKind(
            name="privacy.export",
            model=DataExport,
            work=make_export,
            give_up=give_up,
            after_retry=let_others_go_first,
            claim=claim_in_turn,
        ),
        JobKind(name="privacy.erasure", model=Erasure, work=erase_user, give_up=try_again),
    ),
    chores=(Chore(service.delete_expired_exports),),
    tables=(DataExport, ExportPiece, Erasure),
    public_endpoints={
        "privacy.download_linked_export": "a navigating browser sends no token, so a ticket in the URL stands for it"
    },
    limits={"privacy.request_export": RouteClass.RUN},
)
