"""Where a user is signed in, and the ways she has of signing in."""

from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from flask.typing import ResponseReturnValue

from backend.accounts import service
from backend.accounts.sessions.schemas import IdentityAnswer, IdentityList, SessionAnswer, SessionList
from backend.core.database.transaction import transaction

sessions = APIBlueprint("sessions", __name__, tag="Account")


@sessions.get("/users/me/sessions")
@sessions.output(SessionList)
def list_sessions() -> SessionList:
    """List the devices you are signed in on."""
    with transaction():
        found = service.list_sessions(g.user_id)
    return SessionList(
        items=[
            SessionAnswer(
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
    """Sign a device out: its access ends at once."""
    with transaction():
        service.require_session(g.caller)
        service.end_session(g.user_id, session_id)
    return "", 204


@sessions.get("/users/me/identities")
@sessions.output(IdentityList)
def list_identities() -> IdentityList:
    """List your ways of signing in."""
    with transaction():
        return IdentityList(items=[IdentityAnswer.model_validate(each) for each in service.list_identities(g.user_id)])


@sessions.delete("/users/me/identities/<uuid:identity_id>")
@sessions.output({}, status_code=204)
@sessions.doc(responses={403: "Needs a fresh sign-in", 409: "The last one"})
def unlink_identity(identity_id: UUID) -> ResponseReturnValue:
    """Take away one of your ways of signing in; never the last one.

    Other devices that are signed in this way are signed out.
    """
    with transaction():
        service.require_fresh_sign_in(g.caller)
        service.unlink(g.user_id, identity_id, session_id=g.caller.session_id)
    return "", 204
