"""Signing in. The development sign-in is registered outside production only."""

from datetime import timedelta

from apiflask import APIBlueprint

from backend.accounts import service
from backend.accounts.schemas import DevLoginBody, TokenAnswer
from backend.accounts.tokens import issue_access_token
from backend.core.transaction import transaction

development = APIBlueprint("development", __name__, tag="Sign-in")

_LIFE = timedelta(hours=24)


@development.post("/auth/dev-login")
@development.input(DevLoginBody, arg_name="body")
@development.output(TokenAnswer)
def dev_login(body: DevLoginBody) -> TokenAnswer:
    """Sign in for development; not there in production."""
    with transaction():
        user_id = service.sign_in_for_development(body.email)
    return TokenAnswer(
        access_token=issue_access_token(user_id, life=_LIFE),
        expires_in=int(_LIFE.total_seconds()),
        user_id=user_id,
    )
