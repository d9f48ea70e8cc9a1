"""The accounts room's entry in the manifest."""

from backend.accounts import service
from backend.accounts.models import Activity, ApiKey, Identity, Session, SignInCode, User
from backend.core.manifest import Chore, Room, Routes
from backend.settings import Settings

_OWN_PROOF = "requires its own one-time code or refresh token"
_SIGNING_IN = "part of signing in"


def _is_not_production(settings: Settings) -> bool:
    return settings.environment != "production"


ROOM = Room(
    name="accounts",
    routes=(
        Routes("backend.accounts.sign_in.routes:providers"),
        Routes("backend.accounts.sign_in.routes:sign_in"),
        Routes("backend.accounts.sign_in.token_routes:tokens"),
        Routes("backend.accounts.sessions.routes:sessions"),
        Routes("backend.accounts.sign_in.identity_routes:identities"),
        Routes("backend.accounts.api_keys.routes:api_keys"),
        Routes("backend.accounts.profile.routes:profile"),
        Routes("backend.accounts.sign_in.token_routes:development", when=_is_not_production),
    ),
    configure=(
        "backend.accounts.sessions.tokens:configure_tokens",
        "backend.accounts.providers.browser:configure_providers",
        "backend.accounts.sign_in.routes:configure_sign_in",
    ),
    chores=(
        Chore(service.forget_expired_codes),
        Chore(service.forget_ended_sessions),
        Chore(service.forget_old_activities),
    ),
    tables=(User, Identity, Session, SignInCode, ApiKey, Activity),
    public_endpoints={
        "tokens.redeem_code": _OWN_PROOF,
        "tokens.refresh": _OWN_PROOF,
        "tokens.sign_out": _OWN_PROOF,
        "development.dev_login": _SIGNING_IN,
        "providers.list_sign_in_providers": _SIGNING_IN,
        "sign_in.begin_sign_in": _SIGNING_IN,
        "sign_in.finish_sign_in": _SIGNING_IN,
    },
)
