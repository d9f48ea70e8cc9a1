"""What a schema cannot check in an App Spec: names, routing, probes, alerts. Each rule yields the violations."""

from collections.abc import Iterator
from typing import Any

from tests.deployment.app_spec import Component, Deployment

APP_ALERTS = frozenset({"DEPLOYMENT_FAILED", "DOMAIN_FAILED"})
COMPONENT_ALERTS = frozenset({"CPU_UTILIZATION", "MEM_UTILIZATION", "RESTART_COUNT"})
# Deprecated names; these sizes are now sold under new names only.
DEPRECATED_SIZES = ("basic-", "professional-")
# The probed paths may take a second to respond while a part of the system hangs.
MAX_RESPONSE_S = 1
# The platform's defaults for a probe.
_READINESS_DEFAULTS = {"period_seconds": 10, "timeout_seconds": 1, "failure_threshold": 9}
_LIVENESS_DEFAULTS = {"period_seconds": 10, "timeout_seconds": 1, "failure_threshold": 18}

# The values agreed for the reference deployment, by their path in the spec.
AGREED: dict[str, Any] = {
    "region": "fra",
    "services.api.dockerfile_path": "Dockerfile.api",
    "services.api.source_dir": "/",
    "services.api.http_port": 8080,
    "services.api.internal_ports": [6379],
    "services.api.instance_size_slug": "apps-s-1vcpu-2gb",
    "services.api.health_check.http_path": "/api/v1/health",
    "services.api.liveness_health_check.http_path": "/api/v1/health/live",
    "services.api.termination.drain_seconds": 15,
    "services.api.termination.grace_period_seconds": 60,
    "workers.worker.dockerfile_path": "Dockerfile.worker",
    "workers.worker.source_dir": "/",
    "workers.worker.instance_size_slug": "apps-s-1vcpu-1gb",
    "workers.worker.liveness_health_check.http_path": "/health/live",
    "workers.worker.termination.grace_period_seconds": 60,
    "jobs.migrate.kind": "PRE_DEPLOY",
    "jobs.migrate.dockerfile_path": "Dockerfile.api",
    "jobs.migrate.run_command": "python -m backend.operations.container python -m backend.cli migrate",
}
DOMAIN = "api.hackthestudy.ch"


def agreed_values(deployment: Deployment) -> Iterator[str]:
    """The spec is the reference deployment: exactly these components, with these values."""
    for path, expected in AGREED.items():
        found = _look_up(deployment, path)
        if found != expected:
            yield f"{path} is {found!r} instead of {expected!r}"
    expected_names = {tuple(path.split(".")[:2]) for path in AGREED if path.count(".")}
    for component in deployment.components:
        if (component.kind, component.name) not in expected_names:
            yield f"{component.kind} has a component {component.name}, which the deployment does not know"


def _look_up(deployment: Deployment, path: str) -> Any:
    first, *rest = path.split(".")
    if not rest:
        return deployment.spec.get(first)
    body: Any = next((one.body for one in deployment.of(first) if one.name == rest[0]), None)
    for key in rest[1:]:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def unique_names(deployment: Deployment) -> Iterator[str]:
    """No two components have the same name, even of different kinds."""
    names = [component.name for component in deployment.components]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} is the name of more than one component"


def ingress(deployment: Deployment) -> Iterator[str]:
    """Every path is routed, whole, to a component that exists and receives requests."""
    prefixes = []
    for rule in deployment.spec.get("ingress", {}).get("rules", []):
        target = rule.get("component", {})
        name = target.get("name")
        component = deployment.named(name)
        if component is None:
            yield f"ingress routes to {name}, which is not a component"
            continue
        if component.kind not in ("services", "static_sites", "functions"):
            yield f"ingress routes to {name}, which receives no requests ({component.kind})"
        if component.kind == "services" and target.get("preserve_path_prefix") is not True:
            yield f"ingress strips the matched prefix from the path for {name}: preserve_path_prefix is not true"
        prefixes.append(rule.get("match", {}).get("path", {}).get("prefix", "/"))
    for path in sorted({*deployment.public_paths, "/metrics"}):
        if not any(path == prefix or path.startswith(prefix.rstrip("/") + "/") for prefix in prefixes):
            yield f"ingress has no rule for {path}"


