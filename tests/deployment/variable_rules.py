"""What a schema cannot check in an App Spec's variables: references, secrets, and what the settings class expects."""

import contextlib
import json
import os
import re
import string
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from backend.settings import Settings, SettingsRefused, load_settings
from tests.deployment.app_spec import Component, Deployment, Variable

APP_WIDE = frozenset({"APP_DOMAIN", "APP_ID", "APP_URL"})
# The variables that each kind of component offers to others. Workers and jobs have no address.
OFFERED = {
    "services": frozenset(
        {"COMMIT_HASH", "PRIVATE_DOMAIN", "PRIVATE_PORT", "PRIVATE_URL", "PUBLIC_ROUTE_PATH", "PUBLIC_URL"}
    ),
    "workers": frozenset({"COMMIT_HASH"}),
    "jobs": frozenset({"COMMIT_HASH"}),
    "static_sites": frozenset({"COMMIT_HASH", "PUBLIC_ROUTE_PATH", "PUBLIC_URL"}),
    "functions": frozenset({"PUBLIC_ROUTE_PATH", "PUBLIC_URL"}),
    "databases": frozenset({"CA_CERT", "DATABASE", "DATABASE_URL", "HOSTNAME", "PASSWORD", "PORT", "USERNAME"}),
}
REFERENCE = re.compile(r"\$\{(?:(?P<component>[a-z_][a-z0-9_-]*)\.)?(?P<name>[A-Z][A-Z0-9_]*)\}")

OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

# We must end a request before the edge does, after about 100 seconds.
GUNICORN_TIMEOUT_BELOW_S = 90
# The edge may refuse a body of about 100 MB.
UPLOAD_BELOW_BYTES = 100_000_000

# Settings that only some components need. All components get every other setting.
ONLY_API = frozenset(
    {
        "port",
        "allowed_hosts",
        "cors_origins",
        "metrics_token",
        "access_token_minutes",
        "jwt_secret_previous",
        "session_idle_days",
        "session_days",
        "admin_emails",
        "admin_daily_chf",
        "google_client_id",
        "google_client_secret",
        "github_client_id",
        "github_client_secret",
        "github_url",
        "github_api_url",
        "oidc_providers",
        "provider_timeout_s",
        "stripe_publishable_key",
        "stripe_webhook_secret",
        "gunicorn_workers",
        "gunicorn_threads",
        "gunicorn_timeout",
        "stream_seconds",
        "trusted_proxies",
        "rate_limit_address",
        "rate_limit_sign_in",
        "rate_limit_upload",
        "rate_limit_run",
        "rate_limit_read",
        "rate_limit_write",
    }
)
ONLY_WORKER = frozenset(
    {
        "celery_concurrency",
        "model_calls_at_once",
        "worker_state_folder",
        "watchdog_port",
        "watchdog_interval_s",
        "watchdog_silence_s",
        "watchdog_restarts",
        "watchdog_pause_s",
    }
)
# Secret settings whose type is plain text: URLs may hold a password, providers include secrets, and personal
# addresses do not belong in a repository.
SECRET_TEXTS = frozenset({"database_url", "admin_emails", "oidc_providers"})

_KEY_LIKE = re.compile(r"sk[-_](?:live|test|proj)|whsec_|gh[oprsu]_|AKIA|-----BEGIN|://[^/@\s]*:[^/@\s]+@")


def unique_variables(deployment: Deployment) -> Iterator[str]:
    """No list defines a variable twice: one of the values would silently win."""
    places = [("app", deployment.spec.get("envs", []))]
    places += [(component.name, component.own_variables) for component in deployment.components]
    for place, variables in places:
        keys = [variable["key"] for variable in variables]
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            yield f"{place}: {key} is defined twice"


def text_values(deployment: Deployment) -> Iterator[str]:
    """Values are text, and no plain variable lacks one."""
    for place, variable in deployment.every_variable():
        if variable.get("type") == "SECRET":
            continue
        value = variable.get("value")
        if value is None or value == "":
            yield f"{place}: {variable['key']} has no value"
        elif not isinstance(value, str):
            yield f"{place}: {variable['key']} is {value!r}, which is not text: put it in quotation marks"


