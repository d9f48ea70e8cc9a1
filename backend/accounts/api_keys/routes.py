"""Routes of API keys. Creating and revoking keys requires a session; an API key can do neither."""

from datetime import timedelta
from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from flask.typing import ResponseReturnValue

from backend.accounts.api_keys import api_keys as verbs
from backend.accounts.api_keys.schemas import ApiKeyList, ApiKeyRequest, ApiKeyResponse, NewApiKeyResponse
from backend.accounts.sessions.sessions import require_fresh_sign_in, require_session
from backend.core.database.transaction import transaction

api_keys = APIBlueprint("api_keys", __name__, tag="Account")


@api_keys.post("/users/me/api-keys")
@api_keys.input(ApiKeyRequest, arg_name="body")
@api_keys.output(NewApiKeyResponse, status_code=201)
@api_keys.doc(responses={403: "Needs a fresh sign-in", 409: "Too many keys"})
def create_api_key(body: ApiKeyRequest) -> ResponseReturnValue:
    """Create an API key for your scripts. Only this response shows the key. `Idempotency-Key` is not supported."""
    with transaction():
        require_fresh_sign_in(g.caller)
        made = verbs.create_api_key(
            g.user_id, name=body.name, scopes=body.scopes, life=timedelta(days=body.expires_in_days)
        )
        shown = ApiKeyResponse.model_validate(made.row)
    return NewApiKeyResponse(**dict(shown), key=made.key).model_dump(mode="json"), 201


@api_keys.get("/users/me/api-keys")
@api_keys.output(ApiKeyList)
def list_api_keys() -> ApiKeyList:
    """List your API keys, newest first. Revoked keys are not included."""
    with transaction():
        return ApiKeyList(items=[ApiKeyResponse.model_validate(each) for each in verbs.list_api_keys(g.user_id)])


@api_keys.delete("/users/me/api-keys/<uuid:api_key_id>")
@api_keys.output({}, status_code=204)
@api_keys.doc(responses={403: "Not with an API key"})
def revoke_api_key(api_key_id: UUID) -> ResponseReturnValue:
    """Revoke an API key. Its access ends immediately."""
    with transaction():
        require_session(g.caller)
        verbs.revoke_api_key(g.user_id, api_key_id)
    return "", 204
