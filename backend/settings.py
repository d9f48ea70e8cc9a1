"""Every environment variable, typed, read once and frozen; refuses unsafe values in production."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.identity_providers import OidcProviders, ProviderUrl
from backend.setting_rules import (
    PRIVATE_NETWORKS,
    BrokerUrl,
    DatabaseUrl,
    Emails,
    HostNames,
    HttpUrl,
    Networks,
    Origin,
    Origins,
    ProxyHeader,
    Rate,
    StoragePlace,
)

_DEVELOPMENT_SECRET = "development-only-secret-not-for-production"
_SHORTEST_SECRET = 32
_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# What reading allows for each page that needs OCR (see library.extraction.reader).
_OCR_PAGE_S = 20.0


class SettingsRefused(SystemExit):
    """Raised at boot when a variable is missing, malformed or unsafe; the message names each, a line each."""


class Settings(BaseSettings):
    """The configuration. Field names in upper case are the names of the environment variables."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, allow_inf_nan=False)

    environment: Literal["development", "test", "production"] = Field(
        "development", description="`development`, `test` or `production`; production refuses unsafe values."
    )
    database_url: DatabaseUrl = Field(
        "postgresql://localhost/hackthestudy", description="PostgreSQL, as `postgresql://user:password@host/name`."
    )
    database_pooled: bool = Field(
        False, description="Whether `DATABASE_URL` names a pool in transaction mode, such as PgBouncer's."
    )
    redis_url: BrokerUrl = Field(
        "redis://localhost:6379/0", description="Redis or Valkey, also `rediss://`: the broker."
    )
    redis_password: SecretStr | None = Field(
        None,
        description="Password of the broker, where `REDIS_URL` has none; 32 characters at least, or as bought with `rediss://`.",
    )
    jwt_secret: SecretStr = Field(
        SecretStr(_DEVELOPMENT_SECRET), description="Signs access tokens; at least 32 characters in production."
    )
    jwt_secret_previous: SecretStr | None = Field(
        None, description="The `JWT_SECRET` before this one: goes on checking tokens while the key is changed."
    )
    flask_secret_key: SecretStr = Field(
        SecretStr(_DEVELOPMENT_SECRET),
        description="Flask's own secret, for what it signs; at least 32 characters in production.",
    )
    public_url: Origin = Field(
        "http://localhost:8080",
        description="Where the API is reached from outside: scheme and host, no path; `https` in production.",
    )
    allowed_hosts: HostNames = Field(
        (), description="Further names, separated by commas, under which the API answers besides that of `PUBLIC_URL`."
    )
    frontend_url: Origin = Field("http://localhost:5173", description="The browser app's origin; allowed by CORS.")
    cors_origins: Origins = Field((), description="Further exact origins allowed by CORS, separated by commas.")
    trusted_proxy_header: ProxyHeader = Field(
        None,
        description="Header in which the proxy in front names its client; `none`: there is no proxy, which production "
        "wants to be said.",
    )
    trusted_proxies: Networks = Field(
        PRIVATE_NETWORKS,
        description="Networks in which that proxy is, separated by commas; the header is believed from there only.",
    )
    port: int = Field(8080, ge=1, le=65_535, description="Port of the API.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level logged.")
    log_format: Literal["text", "json"] = Field("text", description="`text` (key=value) or `json`.")
    log_prefix: str = Field("", description="Put before every log line, for instance `[API]`.")
    access_token_minutes: float = Field(15, gt=0, description="Life of an access token; 24 hours for dev-login.")
    session_idle_days: int = Field(30, ge=1, description="Days after which an unused session ends.")
    session_days: int = Field(180, ge=1, description="Days after which any session ends.")
    admin_emails: Emails = Field(
        (), description="Addresses, separated by commas, whose users administer once a provider has verified them."
    )

    google_client_id: SecretStr | None = Field(None, description="Google's client id, for signing in.")
    google_client_secret: SecretStr | None = Field(None, description="Google's client secret.")
    github_client_id: SecretStr | None = Field(None, description="GitHub's client id, for signing in.")
    github_client_secret: SecretStr | None = Field(None, description="GitHub's client secret.")
    github_url: ProviderUrl = Field("https://github.com", description="GitHub, or a GitHub Enterprise Server.")
    github_api_url: ProviderUrl = Field(
        "https://api.github.com", description="Its API; of a GitHub Enterprise Server: `https://host/api/v3`."
    )
    oidc_providers: OidcProviders = Field(
        (),
        description="Further OpenID Connect providers, as a JSON list of `name`, `title`, `issuer`, `client_id`, "
        "`client_secret`; `email_domains`, a list: whose addresses it may vouch for, none by default; "
        "`reauthenticates: false` for one that cannot ask for the password again.",
    )
    provider_timeout_s: float = Field(
        5.0,
        gt=0,
        le=20,
        description="Longest silence of a sign-in provider; one sign-in waits three times this in all.",
    )
    stripe_api_key: SecretStr | None = Field(None, description="Stripe's secret key, for payments.")
    stripe_publishable_key: SecretStr | None = Field(None, description="Stripe's key for the browser app.")
    stripe_webhook_secret: SecretStr | None = Field(None, description="Signs what Stripe reports.")

    openai_api_key: SecretStr | None = Field(None, description="Key of the language model; unset: built-in model.")
    openai_model: str = Field("gpt-4o", description="Name of the language model.")
    openai_base_url: HttpUrl | None = Field(None, description="An OpenAI-compatible server instead of OpenAI's.")
    openai_timeout_s: float = Field(120.0, gt=0, description="Longest wait for one answer of the model.")
    openai_max_output_tokens: int = Field(6000, ge=256, description="Most tokens of one answer of the model.")

    openai_usd_per_million_input: float | None = Field(
        None, ge=0, description="Price of a million input tokens of `OPENAI_MODEL`, for the metric of cost."
    )
    openai_usd_per_million_cached: float | None = Field(
        None, ge=0, description="The same of cached input tokens; unset: that of other input."
    )
    openai_usd_per_million_output: float | None = Field(None, ge=0, description="The same of output tokens.")

    max_upload_bytes: int = Field(50_000_000, ge=1, description="Largest file, in bytes.")
    max_document_pages: int = Field(500, ge=1, description="Most pages of a document.")
    max_document_chars: int = Field(5_000_000, ge=1, description="Most characters of a document's text.")
    max_documents_per_set: int = Field(20, ge=1, description="Most documents of a study set.")
    read_timeout_s: float = Field(60.0, gt=0, description="Wall clock for reading a file, without its OCR.")
    read_memory_bytes: int = Field(1_000_000_000, ge=1, description="Address space of the reading process.")
    ocr_max_pages: int = Field(60, ge=0, description="Most scanned pages read by OCR per document; 0 turns it off.")
    ocr_languages: str = Field("deu+eng+fra+ita", description="Tesseract languages; those not installed are left out.")

    storage_quota_bytes: int = Field(
        2_000_000_000, ge=1, description="Most bytes of files, of their text and of items that one user may keep."
    )
    max_study_sets_per_user: int = Field(1000, ge=1, description="Most study sets of one user.")
    max_items_per_set: int = Field(5000, ge=1, description="Most flashcards and questions of a study set.")
    max_item_bytes_per_set: int = Field(
        20_000_000, ge=1, description="Most bytes of text of a study set's flashcards and questions."
    )
    max_active_runs_per_user: int = Field(3, ge=1, description="Most runs of one user that have not ended.")

    document_storage: StoragePlace = Field(
        "postgres", description="Where the bytes of files are kept: `postgres` or `s3://bucket/prefix`."
    )
    s3_endpoint_url: HttpUrl | None = Field(None, description="The S3 server, such as Spaces; unset: Amazon's.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key_id: SecretStr | None = Field(None, description="Key of the bucket.")
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret of the bucket's key.")
    document_retention_days: int = Field(
        365, ge=0, description="Days after which files of unused study sets are deleted; 0: never."
    )
    export_retention_hours: int = Field(
        72, ge=1, description="Hours after which the archive of a user's data export is deleted."
    )

    rate_limit_address: Rate = Field(
        "2000/minute",
        description="Requests of one address to sign in, or without being signed in, by class of route; "
        "a lecture hall has one address.",
    )
    rate_limit_sign_in: Rate = Field("60/minute", description="Requests of one user about signing in.")
    rate_limit_upload: Rate = Field("120/minute", description="Uploads of one user.")
    rate_limit_run: Rate = Field("60/minute", description="Runs and exports started by one user.")
    rate_limit_read: Rate = Field("1200/minute", description="Requests of one user that read.")
    rate_limit_write: Rate = Field("600/minute", description="Other requests of one user that change something.")

    celery_concurrency: int = Field(8, ge=1, description="Steps that one worker works on at once.")
    steps_in_flight_per_run: int = Field(
        8, ge=1, description="Steps of one run queued or running at once; more where more workers have room."
    )
    lease_s: float = Field(30.0, gt=0, description="How long a step belongs to a worker that gives no sign of life.")
    step_attempts: int = Field(3, ge=1, description="How often a step is tried before it fails.")
    sweep_interval_s: float = Field(5.0, gt=0, description="Pause between two sweeps for lost or due work.")
    resend_after_s: float = Field(30.0, gt=0, description="When work that was sent but not claimed is sent again.")
    worker_state_folder: Path | None = Field(
        None, description="Where the worker's processes write their signs of life for the watchdog; unset: nowhere."
    )
    watchdog_port: int = Field(8081, ge=1, le=65_535, description="Port on which the watchdog answers for the worker.")
    watchdog_interval_s: float = Field(5.0, gt=0, description="Pause between two looks of the watchdog.")
    watchdog_silence_s: float = Field(60.0, gt=0, description="How long a sign of life may be missing.")
    watchdog_restarts: int = Field(5, ge=0, description="Restarts without recovery before the container is ended.")
    watchdog_pause_s: float = Field(30.0, gt=0, description="Pause after the first restart; doubled each time.")
    section_chars: int = Field(6000, ge=500, description="Aimed size of a section, in characters.")

    gunicorn_workers: int = Field(2, ge=1, description="Processes of the API.")
    gunicorn_threads: int = Field(8, ge=1, description="Threads of each process of the API.")
    gunicorn_timeout: int = Field(85, ge=1, description="Seconds before gunicorn restarts a silent process.")
    stream_seconds: float = Field(75.0, gt=0, description="Longest life of one event stream.")
    metrics_token: SecretStr | None = Field(None, description="Bearer token for `/metrics`; unset: no such page.")
    sentry_dsn: SecretStr | None = Field(None, description="Where errors are reported; unset: nowhere.")
    app_version: str = Field("0.1.0", description="Reported by the health check.")

    @model_validator(mode="after")
    def _refuse_bucket_without_keys(self) -> Self:
        missing = [name for name in ("s3_access_key_id", "s3_secret_access_key") if not getattr(self, name)]
        if self.document_storage != "postgres" and missing:
            raise ValueError("\n".join(f"{name.upper()} is missing: DOCUMENT_STORAGE is a bucket" for name in missing))
        return self

    @model_validator(mode="after")
    def _refuse_unsafe_production(self) -> Self:
        if self.environment != "production":
            return self
        problems = self._list_weak_secrets()
        if self.jwt_secret.get_secret_value() == self.flask_secret_key.get_secret_value() and not problems:
            problems.append("FLASK_SECRET_KEY equals JWT_SECRET: each purpose needs a secret of its own")
        for name in ("database_url", "redis_url", "public_url", "frontend_url"):
            if name not in self.model_fields_set:
                problems.append(f"{name.upper()} is missing")
        if "trusted_proxy_header" not in self.model_fields_set:
            # Behind a proxy all clients would have one address and share one limit, and nobody would be told why.
            problems.append("TRUSTED_PROXY_HEADER is missing: the proxy's header that names its client, or none")
        for name in ("public_url", "frontend_url", "cors_origins"):
            given = getattr(self, name)
            origins = (given,) if isinstance(given, str) else given
            # Cookies and tokens pass through each of them.
            if name in self.model_fields_set and not all(origin.startswith("https://") for origin in origins):
                problems.append(f"{name.upper()} must be https")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _list_weak_secrets(self) -> list[str]:
        problems: list[str] = []
        named = ["jwt_secret", "flask_secret_key"]
        in_address = urlsplit(self.redis_url).password
        if not in_address:
            named.append("redis_password")
        elif not self._broker_is_bought and len(unquote(in_address)) < _SHORTEST_SECRET:
            problems.append(f"REDIS_URL has a password of less than {_SHORTEST_SECRET} characters")
        if "ssl_cert_reqs=none" in self.redis_url.lower():
            problems.append("REDIS_URL must not switch the check of the certificate off")
        named += [name for name in ("metrics_token", "jwt_secret_previous") if getattr(self, name) is not None]
        for name in named:
            given = getattr(self, name)
            secret = given.get_secret_value() if given is not None else ""
            if name not in self.model_fields_set or not secret or secret == _DEVELOPMENT_SECRET:
                problems.append(f"{name.upper()} is missing: production needs a secret of its own")
            elif len(secret) < _SHORTEST_SECRET and not (name == "redis_password" and self._broker_is_bought):
                problems.append(f"{name.upper()} is too short: at least {_SHORTEST_SECRET} characters")
            elif len(set(secret)) < 8:
                problems.append(f"{name.upper()} is too simple: use random characters")
        return problems

    @property
    def broker_url(self) -> str:
        """``redis_url`` with the password where it has none; with ``rediss`` the certificate is checked."""
        url = urlsplit(self.redis_url)
        if self.redis_password is not None and not url.password:
            password = quote(self.redis_password.get_secret_value(), safe="")
            host = url.netloc.rpartition("@")[2]
            url = url._replace(netloc=f"{url.username or ''}:{password}@{host}")
        if url.scheme == "rediss" and "ssl_cert_reqs" not in url.query:
            # Celery asks for it to be said, and has no safe default.
            url = url._replace(query="&".join(filter(None, [url.query, "ssl_cert_reqs=required"])))
        return url.geturl()

    @property
    def model_prices(self) -> tuple[float, float, float] | None:
        """US dollars for one token of ``openai_model``: input, cached input, output. None where they are not given."""
        given, output = self.openai_usd_per_million_input, self.openai_usd_per_million_output
        if given is None or output is None:
            return None
        cached = self.openai_usd_per_million_cached
        return given / 1e6, (given if cached is None else cached) / 1e6, output / 1e6

    @property
    def _broker_is_bought(self) -> bool:
        """Whether somebody else runs the broker, who also chooses its password; ours has no TLS."""
        return urlsplit(self.redis_url).scheme == "rediss"

    @property
    def redis_is_own(self) -> bool:
        """Whether ``redis_url`` names the Redis of this container: any other host means that none is started here."""
        return urlsplit(self.redis_url).hostname in _OWN_HOSTS

    @property
    def longest_work_s(self) -> float:
        """Longest that one piece of work may take, in seconds; a worker's process that takes longer is ended."""
        reading_s = self.read_timeout_s + self.ocr_max_pages * _OCR_PAGE_S
        return max(reading_s, 2 * self.openai_timeout_s) + 60

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Exact origins that CORS allows."""
        return (*self.cors_origins, self.frontend_url)

    @property
    def accepted_hosts(self) -> frozenset[str]:
        """Names that a Host header may have, in lower case and without a port."""
        own = _OWN_HOSTS if self.environment != "production" else frozenset[str]()
        return frozenset({urlsplit(self.public_url).hostname or "", *self.allowed_hosts, *own})

    @property
    def is_reached_by_https(self) -> bool:
        """Whether browsers reach the API over TLS, without which they would drop cookies marked as Secure."""
        return self.public_url.startswith("https://")


def load_settings() -> Settings:
    """Read the environment. Raises SettingsRefused with one line for each variable that is wrong."""
    if os.environ.get("ENVIRONMENT") == "":
        # The default would be development, with its sign-in for everybody.
        raise SettingsRefused("Refusing to start:\n  ENVIRONMENT is empty: name it or leave it out")
    try:
        return Settings()
    except ValidationError as error:
        lines: list[str] = []
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            message = problem["msg"].removeprefix("Value error, ")
            lines.extend(f"{name}: {line}" if name else line for line in message.splitlines())
        raise SettingsRefused("Refusing to start:\n" + "\n".join(f"  {line}" for line in lines)) from None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read at the first call."""
    return load_settings()