def run_time_scope(deployment: Deployment) -> Iterator[str]:
    """No variable is passed to the build, which the default scope does."""
    for place, variable in deployment.every_variable():
        if variable.get("scope") != "RUN_TIME":
            yield f"{place}: {variable['key']} is passed to the build: its scope is not RUN_TIME"


def hidden_secrets(deployment: Deployment) -> Iterator[str]:
    """A secret has no value in the file, and no plain value looks like a secret."""
    for place, variable in deployment.every_variable():
        if variable.get("type") == "SECRET" and "value" in variable:
            yield f"{place}: the secret {variable['key']} has a value in the file"
        elif _KEY_LIKE.search(str(variable.get("value", ""))):
            yield f"{place}: the value of {variable['key']} looks like a secret"


def references(deployment: Deployment) -> Iterator[str]:
    """Each ``${x.Y}`` names a component and a variable of its kind; none names a secret."""
    own = {variable["key"] for variable in deployment.spec.get("envs", [])}
    secret = {variable["key"] for _, variable in deployment.every_variable() if variable.get("type") == "SECRET"}
    for place, variable in deployment.every_variable():
        value = str(variable.get("value", ""))
        if "$" in REFERENCE.sub("", value):
            yield f"{place}: {variable['key']} has a $ that is not a reference: {value}"
        for found in REFERENCE.finditer(value):
            name, target = found["name"], found["component"]
            if name in secret:
                yield f"{place}: {variable['key']} refers to the secret {name}, which would stay unreplaced"
            elif target is None:
                if name not in APP_WIDE | own:
                    yield f"{place}: {variable['key']} refers to {name}, which the app does not have"
            elif target == "_self" and place == "app":
                yield f"{place}: {variable['key']} refers to _self, which only a component has"
            else:
                component = deployment.named(place if target == "_self" else target)
                if component is None:
                    yield f"{place}: {variable['key']} refers to {target}, which is not a component"
                elif name not in OFFERED[component.kind]:
                    yield f"{place}: {variable['key']} refers to {target}.{name}, which {component.kind} do not have"


def private_addresses(deployment: Deployment) -> Iterator[str]:
    """PRIVATE_URL is a whole URL and PRIVATE_PORT the HTTP port, so neither may be part of the Redis URL."""
    for place, variable in deployment.every_variable():
        value, key = str(variable.get("value", "")), variable["key"]
        if re.search(r"\.PRIVATE_URL\}:", value):
            yield f"{place}: {key} puts a port behind PRIVATE_URL, which has one"
        if re.search(r"//[^/]*\$\{[^}]*\.PRIVATE_URL\}", value):
            yield f"{place}: {key} puts a scheme before PRIVATE_URL, which has one"
        if "REDIS" in key and re.search(r"\.PRIVATE_(URL|PORT)\}", value):
            yield f"{place}: {key} uses PRIVATE_URL or PRIVATE_PORT, which lead to the HTTP port"


def dialled_ports(deployment: Deployment) -> Iterator[str]:
    """A port that one component dials is open on the other: an internal port or its HTTP port."""
    for place, variable in deployment.every_variable():
        url = _address(variable)
        target = deployment.named(url.hostname or "") if url else None
        if url is None or target is None:
            continue
        key = variable["key"]
        if target.kind != "services":
            yield f"{place}: {key} dials {target.name}, which accepts no connections ({target.kind})"
            continue
        http = url.scheme in ("http", "https")
        open_ports = [target.body.get("http_port")] if http else target.body.get("internal_ports", [])
        if url.port is None and not http:
            yield f"{place}: {key} dials {target.name} without a port"
        elif url.port is not None and url.port not in open_ports:
            yield f"{place}: {key} dials port {url.port} of {target.name}, whose open ports are {open_ports}"


