"""Settings are read once, are immutable, and are refused if missing or unsafe."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.setting_rules import describe_values
from backend.settings import Settings, SettingsRefused, load_settings

CHECKOUT = Path(__file__).resolve().parents[1]
PRODUCTION = {
    "ENVIRONMENT": "production",
    "JWT_SECRET": "zV7kQ2mX9pL4wR8tY1nB6cF3hJ5dG0sA",
    "FLASK_SECRET_KEY": "uE4iO8aW2qS6xC1vN9mK7lP3zT5rH0jD",
    "DATABASE_URL": "postgresql://user:password@db.example/hackthestudy",
    "REDIS_URL": "redis://localhost:6379/0",
    "REDIS_PASSWORD": "qT8wE3rY6uI1oP9aS4dF7gH2jK5lZ0xC",
    "PUBLIC_URL": "https://api.study.example",
    "FRONTEND_URL": "https://study.example",
    "TRUSTED_PROXY_HEADER": "do-connecting-ip",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch):
    """Replace the whole environment that the settings read."""

    def set_to(**values: str) -> None:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    set_to()
    return set_to


def refusal(environment, **values: str) -> list[str]:
    """Return the lines of the refusal after its heading."""
    environment(**values)
    with pytest.raises(SettingsRefused) as raised:
        load_settings()
    first, *lines = str(raised.value).splitlines()
    assert first == "Refusing to start:"
    return [line.strip() for line in lines]


def test_development_needs_no_settings(environment) -> None:
    settings = load_settings()
    assert settings.environment == "development"
    assert settings.openai_api_key is None


def test_production_starts_with_all_settings(environment) -> None:
    environment(**PRODUCTION)
    settings = load_settings()
    assert settings.environment == "production"
    assert settings.jwt_secret.get_secret_value() == PRODUCTION["JWT_SECRET"]


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "ENVIRONMENT"])
@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_production_refuses_a_missing_setting(environment, name: str, value: str | None) -> None:
    values = {key: given for key, given in PRODUCTION.items() if key != name}
    lines = refusal(environment, **values, **({} if value is None else {name: value}))
    assert len(lines) == 1
    assert lines[0].startswith(f"{name} is missing")


@pytest.mark.parametrize("name", ["JWT_SECRET", "FLASK_SECRET_KEY", "REDIS_PASSWORD"])
@pytest.mark.parametrize(
    "value",
    [
        "development-only-secret-not-for-production",
        "tiny",
        "zV7kQ2mX9pL4wR8tY1nB6cF3hJ5dG0s",
        "a" * 64,
        "abcabcabcabcabcabcabcabcabcabcabcabc",
        " " * 40,
    ],
)
def test_production_refuses_unsafe_secrets(environment, name: str, value: str) -> None:
    lines = refusal(environment, **{**PRODUCTION, name: value})
    assert len(lines) == 1
    assert lines[0].startswith(name)
    # The message is logged, and a refused value may be almost the real secret.
    assert value not in lines[0]


def test_production_refuses_one_secret_for_two_purposes(environment) -> None:
    lines = refusal(environment, **{**PRODUCTION, "FLASK_SECRET_KEY": PRODUCTION["JWT_SECRET"]})
    assert len(lines) == 1
    assert lines[0].startswith("FLASK_SECRET_KEY")


def test_production_reports_each_problem_on_its_own_line(environment) -> None:
    lines = refusal(environment, ENVIRONMENT="production")
    assert sorted(line.split()[0] for line in lines) == sorted(name for name in PRODUCTION if name != "ENVIRONMENT")


def test_production_refuses_any_origin(environment) -> None:
    lines = refusal(environment, **PRODUCTION, CORS_ORIGINS="https://a.example, *")
    assert len(lines) == 1
    assert lines[0].startswith("CORS_ORIGINS")


@pytest.mark.parametrize("name", ["PUBLIC_URL", "FRONTEND_URL", "CORS_ORIGINS"])
def test_production_requires_tls_urls(environment, name: str) -> None:
    lines = refusal(environment, **{**PRODUCTION, name: "http://study.example"})
    assert lines == [f"{name} must begin with https:// in production"]


@pytest.mark.parametrize("name", ["PUBLIC_URL", "FRONTEND_URL", "CORS_ORIGINS"])
@pytest.mark.parametrize(
    "value",
    [
        "*",
        "null",
        "study.example",
        "https://",
        "https://*.study.example",
        "https://study.example/app",
        "https://study.example?x",
        "https://study.example#x",
        "https://user@study.example",
        "https://study.example:0",
        "https://study.example:99999",
        "https://[a-z]",
        "https://study.example\nhttps://evil.example",
        "ftp://study.example",
    ],
)
def test_an_origin_is_exact(environment, name: str, value: str) -> None:
    (line,) = refusal(environment, **{name: value})
    assert line.startswith(
        (f"{name}: must be an origin: http:// or https://", f"{name}: must be origins without a path")
    )


@pytest.mark.parametrize("value", ["*", ".study.example", "https://study.example", "study.example:443", "a b"])
def test_an_allowed_host_is_an_exact_name(environment, value: str) -> None:
    (line,) = refusal(environment, ALLOWED_HOSTS=f"fine.example, {value}")
    assert line.startswith("ALLOWED_HOSTS: must be exact host names without scheme or port")


def test_production_accepts_only_the_configured_hosts(environment) -> None:
    environment(**PRODUCTION, ALLOWED_HOSTS="api, Api.Other.Example,")
    assert load_settings().accepted_hosts == {"api.study.example", "api", "api.other.example"}


def test_development_also_accepts_localhost(environment) -> None:
    environment(PUBLIC_URL="http://Api.Study.Example:9000/")
    settings = load_settings()
    assert settings.public_url == "http://api.study.example:9000"
    assert settings.accepted_hosts == {"api.study.example", "localhost", "127.0.0.1", "::1"}


INTEGER = "a whole number of at least 1"
PORT = "a whole number from 1 to 65535"
POSITIVE = "a number above 0"
DATABASE = "a database URL such as postgresql://user:password@host:5432/name"
BROKER = "a broker URL such as redis://host:6379/0 or rediss://user:password@host:6379/0"
ORIGIN = "an origin: http:// or https://, a host, and no path, such as https://example.org"
HOSTS = "exact host names without scheme or port, such as api.example.org, separated by commas"
RATE = "a number from 1 to 9999999 and a period: second, minute, hour or day, such as 600/minute"
HEADER = "a header name of at most 64 letters, digits and hyphens, or none"
NETWORKS = "networks such as 10.0.0.0/8 or addresses such as 192.0.2.1, separated by commas"
PROVIDERS = "a list of objects, each with name, title, issuer, client_id and client_secret"
REFUSED = [
    ("ENVIRONMENT", "development, test or production", ["prod", "Production"]),
    ("DATABASE_POOLED", "true or false", ["perhaps"]),
    ("PORT", PORT, ["many", "0", "65536", "99999"]),
    ("WATCHDOG_PORT", PORT, ["0"]),
    ("MAX_UPLOAD_BYTES", INTEGER, ["0", "1.5"]),
    ("OPENAI_MAX_OUTPUT_TOKENS", "a whole number of at least 256", ["255"]),
    ("CREDIT_MARGIN", "a number from 1 to 100", ["0.5", "NaN", "101"]),
    ("DAILY_MODEL_BUDGET_CHF", "a number of at least 0", ["-1", "Infinity"]),
    ("LEASE_S", POSITIVE, ["0", "-1", "inf"]),
    ("PROVIDER_TIMEOUT_S", "a number above 0, at most 20", ["21"]),
    ("LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR", ["LOUD"]),
    ("LOG_FORMAT", "text or json", ["xml"]),
    ("DATABASE_URL", DATABASE, ["garbage", "postgresql://u:p@h:notaport/x", "sqlite:///x"]),
    ("REDIS_URL", BROKER, ["localhost:6379", "http://host"]),
    ("OPENAI_BASE_URL", "a URL such as https://example.org", ["garbage"]),
    (
        "S3_ENDPOINT_URL",
        "a URL such as https://example.org",
        ["spaces.example", "s3://bucket", "https://", "ftp://host"],
    ),
    ("FRONTEND_URL", ORIGIN, ["garbage"]),
    ("CORS_ORIGINS", "origins without a path, such as https://example.org, separated by commas", ["garbage"]),
    ("ALLOWED_HOSTS", HOSTS, ["a b"]),
    ("ADMIN_EMAILS", "e-mail addresses, separated by commas", ["ada@uni.example, ada"]),
    ("OIDC_PROVIDERS", PROVIDERS, ["{}", "[1]"]),
    ("RATE_LIMIT_READ", RATE, ["600", "0/minute", "600/week", "-1/minute", "600 / minute", "600/minute;1/second"]),
    ("RATE_LIMIT_READ", RATE, ["10000000/minute"]),
    ("TRUSTED_PROXY_HEADER", HEADER, ["do connecting ip", "x_forwarded_for", "X-Forwarded-For:", "a" * 65]),
    ("TRUSTED_PROXIES", NETWORKS, ["10.0.0.0/33", "10.0.0.1/8", "proxy.example", "10.0.0.0/8 ::1"]),
]


@pytest.mark.parametrize(
    ("name", "allowed", "value"), [(name, allowed, value) for name, allowed, values in REFUSED for value in values]
)
def test_a_refusal_says_what_is_allowed(environment, name: str, allowed: str, value: str) -> None:
    assert refusal(environment, **{name: value}) == [f"{name}: must be {allowed}"]


@pytest.mark.parametrize("value", ["1/second", "9999999/day"])
def test_a_valid_rate_is_accepted(environment, value: str) -> None:
    environment(RATE_LIMIT_READ=value)
    assert load_settings().rate_limit_read == value


def test_a_setting_without_a_rule_takes_any_text(environment) -> None:
    """Otherwise docs/configuration.md would say "any text" for a setting that refuses some."""
    free = [name for name, field in Settings.model_fields.items() if describe_values(field) is None]
    environment(**{name.upper(): "\N{SNOWMAN} |" for name in free})
    assert load_settings().openai_model == "\N{SNOWMAN} |"


KEYS = {"S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "very-secret"}


@pytest.mark.parametrize(
    "place",
    [
        "s3://",
        "s3://ab",
        "s3://Bucket/files",
        "s3://-bucket",
        "s3://bucket//files",
        "s3://bucket/../files",
        "s3://bucket/./files",
        "s3://bucket/files/..",
        "s3://bucket/a b",
        "s3://bucket/files?acl",
        "s3://bucket/%2e%2e",
        "s3://user:password@bucket/files",
        "https://bucket.example/files",
        "bucket/files",
        "POSTGRES",
    ],
)
def test_a_malformed_document_storage_is_refused(environment, place: str) -> None:
    lines = refusal(environment, DOCUMENT_STORAGE=place, **KEYS)
    assert len(lines) == 1
    assert lines[0].startswith("DOCUMENT_STORAGE: must be postgres or s3://bucket/prefix")


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("postgres", "postgres"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://my-bucket.example/files/v1.2_a/", "s3://my-bucket.example/files/v1.2_a"),
    ],
)
def test_document_storage_is_normalized(environment, given: str, place: str) -> None:
    environment(DOCUMENT_STORAGE=given, **KEYS)
    assert load_settings().document_storage == place


@pytest.mark.parametrize("name", KEYS)
def test_a_bucket_needs_keys(environment, name: str) -> None:
    keys = {key: value for key, value in KEYS.items() if key != name}
    lines = refusal(environment, DOCUMENT_STORAGE="s3://bucket/files", **keys)
    assert lines == [f"{name} is missing: DOCUMENT_STORAGE names a bucket"]


def test_an_empty_environment_is_not_development(environment, monkeypatch: pytest.MonkeyPatch) -> None:
    environment()
    monkeypatch.setenv("ENVIRONMENT", "")
    with pytest.raises(
        SettingsRefused, match="ENVIRONMENT is empty: set development, test or production, or remove it"
    ):
        load_settings()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"REDIS_URL": "redis://:@127.0.0.1:6379/0", "REDIS_PASSWORD": ""}, "REDIS_PASSWORD is missing"),
        ({"REDIS_URL": "redis://:a@h:6379/0"}, "REDIS_URL has too short a password: use at least 32 characters"),
        (
            {"REDIS_URL": "rediss://u:p@h:6379/0?ssl_cert_reqs=none"},
            "REDIS_URL must not turn off certificate checks: remove ssl_cert_reqs=none",
        ),
        ({"METRICS_TOKEN": "a"}, "METRICS_TOKEN is too short: use at least 32 characters"),
    ],
)
def test_production_refuses_weak_passwords_and_tls(environment, changes: dict[str, str], named: str) -> None:
    (line,) = refusal(environment, **{**PRODUCTION, **changes})
    assert line.startswith(named)


def test_values_are_typed(environment) -> None:
    environment(PORT="9000", CORS_ORIGINS="https://a.example/, https://b.example,", FRONTEND_URL="https://c.example/")
    settings = load_settings()
    assert settings.port == 9000
    assert settings.allowed_origins == ("https://a.example", "https://b.example", "https://c.example")


def test_settings_are_immutable(environment) -> None:
    with pytest.raises(ValidationError):
        load_settings().port = 1


def test_secrets_are_not_shown(environment) -> None:
    environment(**PRODUCTION, OPENAI_API_KEY="sk-secret")
    settings = load_settings()
    assert "sk-secret" not in repr(settings)
    assert PRODUCTION["JWT_SECRET"] not in repr(settings)


def test_every_variable_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_process_refuses_to_start_without_a_traceback() -> None:
    command = [sys.executable, "-c", "from backend.app import create_app; create_app()"]
    environment = {"PATH": os.environ["PATH"], "ENVIRONMENT": "production"}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Refusing to start:\n  JWT_SECRET is missing")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("url", "password", "expected"),
    [
        ("redis://api.internal:6379/0", "p/w@rd", "redis://:p%2Fw%40rd@api.internal:6379/0"),
        ("redis://default@host:6379/0", "secret", "redis://default:secret@host:6379/0"),
        ("redis://:own@host:6379/0", "secret", "redis://:own@host:6379/0"),
        ("redis://host:6379/0", None, "redis://host:6379/0"),
        ("rediss://u:p@host:25061/0", None, "rediss://u:p@host:25061/0?ssl_cert_reqs=required"),
        (
            "rediss://u:p@host:25061/0?ssl_ca_certs=/ca.pem",
            None,
            "rediss://u:p@host:25061/0?ssl_ca_certs=/ca.pem&ssl_cert_reqs=required",
        ),
        ("rediss://u:p@host/0?ssl_cert_reqs=none", None, "rediss://u:p@host/0?ssl_cert_reqs=none"),
    ],
)
def test_the_broker_url_includes_the_password(environment, url: str, password: str | None, expected: str) -> None:
    environment(REDIS_URL=url, **({} if password is None else {"REDIS_PASSWORD": password}))
    assert load_settings().broker_url == expected


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("redis://localhost:6379/0", True),
        ("redis://127.0.0.1:6379/0", True),
        ("redis://[::1]:6379/0", True),
        ("redis://api.internal:6379/0", False),
        ("rediss://default:secret@valkey.example:25061/0", False),
    ],
)
def test_only_a_loopback_redis_is_our_own(environment, url: str, own: bool) -> None:
    environment(REDIS_URL=url)
    assert load_settings().redis_is_own is own


@pytest.mark.parametrize(
    ("url", "refused"), [("redis://api.internal:6379/0", 1), ("rediss://default@valkey.example/0", 0)]
)
def test_a_short_password_is_accepted_for_an_external_redis(environment, url: str, refused: int) -> None:
    environment(**{**PRODUCTION, "REDIS_URL": url, "REDIS_PASSWORD": "AVNS_q8wE3rY6uI1oP9aS4dF"})
    try:
        found = str(load_settings().broker_url)
    except SettingsRefused as refusal:
        found = str(refusal)
    assert found.count("REDIS_PASSWORD is too short") == refused


def test_a_password_in_the_url_is_enough(environment) -> None:
    values = {name: value for name, value in PRODUCTION.items() if name != "REDIS_PASSWORD"}
    environment(**{**values, "REDIS_URL": "rediss://default:secret@valkey.example:25061/0"})
    assert load_settings().redis_is_own is False


@pytest.mark.parametrize("value", ["none", "None"])
def test_no_proxy_can_be_stated(environment, value: str) -> None:
    environment(**{**PRODUCTION, "TRUSTED_PROXY_HEADER": value})
    assert load_settings().trusted_proxy_header is None


def test_proxy_networks_are_parsed(environment) -> None:
    environment(TRUSTED_PROXIES=" 10.0.0.0/8, fd00::/8 ,192.0.2.1")
    assert load_settings().trusted_proxies == ("10.0.0.0/8", "fd00::/8", "192.0.2.1")
