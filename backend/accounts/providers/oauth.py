"""Gateway to the sign-in providers: OpenID Connect, and GitHub's OAuth 2.

Authlib builds the authorization URL and exchanges the code. This module adds what Authlib leaves to its caller: limits
of time and size, validation and caching of discovery documents, and the check that a callback belongs to the sign-in
that this browser started. ID tokens are validated in ``id_tokens``.

Sources: OpenID Connect Core 1.0, Discovery 1.0 (4.3 for the issuer), RFC 7636 (PKCE), RFC 9207 (``iss`` parameter).
"""

import io
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from requests import RequestException, Response
from urllib3.exceptions import HTTPError

from backend.accounts.providers.configured import (
    Provider,
    configured_providers,
    describe,
    read_subject,
)
from backend.accounts.providers.documents import Documents, ProviderSlots
from backend.accounts.providers.errors import (
    EmailNotVerified,
    ProviderUnavailable,
    SignInCancelled,
    SignInFailed,
    UnknownProvider,
)
from backend.accounts.providers.id_tokens import Expected, IdTokenRefused, KeyUnknown, is_recent, read_id_token
from backend.accounts.types import PendingSignIn, VerifiedIdentity
from backend.core.database.transaction import refuse_open_transaction
from backend.core.errors import DomainError
from backend.core.process.logging import get_logger
from backend.identity_providers import check_provider_address
from backend.settings import Settings

log = get_logger(__name__)

# Must match the redirect URI registered with each provider exactly.
CALLBACK_PATH = "/api/v1/auth/callback"

_CONNECT_S = 3.0
_MAX_RESPONSE_BYTES = 500_000
_CHUNK_BYTES = 16_384
_MAX_CODE_CHARS = 2_000
# An unknown key id refetches the JWKS immediately, but not more often than this.
_MIN_KEYS_AGE_S = 60.0
_CACHED_S = 3600.0
# Endpoints hardly ever change, so a day-old discovery document serves while the provider is unreachable.
_STALE_S = 86_400.0
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_ERROR_WORD = re.compile("[a-z_]{1,40}")
_UNAVAILABLE = frozenset({"server_error", "temporarily_unavailable"})
_GITHUB_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class AuthorizationRequest(NamedTuple):
    """The URL to send the browser to, and the values that the callback must match."""

    address: str
    state: str
    verifier: str
    nonce: str


class _Calls(OAuth2Session):
    """HTTP calls to one provider, sharing one deadline."""

    def __init__(self, gateway: "OAuthGateway", provider: Provider, **options: Any) -> None:
        super().__init__(
            client_id=provider.client_id,
            client_secret=provider.client_secret.get_secret_value(),
            redirect_uri=gateway.redirect_uri(provider),
            code_challenge_method="S256",
            **options,
        )
        self.headers["User-Agent"] = "HackTheStudy"
        # No compression: a small response could otherwise expand beyond the size limit.
        self.headers["Accept-Encoding"] = "identity"
        self._slots = gateway.slots
        self._timeout_s = gateway.timeout_s
        self._deadline = time.monotonic() + 3 * gateway.timeout_s

    def request(self, method: str, url: str, **options: Any) -> Response:
        """Send a request. A GET is retried once after a network error or a 5xx status."""
        refuse_open_transaction()
        with self._slots.enter():
            return self._send_bounded(method, url, options)

    def _send_bounded(self, method: str, url: str, options: dict[str, Any]) -> Response:
        if method == "GET":
            try:
                response = self._send(method, url, options)
            except (RequestException, HTTPError):
                pass
            else:
                if response.status_code < 500:
                    return response
        return self._send(method, url, options)

    def read_object(self, url: str, **options: Any) -> dict[str, Any]:
        """Get a JSON object. Raises ValueError for anything else."""
        content = self._read(url, options)
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")
        return content

    def read_list(self, url: str, **options: Any) -> list[Any]:
        """Get a JSON list. Raises ValueError for anything else."""
        content = self._read(url, options)
        if not isinstance(content, list):
            raise ValueError("not a JSON list")
        return content

    def _read(self, url: str, options: dict[str, Any]) -> object:
        response = self.get(url, **options)
        if response.status_code != 200:
            raise ValueError(f"status {response.status_code}")
        return response.json()

    def _send(self, method: str, url: str, options: dict[str, Any]) -> Response:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise RequestException("out of time")
        timeouts = (min(_CONNECT_S, left_s), min(self._timeout_s, left_s))
        # No redirects: they could carry the code or a token to an untrusted host.
        limits = {"timeout": timeouts, "allow_redirects": False, "stream": True}
        response = super().request(method, url, **{**options, **limits})
        with response:
            body = bytearray()
            # read1 returns whatever has arrived, so that the deadline also stops a slow trickle.
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
                body += chunk
                if len(body) > _MAX_RESPONSE_BYTES or time.monotonic() > self._deadline:
                    raise RequestException("too large or too slow")
        response.raw = io.BytesIO(bytes(body))
        return cast(Response, response)


