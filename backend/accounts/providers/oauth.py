"""The gateway to the providers that users sign in with: OpenID Connect, and GitHub's OAuth 2.

Authlib builds the address that the browser is sent to, and exchanges the code. What it leaves to its caller is here:
limits of time and size, which discovery document is believed and for how long, and that the callback answers this
browser's own question. What an ID token must be is in ``id_tokens``.

Sources: OpenID Connect Core 1.0, Discovery 1.0 (4.3 for the issuer), RFC 7636 (PKCE), RFC 9207 (``iss`` of an answer).
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
from backend.accounts.providers.documents import Documents, Slots
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

# Registered with the providers, letter by letter.
CALLBACK_PATH = "/api/v1/auth/callback"

_CONNECT_S = 3.0
_LARGEST_ANSWER = 500_000
_PIECE = 16_384
_LONGEST_CODE = 2_000
# A list of keys is read again at once for a key that is not in it, but not more often than this.
_KEYS_AGAIN_S = 60.0
_CACHED_S = 3600.0
# Addresses hardly ever change: while a provider does not tell them, those of a day ago will do.
_STALE_S = 86_400.0
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_ERROR_WORD = re.compile("[a-z_]{1,40}")
_AWAY = frozenset({"server_error", "temporarily_unavailable"})
_GITHUB_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class Begun(NamedTuple):
    """A sign-in that was begun: the address to send the browser to, and what its callback must match."""

    address: str
    state: str
    verifier: str
    nonce: str


class _Calls(OAuth2Session):
    """Calls to one provider for one request of ours, all of them within one deadline."""

    def __init__(self, gateway: "OAuthGateway", provider: Provider, **options: Any) -> None:
        super().__init__(
            client_id=provider.client_id,
            client_secret=provider.client_secret.get_secret_value(),
            redirect_uri=gateway.redirect_uri(provider),
            code_challenge_method="S256",
            **options,
        )
        self.headers["User-Agent"] = "HackTheStudy"
        # What is packed could be far larger than what was sent.
        self.headers["Accept-Encoding"] = "identity"
        self._slots = gateway.slots
        self._timeout_s = gateway.timeout_s
        self._deadline = time.monotonic() + 3 * gateway.timeout_s

    def request(self, method: str, url: str, **options: Any) -> Response:
        """Send a request; a GET that failed on the way or at the provider is sent once more."""
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
        answer = self._read(url, options)
        if not isinstance(answer, dict):
            raise ValueError("no object")
        return answer

    def read_list(self, url: str, **options: Any) -> list[Any]:
        """Get a JSON list. Raises ValueError for anything else."""
        answer = self._read(url, options)
        if not isinstance(answer, list):
            raise ValueError("no list")
        return answer

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
        # A redirect would carry the code or a token to where nobody has said that they may go.
        limits = {"timeout": timeouts, "allow_redirects": False, "stream": True}
        response = super().request(method, url, **{**options, **limits})
        with response:
            body = bytearray()
            # A piece is whatever has arrived, so that a trickle is noticed too.
            while piece := response.raw.read1(_PIECE, decode_content=False):
                body += piece
                if len(body) > _LARGEST_ANSWER or time.monotonic() > self._deadline:
                    raise RequestException("too large or too slow")
        response.raw = io.BytesIO(bytes(body))
        return cast(Response, response)


class OAuthGateway:
    """The configured providers, as one process knows them. Nothing is asked of them before somebody signs in."""

    def __init__(self, settings: Settings) -> None:
        self.providers = configured_providers(settings)
        self.public_url = settings.public_url.rstrip("/")
        self.timeout_s = settings.provider_timeout_s
        # Half of the threads, so that the others are there for what needs no provider.
        self.slots = Slots(max(settings.gunicorn_threads // 2, 1), waiting=1)
        self.documents = Documents()

    def redirect_uri(self, provider: Provider) -> str:
        """Return where the provider leads back to: never what a Host header says."""
        return f"{self.public_url}{CALLBACK_PATH}/{provider.name}"

    def get_provider(self, name: str) -> Provider:
        """Return a configured provider. Raises UnknownProvider."""
        found = self.providers.get(name)
        if found is None:
            raise UnknownProvider
        return found

    def start(self, provider: Provider, *, fresh: bool) -> Begun:
        """Return the address of the provider's page, and what the callback must match.

        ``fresh`` asks the provider to ask for the password again. Raises ProviderUnavailable.
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
        return Begun(address, state, verifier, nonce)

    def finish(self, provider: Provider, pending: PendingSignIn, callback: Mapping[str, str]) -> VerifiedIdentity:
        """Return who the provider says has signed in. ``callback`` has the query parameters of its answer.

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
            # Many providers put into the ID token only who it is, and tell the rest there (Core 1.0, section 5.4).
            told = calls.read_object(endpoint)
            if told.get("sub") != subject:
                raise _refused(provider, "subject of userinfo")
            claims = {**told, **claims}
        return describe(provider, subject, claims)

    def _read_claims(
        self, provider: Provider, calls: _Calls, metadata: Mapping[str, Any], pending: PendingSignIn, raw: object
    ) -> dict[str, Any]:
        """Return the claims of the ID token once all of them have been checked. Raises SignInFailed."""
        expected = Expected(provider.issuer, provider.client_id, pending.nonce)
        try:
            try:
                claims = read_id_token(raw, self._keys(provider, calls, metadata, age_s=_CACHED_S), expected)
            except KeyUnknown:
                # The provider has changed its keys since we read them.
                claims = read_id_token(raw, self._keys(provider, calls, metadata, age_s=_KEYS_AGAIN_S), expected)
        except IdTokenRefused as refusal:
            raise _refused(provider, refusal.reason) from None
        if pending.fresh and provider.reauthenticates and not is_recent(claims, pending.began_at):
            raise _refused(provider, "not fresh")
        return claims

    def _metadata(self, provider: Provider, calls: _Calls) -> dict[str, Any]:
        """Return the provider's discovery document, which must be its own and lead to safe addresses only."""

        def read() -> dict[str, Any]:
            address = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
            document = calls.read_object(address, withhold_token=True)
            if document.get("issuer") != provider.issuer:
                raise ValueError("another issuer")
            for name in (*_ENDPOINTS, *(name for name in ("userinfo_endpoint",) if name in document)):
                _check_endpoint(document.get(name), provider)
            return document

        return self.documents.get(f"{provider.name} metadata", read, age_s=_CACHED_S, stale_s=_STALE_S)

    def _keys(self, provider: Provider, calls: _Calls, metadata: Mapping[str, Any], *, age_s: float) -> dict[str, Any]:
        """Return the list of keys that the provider signs with, read less than ``age_s`` seconds ago."""
        address = metadata["jwks_uri"]
        # Never an older one: a key that the provider has withdrawn must not go on being believed.
        return self.documents.get(
            f"{provider.name} keys", lambda: calls.read_object(address, withhold_token=True), age_s=age_s
        )


