"""Identities: a user's ways of signing in."""

from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from flask.typing import ResponseReturnValue

from backend.accounts.sessions.sessions import require_fresh_sign_in
from backend.accounts.sign_in import identities as verbs
from backend.accounts.sign_in.identity_schemas import IdentityAnswer, IdentityList
from backend.core.database.transaction import transaction

identities = APIBlueprint("identities", __name__, tag="Account")


@identities.get("/users/me/identities")
@identities.output(IdentityList)
def list_identities() -> IdentityList:
    """List your ways of signing in."""
    with transaction():
        return IdentityList(items=[IdentityAnswer.model_validate(each) for each in verbs.list_identities(g.user_id)])


@identities.delete("/users/me/identities/<uuid:identity_id>")
@identities.output({}, status_code=204)
@identities.doc(responses={403: "Needs a fresh sign-in", 409: "The last one"})
def unlink_identity(identity_id: UUID) -> ResponseReturnValue:
    """Take away one of your ways of signing in; never the last one.

    Other devices that are signed in this way are signed out.
    """
    with transaction():
        require_fresh_sign_in(g.caller)
        verbs.unlink(g.user_id, identity_id, session_id=g.caller.session_id)
    return "", 204
