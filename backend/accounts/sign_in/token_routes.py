"""Routes that issue tokens for a one-time code or a refresh token, sign out, and sign in for development."""

from datetime import timedelta

from apiflask import APIBlueprint
from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from backend.accounts.errors import SessionEnded, SignInCodeRefused
from backend.accounts.models import Session
from backend.accounts.sessions import sessions
from backend.accounts.sessions.tokens import TokenClaims, issue_access_token, read_refresh_token
from backend.accounts.sign_in import hand_over, identities
from backend.accounts.sign_in.token_schemas import (
    HAND_OVER_COOKIE,
    REFRESH_COOKIE,
    DevLoginRequest,
    RefreshRequest,
    TokenRequest,
    TokenResponse,
)
from backend.core.clock import now
from backend.core.database.transaction import transaction
from backend.core.web.cookies import delete_cookie, read_cookie, set_cookie
from backend.core.web.origins import require_allowed_origin
from backend.core.web.rate_limits import limit_sign_in_of
from backend.settings import get_settings

tokens = APIBlueprint("tokens", __name__, tag="Sign-in")
development = APIBlueprint("development", __name__, tag="Sign-in")

_DEVELOPMENT_LIFE = timedelta(hours=24)


@tokens.post("/auth/token")
@tokens.input(TokenRequest, arg_name="body")
@tokens.output(TokenResponse)
@tokens.doc(responses={401: "The code is invalid"})
def redeem_code(body: TokenRequest) -> ResponseReturnValue:
    """Exchange a one-time sign-in code for tokens. Works only in the browser that signed in."""
    require_allowed_origin()
    browser = read_cookie(HAND_OVER_COOKIE)
    with transaction():
        session = None
        if browser is not None:
            session = hand_over.redeem_code(body.code, browser, user_agent=request.user_agent.string)
            _end_replaced_session(session)
    if session is None:
        raise SignInCodeRefused
    response = _respond(session, in_cookie=body.refresh == "cookie")
    delete_cookie(response, HAND_OVER_COOKIE)
    return response


def _end_replaced_session(session: Session | None) -> None:
    """End this browser's previous session if the same user has signed in again."""
    claims = _read_refresh_token(None)
    if session is not None and claims is not None and claims.user_id == session.user_id:
        sessions.end_open_session(session.user_id, claims.session_id, reason="signed_in_again")


@tokens.post("/auth/refresh")
@tokens.input(RefreshRequest, arg_name="body")
@tokens.output(TokenResponse)
@tokens.doc(responses={401: "The session has ended"})
def refresh(body: RefreshRequest) -> ResponseReturnValue:
    """Get a new access token, and a new refresh token that replaces the one sent."""
    require_allowed_origin()
    claims = _read_refresh_token(body.refresh_token)
    if claims is None:
        raise SessionEnded
    limit_sign_in_of(claims.user_id)
    with transaction():
        session = sessions.refresh_session(claims)
    if session is None:
        raise SessionEnded
    return _respond(session, in_cookie=body.refresh_token is None)


@tokens.post("/auth/logout")
@tokens.input(RefreshRequest, arg_name="body")
@tokens.output({}, status_code=204)
def sign_out(body: RefreshRequest) -> ResponseReturnValue:
    """End the session of the refresh token. Signing out again has no effect."""
    require_allowed_origin()
    claims = _read_refresh_token(body.refresh_token)
    if claims is not None:
        with transaction():
            sessions.end_open_session(claims.user_id, claims.session_id, reason="signed_out")
    return _without_cookie()


@tokens.post("/auth/logout-everywhere")
@tokens.output({}, status_code=204)
def sign_out_everywhere() -> ResponseReturnValue:
    """End all your sessions, including this one. API keys stay valid."""
    with transaction():
        sessions.require_session(g.caller)
        sessions.end_sessions(g.user_id)
    return _without_cookie()


def _read_refresh_token(sent: str | None) -> TokenClaims | None:
    """Return the claims of the refresh token in the body or else in the cookie; None without a valid one."""
    token = sent or read_cookie(REFRESH_COOKIE)
    return read_refresh_token(token) if token else None


def _respond(session: Session, *, in_cookie: bool) -> Response:
    life = timedelta(minutes=get_settings().access_token_minutes)
    token = sessions.refresh_token_of(session)
    body = TokenResponse(
        access_token=issue_access_token(session.user_id, session.id, life=life),
        expires_in=int(life.total_seconds()),
        user_id=session.user_id,
        refresh_token=None if in_cookie else token,
    )
    response = jsonify(body.model_dump(mode="json", exclude_none=True))
    if in_cookie:
        # SameSite=Strict: only requests of the browser app itself send it.
        left_s = max(int((session.expires_at - now()).total_seconds()), 1)
        set_cookie(response, REFRESH_COOKIE, token, max_age_s=left_s)
    return response


def _without_cookie() -> Response:
    response = Response(status=204)
    delete_cookie(response, REFRESH_COOKIE)
    return response


@development.post("/auth/dev-login")
@development.input(DevLoginRequest, arg_name="body")
@development.output(TokenResponse)
def dev_login(body: DevLoginRequest) -> TokenResponse:
    """Sign in for development. Does not exist in production."""
    with transaction():
        user_id = identities.sign_in_for_development(body.email)
        session = sessions.begin_session(
            user_id, provider=identities.DEVELOPMENT_PROVIDER, is_fresh=True, user_agent=request.user_agent.string
        )
    return TokenResponse(
        access_token=issue_access_token(user_id, session.id, life=_DEVELOPMENT_LIFE),
        expires_in=int(_DEVELOPMENT_LIFE.total_seconds()),
        user_id=user_id,
        refresh_token=sessions.refresh_token_of(session),
    )
