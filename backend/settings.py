"""Environment variables: typed, validated, read once and frozen."""

import os
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

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
    ReasoningEffort,
    StoragePlace,
    StripeKey,
    StripePublishableKey,
    StripeWebhookSecrets,
    complete_broker_url,
    describe_values,
    is_live_key,
)

_DEVELOPMENT_SECRET = "development-only-secret-not-for-production"
_MIN_SECRET_CHARS = 32
_MIN_DIFFERENT_CHARS = 8
_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

OCR_PAGE_S, OCR_WAIT_S = 20.0, 300.0
"""Seconds allowed for each page that needs OCR, and for all of a document's waiting for pages of other documents."""


class SettingsRefused(SystemExit):
    """Raised at startup: a line for each variable that is missing, malformed or unsafe."""


class Settings(BaseSettings):
    """Field names in upper case are the names of the environment variables."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, allow_inf_nan=False)

    environment: Literal["development", "test", "production"] = Field(
        "development", description="Production refuses to start with unsafe values."
    )
    database_url: DatabaseUrl = Field("postgresql://localhost/hackthestudy", description="PostgreSQL database.")
    redis_url: BrokerUrl = Field(
        "redis://localhost:6379/0",
        description="Redis or Valkey, the message broker. `rediss://` connects with TLS and checks the certificate.",
    )
    redis_password: SecretStr | None = Field(
        None,
        description="Broker password, if `REDIS_URL` has none. In production at least 32 characters, "
        "unless a `rediss://` vendor chose it.",
    )
    jwt_secret: SecretStr = Field(
        SecretStr(_DEVELOPMENT_SECRET), description="Signs access tokens. In production at least 32 random characters."
    )
    flask_secret_key: SecretStr = Field(
        SecretStr(_DEVELOPMENT_SECRET),
        description="Signs Flask's cookies. In production at least 32 random characters, different from `JWT_SECRET`.",
    )
    public_url: Origin = Field("http://localhost:8080", description="Public address of the API. `https` in production.")
    frontend_url: Origin = Field(
        "http://localhost:5173",
        description="Address of the browser app: allowed by CORS, target of redirects after sign-in.",
    )
    trusted_proxy_header: ProxyHeader = Field(
        None,
        description="Header in which the proxy passes the client's address. Set to `none` explicitly if there is no "
        "proxy; required in production.",
    )

    openai_api_key: SecretStr | None = Field(
        None, description="API key of the language model. Unset: the built-in model is used."
    )
    openai_model: str = Field("gpt-6-luna", description="Name of the language model.")
    openai_base_url: HttpUrl | None = Field(
        None, description="Address of an OpenAI-compatible server. Unset: OpenAI itself."
    )
    openai_timeout_s: float = Field(120.0, gt=0, description="Timeout for one call, in seconds.")
    openai_max_output_tokens: int = Field(
        16_000, ge=256, description="Maximum output tokens per call. Each call asks for what its items need."
    )
    openai_reasoning_effort: ReasoningEffort = Field(
        "none", description="How much the model reasons before it answers. `default` leaves it to the model."
    )
    openai_service_tier: Literal["auto", "default", "flex"] = Field(
        "auto",
        description="Service tier of calls that nobody waits for. `flex` is cheaper and slower; it needs a longer "
        "`OPENAI_TIMEOUT_S`.",
    )

    google_client_id: SecretStr | None = Field(None, description="Google OAuth client id.")
    google_client_secret: SecretStr | None = Field(None, description="Google OAuth client secret.")
    github_client_id: SecretStr | None = Field(None, description="GitHub OAuth client id.")
    github_client_secret: SecretStr | None = Field(None, description="GitHub OAuth client secret.")
    github_url: ProviderUrl = Field("https://github.com", description="GitHub, or a GitHub Enterprise Server.")
    github_api_url: ProviderUrl = Field(
        "https://api.github.com", description="GitHub's API; `https://host/api/v3` for an Enterprise Server."
    )
    oidc_providers: OidcProviders = Field(
        (),
        description="More OpenID Connect providers. `email_domains` lists the domains whose addresses the provider may "
        "verify (default: none). Set `reauthenticates` to false if it cannot ask for the password again.",
    )
    provider_timeout_s: float = Field(
        5.0,
        gt=0,
        le=20,
        description="Timeout for one request to a sign-in provider, in seconds. One sign-in takes at most three times "
        "as long.",
    )
    admin_emails: Emails = Field(
        (), description="Users with one of these addresses are administrators, once a provider has verified it."
    )
    access_token_minutes: float = Field(
        15, gt=0, description="Lifetime of an access token. Tokens from dev-login live for 24 hours."
    )
    session_idle_days: int = Field(30, ge=1, description="A session unused for this many days ends.")
    session_days: int = Field(180, ge=1, description="Maximum lifetime of a session.")
    jwt_secret_previous: SecretStr | None = Field(
        None, description="The previous `JWT_SECRET`; still accepted while the key is rotated."
    )

    stripe_api_key: StripeKey = Field(None, description="Stripe secret key. Turns billing on, in every process.")
    stripe_publishable_key: StripePublishableKey = Field(
        None, description="Stripe publishable key for the browser app. The API needs it if billing is on."
    )
    stripe_webhook_secret: StripeWebhookSecrets = Field((), description="Verify Stripe's webhooks. As above.")
    stripe_url: HttpUrl = Field("https://api.stripe.com", description="Stripe's API.")
    stripe_tax: Literal["off", "automatic"] = Field("off", description="`automatic` uses Stripe Tax, prices inclusive.")
    credit_margin: Decimal | None = Field(
        None, ge=1, le=100, description="Students pay the vendor's price times this. Unset: as in `config/prices`."
    )
    signup_credits: int = Field(500, ge=0, le=1_000_000, description="Free credits for each new person.")
    daily_model_budget_chf: Decimal = Field(
        Decimal(20), ge=0, description="Maximum cost of all free credits in a day, in CHF. Free runs then wait."
    )
    admin_daily_chf: int = Field(200, ge=0, description="What an administrator may grant or refund in a day, in CHF.")

    document_storage: StoragePlace = Field("postgres", description="Where uploaded files are stored.")
    s3_endpoint_url: HttpUrl | None = Field(
        None, description="S3-compatible server, such as DigitalOcean Spaces. Unset: Amazon S3."
    )
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key_id: SecretStr | None = Field(None, description="Access key id. Required with a bucket.")
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret access key. Required with a bucket.")
    document_retention_days: int = Field(
        365,
        ge=0,
        description="Uploaded files of study sets unused for this many days are deleted. 0 keeps them forever.",
    )
    export_retention_hours: int = Field(
        72, ge=1, description="The archive of a data export is deleted after this many hours."
    )

    max_upload_bytes: int = Field(50_000_000, ge=1, description="Maximum size of an uploaded file, in bytes.")
    max_document_pages: int = Field(500, ge=1, description="Maximum pages per document.")
    max_document_chars: int = Field(5_000_000, ge=1, description="Maximum characters of text per document.")
    max_documents_per_set: int = Field(20, ge=1, description="Maximum documents per study set.")
    storage_quota_bytes: int = Field(
        2_000_000_000, ge=1, description="Maximum bytes of files, their text and items per user."
    )
    page_image_bytes: int = Field(5_000_000_000, ge=1, description="Maximum bytes of kept images of pages, in all.")
    max_study_sets_per_user: int = Field(1000, ge=1, description="Maximum study sets per user.")
    max_items_per_set: int = Field(5000, ge=1, description="Maximum flashcards and questions per study set.")
    max_item_bytes_per_set: int = Field(
        20_000_000, ge=1, description="Maximum bytes of text of a study set's flashcards and questions."
    )
    max_active_runs_per_user: int = Field(3, ge=1, description="Maximum runs in progress per user.")
    rate_limit_address: Rate = Field(
        "2000/minute",
        description="Sign-in and anonymous requests per client address (or IPv6 `/64`) and route class. A lecture hall "
        "shares one address.",
    )
    rate_limit_sign_in: Rate = Field("60/minute", description="Sign-in requests per user.")
    rate_limit_upload: Rate = Field("120/minute", description="Uploads per user.")
    rate_limit_run: Rate = Field("60/minute", description="Runs and exports started per user.")
    rate_limit_read: Rate = Field("1200/minute", description="Read requests per user.")
    rate_limit_write: Rate = Field("600/minute", description="All other write requests per user.")

    read_timeout_s: float = Field(60.0, gt=0, description="Timeout for reading one file, in seconds, OCR not included.")
    read_memory_bytes: int = Field(1_000_000_000, ge=1, description="Memory limit (address space) for reading a file.")
    ocr_max_pages: int = Field(60, ge=0, description="Maximum scanned pages per document read by OCR. 0 turns OCR off.")
    ocr_languages: str = Field(
        "deu+eng+fra+ita", description="Tesseract languages, joined by `+`. Languages not installed are skipped."
    )
    with_libreoffice: bool = Field(False, description="Whether the worker converts Office documents to show pages.")
    section_chars: int = Field(6000, ge=500, description="Target size of a section, in characters.")

    port: int = Field(8080, ge=1, le=65_535, description="Port of the API.")
    allowed_hosts: HostNames = Field(
        (), description="More host names under which the API answers, in addition to the one in `PUBLIC_URL`."
    )
    cors_origins: Origins = Field((), description="More origins allowed by CORS, in addition to `FRONTEND_URL`.")
    trusted_proxies: Networks = Field(
        PRIVATE_NETWORKS,
        description="Networks of the proxy. `TRUSTED_PROXY_HEADER` is ignored if it comes from anywhere else.",
    )
    database_pooled: bool = Field(
        False,
        description="Whether `DATABASE_URL` points to a connection pool in transaction mode, such as PgBouncer.",
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Minimum log level.")
    log_format: Literal["text", "json"] = Field("text", description="`text` is key=value.")
    log_prefix: str = Field("", description="Prefix of every log line, such as `[API]`.")
    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token for `/metrics`, in production at least 32 characters. Unset: `/metrics` is off.",
    )
    sentry_dsn: SecretStr | None = Field(None, description="Sentry project for error reports. Unset: no reports.")
    app_version: str = Field("0.1.0", description="Version shown by the health check and in error reports.")

    gunicorn_workers: int = Field(2, ge=1, description="API processes.")
    gunicorn_threads: int = Field(8, ge=1, description="Threads per API process.")
    gunicorn_timeout: int = Field(85, ge=1, description="gunicorn restarts a process silent for this many seconds.")
    stream_seconds: float = Field(75.0, gt=0, description="Maximum duration of one event stream, in seconds.")

    celery_concurrency: int = Field(2, ge=1, description="Steps that one worker computes at the same time.")
    model_calls_at_once: int = Field(32, ge=1, description="Model calls that one worker makes at the same time.")
    steps_in_flight_per_run: int = Field(
        8, ge=1, description="Steps of one run queued or running at the same time; more if more workers have room."
    )
    lease_s: float = Field(
        30.0, gt=0, description="A step whose worker has been silent for this many seconds is taken back."
    )
    step_attempts: int = Field(3, ge=1, description="Attempts before a step fails.")
    sweep_interval_s: float = Field(5.0, gt=0, description="Pause between two sweeps for lost or due work, in seconds.")
    resend_after_s: float = Field(
        30.0, gt=0, description="Work that was sent but not claimed is sent again after this many seconds."
    )
    worker_state_folder: Path | None = Field(
        None, description="Folder for the worker's heartbeat, which the watchdog reads. Unset: no heartbeat."
    )
    watchdog_port: int = Field(
        8081, ge=1, le=65_535, description="Port on which the watchdog answers the worker's liveness probe."
    )
    watchdog_interval_s: float = Field(5.0, gt=0, description="Pause between two checks of the watchdog, in seconds.")
    watchdog_silence_s: float = Field(
        60.0, gt=0, description="The watchdog restarts a worker that has been silent for this many seconds."
    )
    watchdog_restarts: int = Field(
        5, ge=0, description="Restarts without recovery before the watchdog ends the container."
    )
    watchdog_pause_s: float = Field(
        30.0, gt=0, description="Pause after the first restart, in seconds; doubles with each restart."
    )

    @model_validator(mode="after")
    def _refuse_mixed_stripe_keys(self) -> Self:
        secret, publishable = self.stripe_api_key, self.stripe_publishable_key
        if secret and publishable and is_live_key(secret) != is_live_key(publishable):
            raise ValueError("STRIPE_API_KEY and STRIPE_PUBLISHABLE_KEY must both be test keys or both be live keys")
        return self

    @model_validator(mode="after")
    def _refuse_bucket_without_keys(self) -> Self:
        missing = [name for name in ("s3_access_key_id", "s3_secret_access_key") if not getattr(self, name)]
        if self.document_storage != "postgres" and missing:
            raise ValueError(
                "\n".join(f"{name.upper()} is missing: DOCUMENT_STORAGE names a bucket" for name in missing)
            )
        return self

    @model_validator(mode="after")
    def _refuse_unsafe_production(self) -> Self:
        if self.environment != "production":
            return self
        problems = self._list_weak_secrets()
        if self.jwt_secret.get_secret_value() == self.flask_secret_key.get_secret_value() and not problems:
            problems.append("FLASK_SECRET_KEY equals JWT_SECRET: each needs a secret of its own")
        for name in ("database_url", "redis_url", "public_url", "frontend_url"):
            if name not in self.model_fields_set:
                problems.append(f"{name.upper()} is missing: set {_allowed(name)}")
        if "trusted_proxy_header" not in self.model_fields_set:
            # Behind a proxy, all clients would silently share one address, and so one rate limit.
            problems.append(
                "TRUSTED_PROXY_HEADER is missing: set the header in which the proxy passes the client's address, "
                "or none if there is no proxy"
            )
        for name in ("public_url", "frontend_url", "cors_origins"):
            given = getattr(self, name)
            origins = (given,) if isinstance(given, str) else given
            # All of them carry cookies or tokens.
            if name in self.model_fields_set and not all(origin.startswith("https://") for origin in origins):
                problems.append(f"{name.upper()} must begin with https:// in production")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _list_weak_secrets(self) -> list[str]:
        problems: list[str] = []
        named = ["jwt_secret", "flask_secret_key"]
        in_address = urlsplit(self.redis_url).password
        if not in_address:
            named.append("redis_password")
        elif not self._broker_is_bought and len(unquote(in_address)) < _MIN_SECRET_CHARS:
            problems.append(f"REDIS_URL has too short a password: use at least {_MIN_SECRET_CHARS} characters")
        if "ssl_cert_reqs=none" in self.redis_url.lower():
            problems.append("REDIS_URL must not turn off certificate checks: remove ssl_cert_reqs=none")
        named += [name for name in ("metrics_token", "jwt_secret_previous") if getattr(self, name) is not None]
        for name in named:
            given = getattr(self, name)
            secret = given.get_secret_value() if given is not None else ""
            if name not in self.model_fields_set or not secret or secret == _DEVELOPMENT_SECRET:
                problems.append(f"{name.upper()} is missing: set at least {_MIN_SECRET_CHARS} random characters")
            elif len(secret) < _MIN_SECRET_CHARS and not (name == "redis_password" and self._broker_is_bought):
                problems.append(f"{name.upper()} is too short: use at least {_MIN_SECRET_CHARS} characters")
            elif len(set(secret)) < _MIN_DIFFERENT_CHARS:
                problems.append(
                    f"{name.upper()} is too simple: use at least {_MIN_DIFFERENT_CHARS} different characters, at random"
                )
        return problems

    @property
    def broker_url(self) -> str:
        """``redis_url`` with ``redis_password`` if it has none of its own; ``rediss`` checks certificates."""
        password = self.redis_password.get_secret_value() if self.redis_password is not None else None
        return complete_broker_url(self.redis_url, password)

    @property
    def billing_is_on(self) -> bool:
        return self.stripe_api_key is not None

    @property
    def _broker_is_bought(self) -> bool:
        """Whether a vendor runs the broker and chose its password. Our own Redis has no TLS."""
        return urlsplit(self.redis_url).scheme == "rediss"

    @property
    def redis_is_own(self) -> bool:
        """Whether this container starts Redis: it does if ``redis_url`` names the machine itself."""
        return urlsplit(self.redis_url).hostname in _OWN_HOSTS

    @property
    def max_work_s(self) -> float:
        """Upper bound for one job, in seconds. The worker kills a process that takes longer."""
        reading_s = self.read_timeout_s + self.ocr_max_pages * OCR_PAGE_S + OCR_WAIT_S
        return max(reading_s, 2 * self.openai_timeout_s) + 60

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        return (*self.cors_origins, self.frontend_url)

    @property
    def accepted_hosts(self) -> frozenset[str]:
        """Allowed Host headers, in lower case and without a port."""
        own = _OWN_HOSTS if self.environment != "production" else frozenset[str]()
        return frozenset({urlsplit(self.public_url).hostname or "", *self.allowed_hosts, *own})

    @property
    def is_reached_by_https(self) -> bool:
        """Without TLS, browsers would drop cookies marked Secure."""
        return self.public_url.startswith("https://")


def _allowed(name: str) -> str:
    return describe_values(Settings.model_fields[name]) or "set"


def load_settings() -> Settings:
    """Raises SettingsRefused with one line for each variable that is wrong."""
    if os.environ.get("ENVIRONMENT") == "":
        # The default would be development, where anybody can sign in.
        raise SettingsRefused(
            f"Refusing to start:\n  ENVIRONMENT is empty: set {_allowed('environment')}, or remove it"
        )
    try:
        return Settings()
    except ValidationError as error:
        lines: list[str] = []
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            message = problem["msg"].removeprefix("Value error, ")
            if len(problem["loc"]) == 1 and problem["type"] != "value_error":
                message = f"must be {_allowed(str(problem['loc'][0]))}"
            lines.extend(f"{name}: {line}" if name else line for line in message.splitlines())
        raise SettingsRefused("Refusing to start:\n" + "\n".join(f"  {line}" for line in lines)) from None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    return load_settings()
