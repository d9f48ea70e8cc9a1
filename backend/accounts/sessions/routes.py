"""Routes of sessions: the devices a user is signed in on."""

from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from flask.typing import ResponseReturnValue

from backend.accounts.sessions import sessions as verbs
from backend.accounts.sessions.schemas import SessionList, SessionResponse
from backend.core.database.transaction import transaction

sessions = APIBlueprint("sessions", __name__, tag="Account")


@sessions.get("/users/me/sessions")
@sessions.output(SessionList)
def list_sessions() -> SessionList:
    """List the devices you are signed in on."""
    with transaction():
        found = verbs.list_sessions(g.user_id)
    return SessionList(
        items=[
            SessionResponse(
                id=each.id,
                device=each.device,
                provider=each.provider,
                created_at=each.created_at,
                last_seen_at=each.last_seen_at,
                expires_at=each.expires_at,
                is_current=each.id == g.caller.session_id,
            )
            for each in found
        ]
    )


@sessions.delete("/users/me/sessions/<uuid:session_id>")
@sessions.output({}, status_code=204)
@sessions.doc(responses={403: "Not with an API key"})
def end_session(session_id: UUID) -> ResponseReturnValue:
    """Sign a device out. Its access ends immediately."""
    with transaction():
        verbs.require_session(g.caller)
        verbs.end_session(g.user_id, session_id)
    return "", 204