class OAuthGateway:
    """The configured providers of one process. Contacts a provider only when a user signs in."""

    def __init__(self, settings: Settings) -> None:
        self.providers = configured_providers(settings)
        self.public_url = settings.public_url.rstrip("/")
        self.timeout_s = settings.provider_timeout_s
        # Half of the threads, so that the others stay free for requests that need no provider.
        self.slots = ProviderSlots(max(settings.gunicorn_threads // 2, 1), waiting=1)
        self.documents = Documents()

    def redirect_uri(self, provider: Provider) -> str:
        """Return the callback URL. Built from ``PUBLIC_URL``, never from a Host header."""
        return f"{self.public_url}{CALLBACK_PATH}/{provider.name}"

    def get_provider(self, name: str) -> Provider:
        """Raises UnknownProvider."""
        found = self.providers.get(name)
        if found is None:
            raise UnknownProvider
        return found

    def start(self, provider: Provider, *, fresh: bool) -> AuthorizationRequest:
        """Build the authorization URL, and the values that the callback must match.

        ``fresh`` tells the provider to ask for the password again. Raises ProviderUnavailable.
        """
        state, verifier, nonce = generate_token(32), generate_token(64), generate_token(32)
        extra: dict[str, Any] = {}
        if fresh:
            extra = {"prompt": "login", "max_age": 0} if provider.reauthenticates else {"prompt": "select_account"}
        with _translated(provider):
            if provider.kind == "github":
                calls = _Calls(self, provider, scope="read:user user:email")
                endpoint = f"{provider.issuer}/login/oauth/authorize"
            else:
                calls = _Calls(self, provider, scope="openid email profile")
                endpoint = self._metadata(provider, calls)["authorization_endpoint"]
                extra["nonce"] = nonce
            address, _ = calls.create_authorization_url(endpoint, state=state, code_verifier=verifier, **extra)
        return AuthorizationRequest(address, state, verifier, nonce)

    def finish(self, provider: Provider, pending: PendingSignIn, callback: Mapping[str, str]) -> VerifiedIdentity:
        """Exchange the code and return the validated identity. ``callback`` holds the query parameters of the callback.

        Raises SignInCancelled, SignInFailed, EmailNotVerified and ProviderUnavailable.
        """
        with _translated(provider):
            calls = _Calls(self, provider)
            metadata = self._metadata(provider, calls) if provider.kind == "openid" else {}
            code = _read_callback(provider, metadata, callback)
            if provider.kind == "github":
                return _ask_github(provider, calls, pending, code)
            return self._ask_openid(provider, calls, metadata, pending, code)

    def _ask_openid(
        self, provider: Provider, calls: _Calls, metadata: Mapping[str, Any], pending: PendingSignIn, code: str
    ) -> VerifiedIdentity:
        methods = metadata.get("token_endpoint_auth_methods_supported") or ()
        calls.token_endpoint_auth_method = (
            "client_secret_post" if "client_secret_post" in methods else "client_secret_basic"
        )
        token = _exchange(calls, metadata["token_endpoint"], pending, code)
        claims = self._read_claims(provider, calls, metadata, pending, token.get("id_token"))
        subject = read_subject(claims.get("sub"))
        if subject is None:
            raise _refused(provider, "subject")
        endpoint = metadata.get("userinfo_endpoint")
        if "email" not in claims and endpoint is not None:
            # Many providers put only the subject into the ID token, and the rest into userinfo (Core 1.0, section 5.4).
            userinfo = calls.read_object(endpoint)
            if userinfo.get("sub") != subject:
                raise _refused(provider, "userinfo subject")
            claims = {**userinfo, **claims}
        return describe(provider, subject, claims)

    def _read_claims(
        self, provider: Provider, calls: _Calls, metadata: Mapping[str, Any], pending: PendingSignIn, raw: object
    ) -> dict[str, Any]:
        """Validate the ID token and return its claims. Raises SignInFailed."""
        expected = Expected(provider.issuer, provider.client_id, pending.nonce)
        try:
            try:
                claims = read_id_token(raw, self._keys(provider, calls, metadata, age_s=_CACHED_S), expected)
            except KeyUnknown:
                # The provider has rotated its keys since the JWKS was fetched.
                claims = read_id_token(raw, self._keys(provider, calls, metadata, age_s=_MIN_KEYS_AGE_S), expected)
        except IdTokenRefused as refusal:
            raise _refused(provider, refusal.reason) from None
        if pending.fresh and provider.reauthenticates and not is_recent(claims, pending.began_at):
            raise _refused(provider, "not fresh")
        return claims

    def _metadata(self, provider: Provider, calls: _Calls) -> dict[str, Any]:
        """Return the discovery document after checking its issuer and that all endpoints are safe addresses."""

        def read() -> dict[str, Any]:
            address = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
            document = calls.read_object(address, withhold_token=True)
            if document.get("issuer") != provider.issuer:
                raise ValueError("issuer does not match")
            for name in (*_ENDPOINTS, *(name for name in ("userinfo_endpoint",) if name in document)):
                _check_endpoint(document.get(name), provider)
            return document

        return self.documents.get(f"{provider.name} metadata", read, age_s=_CACHED_S, stale_s=_STALE_S)

    def _keys(self, provider: Provider, calls: _Calls, metadata: Mapping[str, Any], *, age_s: float) -> dict[str, Any]:
        """Return the provider's JWKS, at most ``age_s`` seconds old."""
        address = metadata["jwks_uri"]
        # No stale fallback: a key that the provider has withdrawn must not stay trusted.
        return self.documents.get(
            f"{provider.name} keys", lambda: calls.read_object(address, withhold_token=True), age_s=age_s
        )


def _read_callback(provider: Provider, metadata: Mapping[str, Any], callback: Mapping[str, str]) -> str:
    """Return the code of the callback. Raises OAuthError with the provider's error, and SignInFailed."""
    issuer = callback.get("iss")
    if provider.kind == "openid":
        is_required = metadata.get("authorization_response_iss_parameter_supported") is True
        if issuer != provider.issuer and (issuer is not None or is_required):
            raise _refused(provider, "response issuer")
    if error := callback.get("error"):
        raise OAuthError(error=error)
    code = callback.get("code", "")
    if not 0 < len(code) <= _MAX_CODE_CHARS:
        raise _refused(provider, "no code")
    return code


def _ask_github(provider: Provider, calls: _Calls, pending: PendingSignIn, code: str) -> VerifiedIdentity:
    calls.token_endpoint_auth_method = "client_secret_post"
    _exchange(calls, f"{provider.issuer}/login/oauth/access_token", pending, code)
    user = calls.read_object(f"{provider.api_url}/user", headers=_GITHUB_HEADERS)
    # The number is stable. A login can be renamed, and the old one taken by another user.
    number = user.get("id")
    if type(number) is not int or number <= 0:
        raise ValueError("no id")
    addresses = calls.read_list(f"{provider.api_url}/user/emails?per_page=100", headers=_GITHUB_HEADERS)
    verified = [
        entry.get("email")
        for entry in addresses
        if isinstance(entry, dict) and entry.get("primary") is True and entry.get("verified") is True
    ]
    if not verified:
        raise EmailNotVerified
    name, picture = user.get("name") or user.get("login"), user.get("avatar_url")
    claims = {"email": verified[0], "email_verified": True, "name": name, "picture": picture}
    return describe(provider, str(number), claims)


def _exchange(calls: _Calls, endpoint: str, pending: PendingSignIn, code: str) -> dict[str, Any]:
    """Exchange the code for tokens. ``calls`` sends the access token from then on."""
    token: dict[str, Any] = calls.fetch_token(
        endpoint, grant_type="authorization_code", code=code, code_verifier=pending.verifier
    )
    if not isinstance(token.get("access_token"), str) or not token["access_token"]:
        raise ValueError("no access token")
    return token


def _check_endpoint(address: object, provider: Provider) -> None:
    if not isinstance(address, str):
        raise ValueError("missing endpoint")
    # Unlike an issuer, an endpoint may have a query.
    check_provider_address(address.split("?", 1)[0])
    if provider.issuer.startswith("https://") and not address.startswith("https://"):
        raise ValueError("endpoint without TLS")


@contextmanager
def _translated(provider: Provider) -> Iterator[None]:
    """Translate the provider's errors and failures into domain errors."""
    try:
        yield
    except OAuthError as error:
        raise _domain_error(provider, str(error.error)) from None
    except (RequestException, HTTPError, ValueError, RecursionError) as error:
        # Only the type is logged: the message may quote secrets.
        log.warning("accounts.provider.failed", provider=provider.name, error=type(error).__name__)
        raise ProviderUnavailable from None


def _domain_error(provider: Provider, said: str) -> DomainError:
    """Map a provider's error code (RFC 6749, 4.1.2.1 and 5.2, and GitHub's own) to a domain error."""
    if said == "access_denied":
        return SignInCancelled()
    if said == "unverified_user_email":
        return EmailNotVerified()
    if said in _UNAVAILABLE:
        log.warning("accounts.provider.failed", provider=provider.name, error=said)
        return ProviderUnavailable()
    # Anyone can forge the error of a callback, so only codes of the standards' form are logged.
    return _refused(provider, said if _ERROR_WORD.fullmatch(said) else "other")


def _refused(provider: Provider, reason: str) -> SignInFailed:
    log.warning("accounts.sign_in.refused", provider=provider.name, reason=reason)
    return SignInFailed()