def domains(deployment: Deployment) -> Iterator[str]:
    """The app's only PRIMARY domain is the agreed one."""
    primary = [one["domain"] for one in deployment.spec.get("domains", []) if one.get("type") == "PRIMARY"]
    if primary != [DOMAIN]:
        yield f"the PRIMARY domains are {primary} instead of {DOMAIN} alone"


def edge_cache(deployment: Deployment) -> Iterator[str]:
    """The edge does not cache, because it would delay event streams. This needs a custom domain."""
    if deployment.spec.get("disable_edge_cache") is not True:
        yield "disable_edge_cache is not true: event streams would be delayed"
    if not deployment.spec.get("domains"):
        yield "disable_edge_cache has no effect without a custom domain"


def alerts(deployment: Deployment) -> Iterator[str]:
    """Each alert is at its level, none is missing or disabled, and each has its threshold."""
    at_app = {alert["rule"]: alert for alert in deployment.spec.get("alerts", [])}
    yield from _alerts("app", at_app, expected=APP_ALERTS, foreign=COMPONENT_ALERTS)
    for component in deployment.of("services", "workers"):
        found = {alert["rule"]: alert for alert in component.body.get("alerts", [])}
        yield from _alerts(component.name, found, expected=COMPONENT_ALERTS, foreign=APP_ALERTS)
        for rule in COMPONENT_ALERTS & set(found):
            missing = {"operator", "value", "window"} - set(found[rule])
            if missing:
                yield f"{component.name}: the alert {rule} has no {' and no '.join(sorted(missing))}"
    for component in deployment.of("jobs"):
        for alert in component.body.get("alerts", []):
            if alert["rule"] in APP_ALERTS:
                yield f"{component.name}: the alert {alert['rule']} is at the wrong level"


def _alerts(place: str, found: dict[str, Any], *, expected: frozenset[str], foreign: frozenset[str]) -> Iterator[str]:
    for rule in sorted(expected):
        if rule not in found:
            yield f"{place}: the alert {rule} is missing"
        elif found[rule].get("disabled"):
            yield f"{place}: the alert {rule} is disabled"
    for rule in sorted(foreign & set(found)):
        yield f"{place}: the alert {rule} is at the wrong level"


def sizes(deployment: Deployment) -> Iterator[str]:
    """Each component has a size, under its current name."""
    for component in deployment.built:
        size = component.body.get("instance_size_slug")
        if size is None:
            yield f"{component.name} has no size and would get half a gigabyte"
        elif size.startswith(DEPRECATED_SIZES):
            yield f"{component.name} has the size {size}, a deprecated name"


def workers_answer_nobody(deployment: Deployment) -> Iterator[str]:
    """A worker has no port, no route and no readiness; its liveness probe uses the watchdog's port."""
    for worker in deployment.of("workers"):
        for field in ("http_port", "internal_ports", "health_check", "routes", "cors"):
            if field in worker.body:
                yield f"{worker.name} is a worker and has {field}"
        if "drain_seconds" in worker.body.get("termination", {}):
            yield f"{worker.name} is a worker and has drain_seconds, which is for services"
        port = worker.body.get("liveness_health_check", {}).get("port")
        listens = deployment.value(worker, "WATCHDOG_PORT")
        if str(port) != listens:
            yield f"{worker.name} is probed on port {port}, but its watchdog listens on {listens}"


