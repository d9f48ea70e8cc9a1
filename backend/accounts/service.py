"""Public verbs of the accounts room."""

from backend.accounts.activity import forget_old_activities, list_activities, record_activity
from backend.accounts.api_keys.api_keys import create_api_key, list_api_keys, revoke_api_key
from backend.accounts.callers import get_caller, require_access
from backend.accounts.leaving import leave, mark_erased
from backend.accounts.profile.profile import change_profile, get_contact, get_exam_defaults, get_profile
from backend.accounts.sessions.sessions import (
    begin_session,
    end_open_session,
    end_session,
    end_sessions,
    forget_ended_sessions,
    list_sessions,
    refresh_session,
    refresh_token_of,
    require_fresh_sign_in,
    require_session,
)
from backend.accounts.sign_in.hand_over import CODE_LIFE, begin_hand_over, forget_expired_codes, redeem_code
from backend.accounts.sign_in.identities import (
    DEVELOPMENT_PROVIDER,
    link,
    link_to_session,
    list_identities,
    sign_in,
    sign_in_for_development,
    unlink,
)
from backend.accounts.sign_in.proofs import list_proofs, list_users_with_verified_email
from backend.accounts.support import (
    describe_access,
    disable_user,
    enable_user,
    find_user,
    find_users,
    get_user,
    keep_user,
    require_active_user,
    set_role,
)

__all__ = [
    "CODE_LIFE",
    "DEVELOPMENT_PROVIDER",
    "begin_hand_over",
    "begin_session",
    "change_profile",
    "create_api_key",
    "describe_access",
    "disable_user",
    "enable_user",
    "end_open_session",
    "end_session",
    "end_sessions",
    "find_user",
    "find_users",
    "forget_ended_sessions",
    "forget_expired_codes",
    "forget_old_activities",
    "get_caller",
    "get_contact",
    "get_exam_defaults",
    "get_profile",
    "get_user",
    "keep_user",
    "leave",
    "link",
    "link_to_session",
    "list_activities",
    "list_api_keys",
    "list_identities",
    "list_proofs",
    "list_sessions",
    "list_users_with_verified_email",
    "mark_erased",
    "record_activity",
    "redeem_code",
    "refresh_session",
    "refresh_token_of",
    "require_access",
    "require_active_user",
    "require_fresh_sign_in",
    "require_session",
    "revoke_api_key",
    "set_role",
    "sign_in",
    "sign_in_for_development",
    "unlink",
]
