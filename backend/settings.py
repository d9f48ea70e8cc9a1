"""Every environment variable, typed, read once and frozen; refuses unsafe values in production."""

from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_DEVELOPMENT_SECRET = "development-only-secret-not-for-production"
_SHORTEST_SECRET = 32
# What reading allows for each page that needs OCR (see library.extraction.reader).
_OCR_PAGE_S = 20.0


class SettingsRefused(SystemExit):
    """Raised at boot when a variable is missing, malformed or unsafe; the message names each, a line each."""


class Settings(BaseSettings):
    """The configuration. Field names in upper case are the names of the environment variables."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    environment: Literal["development", "test", "production"] = Field(
        "development", description="`development`, `test` or `production`; production refuses unsafe values."
    )
    database_url: str = Field(
        "postgresql://localhost/hackthestudy", description="PostgreSQL, as `postgresql://user:password@host/name`."
    )
    redis_url: str = Field("redis://localhost:6379/0", description="Redis or Valkey: the broker.")
    jwt_secret: SecretStr = Field(
        SecretStr(_DEVELOPMENT_SECRET), description="Signs access tokens; at least 32 characters in production."
    )
    flask_secret_key: SecretStr = Field(
        SecretStr(_DEVELOPMENT_SECRET),
        description="Flask's own secret, for what it signs; at least 32 characters in production.",
    )
    frontend_url: str = Field("http://localhost:5173", description="The browser app's origin; allowed by CORS.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Further exact origins allowed by CORS, separated by commas."
    )
    port: int = Field(8080, description="Port of the API.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level logged.")
    log_format: Literal["text", "json"] = Field("text", description="`text` (key=value) or `json`.")
    log_prefix: str = Field("", description="Put before every log line, for instance `[API]`.")
    access_token_minutes: int = Field(15, ge=1, description="Life of an access token; 24 hours for dev-login.")

    openai_api_key: SecretStr | None = Field(None, description="Key of the language model; unset: built-in model.")
    openai_model: str = Field("gpt-4o", description="Name of the language model.")
    openai_base_url: str | None = Field(None, description="An OpenAI-compatible server instead of OpenAI's.")
    openai_timeout_s: float = Field(120.0, gt=0, description="Longest wait for one answer of the model.")
    openai_max_output_tokens: int = Field(6000, ge=256, description="Most tokens of one answer of the model.")

    max_upload_bytes: int = Field(50_000_000, ge=1, description="Largest file, in bytes.")
    max_document_pages: int = Field(500, ge=1, description="Most pages of a document.")
    max_document_chars: int = Field(5_000_000, ge=1, description="Most characters of a document's text.")
    max_documents_per_set: int = Field(20, ge=1, description="Most documents of a study set.")
    read_timeout_s: float = Field(60.0, gt=0, description="Wall clock for reading a file, without its OCR.")
    read_memory_bytes: int = Field(1_000_000_000, ge=1, description="Address space of the reading process.")
    ocr_max_pages: int = Field(60, ge=0, description="Most scanned pages read by OCR per document; 0 turns it off.")
    ocr_languages: str = Field("deu+eng+fra+ita", description="Tesseract languages; those not installed are left out.")

    celery_concurrency: int = Field(8, ge=1, description="Steps that one worker works on at once.")
    steps_in_flight_per_run: int = Field(8, ge=1, description="Steps of one run that are queued or running at once.")
    lease_s: float = Field(30.0, gt=0, description="How long a step belongs to a worker that gives no sign of life.")
    step_attempts: int = Field(3, ge=1, description="How often a step is tried before it fails.")
    sweep_interval_s: float = Field(5.0, gt=0, description="Pause between two sweeps for lost or due work.")
    resend_after_s: float = Field(30.0, gt=0, description="When work that was sent but not claimed is sent again.")
    section_chars: int = Field(6000, ge=500, description="Aimed size of a section, in characters.")

    gunicorn_workers: int = Field(2, ge=1, description="Processes of the API.")
    gunicorn_threads: int = Field(8, ge=1, description="Threads of each process of the API.")
    gunicorn_timeout: int = Field(85, ge=1, description="Seconds before gunicorn restarts a silent process.")
    stream_seconds: float = Field(75.0, gt=0, description="Longest life of one event stream.")
    app_version: str = Field("0.1.0", description="Reported by the health check.")

    @model_validator(mode="before")
    @classmethod
    def _split_origins(cls, values: dict[str, object]) -> dict[str, object]:
        """Read ``CORS_ORIGINS`` as a comma-separated list."""
        raw = values.get("cors_origins")
        if isinstance(raw, str):
            values["cors_origins"] = tuple(part.strip().rstrip("/") for part in raw.split(",") if part.strip())
        return values

    @model_validator(mode="after")
    def _refuse_unsafe_production(self) -> Self:
        if self.environment != "production":
            return self
        problems = []
        for name in ("jwt_secret", "flask_secret_key"):
            secret = getattr(self, name).get_secret_value()
            if name not in self.model_fields_set or secret == _DEVELOPMENT_SECRET:
                problems.append(f"{name.upper()} is missing: production needs a secret of its own")
            elif len(secret) < _SHORTEST_SECRET:
                problems.append(f"{name.upper()} is too short: at least {_SHORTEST_SECRET} characters")
            elif len(set(secret)) < 8:
                problems.append(f"{name.upper()} is too simple: use random characters")
        if self.jwt_secret.get_secret_value() == self.flask_secret_key.get_secret_value() and not problems:
            problems.append("FLASK_SECRET_KEY equals JWT_SECRET: each purpose needs a secret of its own")
        for name in ("database_url", "redis_url", "frontend_url"):
            if name not in self.model_fields_set:
                problems.append(f"{name.upper()} is missing")
        if "*" in self.allowed_origins:
            problems.append("CORS_ORIGINS must list exact origins, not *")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def longest_work_s(self) -> float:
        """Longest that one piece of work may take, in seconds; a worker's process that takes longer is ended."""
        reading_s = self.read_timeout_s + self.ocr_max_pages * _OCR_PAGE_S
        return max(reading_s, 2 * self.openai_timeout_s) + 60

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Exact origins that CORS allows."""
        return (*self.cors_origins, self.frontend_url.rstrip("/"))


def load_settings() -> Settings:
    """Read the environment. Raises SettingsRefused with one line for each variable that is wrong."""
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