def _address(variable: Variable) -> SplitResult | None:
    """Return the split URL in a value, with component names as hosts, or None if there is no URL."""
    value = re.sub(r"\$\{([a-z][a-z0-9-]*)\.PRIVATE_DOMAIN\}", r"\1", str(variable.get("value", "")))
    if "://" not in value or "$" in value:
        return None
    return urlsplit(value)


def one_broker(deployment: Deployment) -> Iterator[str]:
    """All components use the same Redis, and it runs where they expect it."""
    brokers: dict[str, set[str]] = {}
    for component in deployment.built:
        url = _address(deployment.variables(component).get("REDIS_URL", {}))
        host = (url.hostname if url else None) or "none"
        if host in OWN_HOSTS:
            if component.kind != "services":
                yield f"{component.name} looks for Redis in its own container, which has none"
            host = component.name
        elif (target := deployment.named(host)) is not None:
            their = _address(deployment.variables(target).get("REDIS_URL", {}))
            if their is None or their.hostname not in OWN_HOSTS:
                yield f"{component.name} looks for Redis in {host}, which starts none: its REDIS_URL points elsewhere"
        brokers.setdefault(host, set()).add(component.name)
    if len(brokers) > 1:
        shown = "; ".join(f"{', '.join(sorted(names))} at {host}" for host, names in sorted(brokers.items()))
        yield f"the components use different brokers: {shown}"


def one_instance_of_own_redis(deployment: Deployment) -> Iterator[str]:
    """A component with its own Redis runs once and never sleeps: a second instance would have a second queue."""
    for component in deployment.of("services"):
        url = _address(deployment.variables(component).get("REDIS_URL", {}))
        if url is None or url.hostname not in OWN_HOSTS:
            continue
        if component.body.get("instance_count", 1) != 1:
            yield f"{component.name} has its own Redis and runs {component.body['instance_count']} times"
        for field in ("autoscaling", "inactivity_sleep"):
            if field in component.body:
                yield f"{component.name} has its own Redis and has {field}"


def prefixes(deployment: Deployment) -> Iterator[str]:
    """Each component's log lines begin with its own name in brackets."""
    for component in deployment.built:
        prefix, expected = deployment.value(component, "LOG_PREFIX"), f"[{component.name.upper()}]"
        if prefix != expected:
            yield f"{component.name} has the LOG_PREFIX {prefix} instead of {expected}"


def one_address(deployment: Deployment) -> Iterator[str]:
    """The components' PUBLIC_URL is the app's PRIMARY domain."""
    primary = {f"https://{one['domain']}" for one in deployment.spec.get("domains", []) if one.get("type") == "PRIMARY"}
    for component in deployment.built:
        address = deployment.value(component, "PUBLIC_URL")
        if address not in primary:
            yield f"{component.name} has the PUBLIC_URL {address}, but the PRIMARY domain is {sorted(primary)}"


def edge_limits(deployment: Deployment) -> Iterator[str]:
    """We end requests and streams and refuse uploads before the edge does."""
    for service in deployment.of("services"):
        for key in ("GUNICORN_TIMEOUT", "STREAM_SECONDS"):
            if _number(deployment.value(service, key)) >= GUNICORN_TIMEOUT_BELOW_S:
                yield f"{service.name}: {key} is not under {GUNICORN_TIMEOUT_BELOW_S} s, when the edge gives up"
        if _number(deployment.value(service, "MAX_UPLOAD_BYTES")) >= UPLOAD_BELOW_BYTES:
            yield f"{service.name}: MAX_UPLOAD_BYTES is not under {UPLOAD_BELOW_BYTES}, which the edge refuses"


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("inf")


def settings_are_given(deployment: Deployment) -> Iterator[str]:
    """Each component gets every setting that it needs and no other variable."""
    known = {name.upper() for name in Settings.model_fields}
    for place, variable in deployment.every_variable():
        if variable["key"] not in known:
            yield f"{place}: {variable['key']} is not a setting"
    for component in deployment.built:
        given, needed = set(deployment.variables(component)), needed_by(component)
        yield from (f"{component.name} does not get {key}" for key in sorted(needed - given))
        yield from (f"{component.name} gets {key}, which it does not need" for key in sorted(given & known - needed))


