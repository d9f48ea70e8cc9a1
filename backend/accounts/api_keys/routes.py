"""API keys over HTTP. Only a person who is signed in makes and revokes them; a key can do neither."""

from datetime import timedelta
from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from flask.typing import ResponseReturnValue

from backend.accounts.api_keys import api_keys as verbs
from backend.accounts.api_keys.schemas import ApiKeyAnswer, ApiKeyBody, ApiKeyList, NewApiKeyAnswer
from backend.accounts.sessions.sessions import require_fresh_sign_in, require_session
from backend.core.database.transaction import transaction

api_keys = APIBlueprint("api_keys", __name__, tag="Account")


@api_keys.post("/users/me/api-keys")
@api_keys.input(ApiKeyBody, arg_name="body")
@api_keys.output(NewApiKeyAnswer, status_code=201)
@api_keys.doc(responses={403: "Needs a fresh sign-in", 409: "Too many keys"})
def create_api_key(body: ApiKeyBody) -> ResponseReturnValue:
    """Make an API key for your scripts. This answer alone shows it; it takes no `Idempotency-Key`."""
    with transaction():
        require_fresh_sign_in(g.caller)
        made = verbs.create_api_key(
            g.user_id, name=body.name, scopes=body.scopes, life=timedelta(days=body.expires_in_days)
        )
        shown = ApiKeyAnswer.model_validate(made.row)
    return NewApiKeyAnswer(**dict(shown), key=made.key).model_dump(mode="json"), 201


@api_keys.get("/users/me/api-keys")
@api_keys.output(ApiKeyList)
def list_api_keys() -> ApiKeyList:
    """List your API keys, newest first, without those that are revoked."""
    with transaction():
        return ApiKeyList(items=[ApiKeyAnswer.model_validate(each) for each in verbs.list_api_keys(g.user_id)])


@api_keys.delete("/users/me/api-keys/<uuid:api_key_id>")
@api_keys.output({}, status_code=204)
@api_keys.doc(responses={403: "Not with an API key"})
def revoke_api_key(api_key_id: UUID) -> ResponseReturnValue:
    """Revoke an API key: its access ends at once."""
    with transaction():
        require_session(g.caller)
        verbs.revoke_api_key(g.user_id, api_key_id)
    return "", 204
