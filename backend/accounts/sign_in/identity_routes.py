"""Routes of identities: a user's sign-in methods."""

from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from flask.typing import ResponseReturnValue

from backend.accounts.sessions.sessions import require_fresh_sign_in
from backend.accounts.sign_in import identities as verbs
from backend.accounts.sign_in.identity_schemas import IdentityList, IdentityResponse
from backend.core.database.transaction import transaction

identities = APIBlueprint("identities", __name__, tag="Account")


@identities.get("/users/me/identities")
@identities.output(IdentityList)
def list_identities() -> IdentityList:
    """List your sign-in methods."""
    with transaction():
        return IdentityList(items=[IdentityResponse.model_validate(each) for each in verbs.list_identities(g.user_id)])


@identities.delete("/users/me/identities/<uuid:identity_id>")
@identities.output({}, status_code=204)
@identities.doc(responses={403: "Needs a fresh sign-in", 409: "The only sign-in method"})
def unlink_identity(identity_id: UUID) -> ResponseReturnValue:
    """Unlink a sign-in method. The last one cannot be unlinked.

    Your other devices that used this method are signed out.
    """
    with transaction():
        require_fresh_sign_in(g.caller)
        verbs.unlink(g.user_id, identity_id, session_id=g.caller.session_id)
    return "", 204