def needed_by(component: Component) -> frozenset[str]:
    """Return the variables that a component of this kind needs."""
    foreign = {"services": ONLY_WORKER, "workers": ONLY_API}.get(component.kind, ONLY_API | ONLY_WORKER)
    return frozenset(name.upper() for name in Settings.model_fields if name not in foreign)


def secret_types(deployment: Deployment) -> Iterator[str]:
    """Exactly the settings that the settings class keeps secret have the type SECRET."""
    for place, variable in deployment.every_variable():
        name = variable["key"].lower()
        if name not in Settings.model_fields:
            continue
        is_secret = variable.get("type") == "SECRET"
        if is_secret_setting(name) and not is_secret:
            yield f"{place}: {variable['key']} is a secret without the type SECRET"
        elif is_secret and not is_secret_setting(name):
            yield f"{place}: {variable['key']} has the type SECRET, but the settings class does not keep it secret"


def is_secret_setting(name: str) -> bool:
    """Tell whether a field of the settings class is a secret."""
    return name in SECRET_TEXTS or "SecretStr" in str(Settings.model_fields[name].annotation)


def values_are_accepted(deployment: Deployment) -> Iterator[str]:
    """Each component starts in production with the spec's values, with all secrets and with only the required ones."""
    for component in deployment.built:
        for optional in (True, False):
            try:
                with _exactly(environment(deployment, component, optional_secrets=optional)):
                    settings = load_settings()
            except SettingsRefused as refused:
                yield from (f"{component.name}: {line.strip()}" for line in str(refused).splitlines()[1:])
                continue
            if settings.environment != "production":
                yield f"{component.name} runs in {settings.environment}, which accepts unsafe values"


def environment(deployment: Deployment, component: Component, *, optional_secrets: bool) -> dict[str, str]:
    """Return a component's environment as the platform sets it, with made-up secrets."""
    given = {}
    in_bucket = (deployment.value(component, "DOCUMENT_STORAGE") or "").startswith("s3:")
    for number, (key, variable) in enumerate(deployment.variables(component).items()):
        if variable.get("type") == "SECRET":
            # Production requires the broker's password if REDIS_URL has none, and keys for a bucket.
            needed = key == "REDIS_PASSWORD" or (in_bucket and key.startswith("S3_")) or not _is_optional(key)
            given[key] = _made_up(key, number) if optional_secrets or needed else ""
        else:
            given[key] = REFERENCE.sub(lambda found: found["component"] or "app", str(variable.get("value", "")))
    return given


def _is_optional(key: str) -> bool:
    field = Settings.model_fields.get(key.lower())
    return field is not None and field.default in (None, ())


def _made_up(key: str, number: int) -> str:
    letters = string.ascii_letters + string.digits
    text = letters[number:] + letters[:number]
    provider = {"name": "uni", "title": "University", "issuer": "https://uni.example", "client_id": "app"}
    texts = {
        "DATABASE_URL": f"postgresql://user:{text}@database.example:25060/app",
        "ADMIN_EMAILS": "ada@example.org, grace@example.org",
        "STRIPE_API_KEY": f"sk_test_{text}",
        "STRIPE_PUBLISHABLE_KEY": f"pk_test_{text}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{text}",
        "OIDC_PROVIDERS": json.dumps([{**provider, "client_secret": text}]),
    }
    return texts.get(key, text)


@contextlib.contextmanager
def _exactly(variables: dict[str, str]) -> Iterator[None]:
    """Replace the whole environment for the duration of the block."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


RULES = (
    unique_variables,
    text_values,
    run_time_scope,
    hidden_secrets,
    references,
    private_addresses,
    dialled_ports,
    one_broker,
    one_instance_of_own_redis,
    prefixes,
    one_address,
    edge_limits,
    settings_are_given,
    secret_types,
    values_are_accepted,
)