def service_ports(deployment: Deployment) -> Iterator[str]:
    """A service is probed and routed to where it listens, and its HTTP port is not an internal port too."""
    for service in deployment.of("services"):
        port = service.body.get("http_port")
        listens = deployment.value(service, "PORT")
        if str(port) != listens:
            yield f"{service.name} is routed to on port {port}, but listens on PORT {listens}"
        for probe in ("health_check", "liveness_health_check"):
            asked = service.body.get(probe, {}).get("port", port)
            if asked != port:
                yield f"{service.name}: {probe} probes port {asked}, where nothing speaks HTTP"
        if port in service.body.get("internal_ports", []):
            yield f"{service.name} lists its HTTP port {port} among the internal_ports"


def probe_paths(deployment: Deployment) -> Iterator[str]:
    """Services have probes for readiness and liveness, on different paths that exist and need no token."""
    for service in deployment.of("services"):
        paths = {}
        for probe in ("health_check", "liveness_health_check"):
            path = service.body.get(probe, {}).get("http_path")
            paths[probe] = path
            if path is None:
                yield f"{service.name} has no http_path in its {probe}: only the port would be tried"
            elif path not in deployment.public_paths:
                yield f"{service.name}: {probe} requests {path}, which is not a public path of the API"
        if paths["health_check"] == paths["liveness_health_check"]:
            yield f"{service.name} has one path for readiness and liveness: a lost database would restart it"
    for worker in deployment.of("workers"):
        if worker.body.get("liveness_health_check", {}).get("http_path") is None:
            yield f"{worker.name} has no http_path in its liveness_health_check"
    for component in deployment.built:
        if "path" in component.body.get("health_check", {}):
            yield f"{component.name}: health_check has path, a deprecated field"


def probe_timing(deployment: Deployment) -> Iterator[str]:
    """A probe's timeout is longer than the slowest good response, and liveness waits for self-repair."""
    for component in deployment.of("services", "workers"):
        for probe, defaults in (("health_check", _READINESS_DEFAULTS), ("liveness_health_check", _LIVENESS_DEFAULTS)):
            if probe not in component.body:
                continue
            timing = {**defaults, **component.body[probe]}
            if timing["timeout_seconds"] <= MAX_RESPONSE_S:
                yield f"{component.name}: {probe} times out after {timing['timeout_seconds']} s, before a response"
            if timing["timeout_seconds"] >= timing["period_seconds"]:
                yield f"{component.name}: {probe} repeats before its timeout"
            patience = timing["period_seconds"] * timing["failure_threshold"]
            repairs = _longest_repair_s(deployment, component)
            if probe == "liveness_health_check" and patience <= repairs:
                yield f"{component.name} is restarted after {patience} s, before it repairs itself ({repairs:g} s)"


def _longest_repair_s(deployment: Deployment, component: Component) -> float:
    # gunicorn ends a silent process after its timeout; the watchdog restarts Celery after this silence.
    key = "GUNICORN_TIMEOUT" if component.kind == "services" else "WATCHDOG_SILENCE_S"
    return float(deployment.value(component, key) or 0)


def termination(deployment: Deployment) -> Iterator[str]:
    """Each service and worker states its grace period; services also state their drain time."""
    for component in deployment.of("services", "workers"):
        stated = component.body.get("termination", {})
        if "grace_period_seconds" not in stated:
            yield f"{component.name} does not state its grace_period_seconds"
        if component.kind == "services" and "drain_seconds" not in stated:
            yield f"{component.name} does not state its drain_seconds"


def one_source(deployment: Deployment) -> Iterator[str]:
    """All components are built from one branch and deployed together; otherwise API and worker could differ."""
    sources = {component.name: component.body.get("github") for component in deployment.built}
    reference = next(iter(sources.values()), None)
    for name, source in sources.items():
        if source != reference:
            yield f"{name} is built from {source}, others from {reference}"
        elif not source or not source.get("branch") or source.get("deploy_on_push") is not True:
            yield f"{name} is not deployed on a push to a named branch"


RULES = (
    agreed_values,
    unique_names,
    ingress,
    domains,
    edge_cache,
    alerts,
    sizes,
    workers_answer_nobody,
    service_ports,
    probe_paths,
    probe_timing,
    termination,
    one_source,
)