def _read_callback(provider: Provider, metadata: Mapping[str, Any], callback: Mapping[str, str]) -> str:
    """Return the code that the callback brings. Raises what the provider says instead."""
    issuer = callback.get("iss")
    if provider.kind == "openid":
        is_told = metadata.get("authorization_response_iss_parameter_supported") is True
        if issuer != provider.issuer and (issuer is not None or is_told):
            raise _refused(provider, "issuer of answer")
    if error := callback.get("error"):
        raise OAuthError(error=error)
    code = callback.get("code", "")
    if not 0 < len(code) <= _LONGEST_CODE:
        raise _refused(provider, "no code")
    return code


def _ask_github(provider: Provider, calls: _Calls, pending: PendingSignIn, code: str) -> VerifiedIdentity:
    calls.token_endpoint_auth_method = "client_secret_post"
    _exchange(calls, f"{provider.issuer}/login/oauth/access_token", pending, code)
    user = calls.read_object(f"{provider.api_url}/user", headers=_GITHUB_HEADERS)
    # The number stays when the user renames herself; her old name may become somebody else's.
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
    """Trade the code for tokens, which ``calls`` uses from now on."""
    token: dict[str, Any] = calls.fetch_token(
        endpoint, grant_type="authorization_code", code=code, code_verifier=pending.verifier
    )
    if not isinstance(token.get("access_token"), str) or not token["access_token"]:
        raise ValueError("no access token")
    return token


def _check_endpoint(address: object, provider: Provider) -> None:
    if not isinstance(address, str):
        raise ValueError("no address")
    # A query is allowed in an endpoint, unlike in an issuer.
    check_provider_address(address.split("?", 1)[0])
    if provider.issuer.startswith("https://") and not address.startswith("https://"):
        raise ValueError("an address that is not safe")


@contextmanager
def _translated(provider: Provider) -> Iterator[None]:
    """Turn what the provider says, and what its failures raise, into errors of ours."""
    try:
        yield
    except OAuthError as error:
        raise _answered(provider, str(error.error)) from None
    except (RequestException, HTTPError, ValueError, RecursionError) as error:
        # The message may quote what was sent; the kind tells enough.
        log.warning("accounts.provider.failed", provider=provider.name, error=type(error).__name__)
        raise ProviderUnavailable from None


def _answered(provider: Provider, said: str) -> DomainError:
    """Return our error for one of the provider's codes (RFC 6749, 4.1.2.1 and 5.2; GitHub has its own)."""
    if said == "access_denied":
        return SignInCancelled()
    if said == "unverified_user_email":
        return EmailNotVerified()
    if said in _AWAY:
        log.warning("accounts.provider.failed", provider=provider.name, error=said)
        return ProviderUnavailable()
    # Anybody can write a callback's error: only a word of the kind that the standards define goes into the log.
    return _refused(provider, said if _ERROR_WORD.fullmatch(said) else "other")


def _refused(provider: Provider, reason: str) -> SignInFailed:
    log.warning("accounts.sign_in.refused", provider=provider.name, reason=reason)
    return SignInFailed()
