"""The reference deployment in real containers: the images, variables, sizes and times of ``app.spec.yml``."""

import json
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from config.local.client import ApiClient
from tests.deployment.app_spec import Component, Deployment, read_spec
from tests.deployment.engine import Container, Engine, EngineError
from tests.faults.work import Work
from tests.patience import HANG_S, Stopwatch, wait_for

ROOT = Path(__file__).resolve().parents[2]
LABEL = "org.hackthestudy.test"
MEMORY = {"apps-s-1vcpu-2gb": 2 * 1024**3, "apps-s-1vcpu-1gb": 1024**3}
IMAGES = {"api": "hackthestudy-api", "worker": "hackthestudy-worker", "postgres": "hackthestudy-test-postgres"}
SECRETS = {
    "DATABASE_URL": "postgresql://postgres:canary-of-the-database@postgres/postgres",
    "REDIS_PASSWORD": "canary-of-redis/qT8wE3rY6uI1oP9aS4dF7gH2",
    "JWT_SECRET": "canary-of-jwt-zV7kQ2mX9pL4wR8tY1nB6cF3",
    "FLASK_SECRET_KEY": "canary-of-flask-uE4iO8aW2qS6xC1vN9mK7l",
    "OPENAI_API_KEY": "sk-test-canary-of-openai",
    "METRICS_TOKEN": "canary-of-metrics-hG5fD3sA9kL2mN7bV4cX1z",
    "STRIPE_API_KEY": "sk_test_canary_of_stripe",
}
EMAIL = "canary.student@mail.example"
_MODEL_PORT = 9000


def build_images(engine: Engine) -> None:
    """Build the images; unchanged layers come from the builder's cache.

    Downloads take most of the time. The worker's image is built after the API's because they share the first stage.
    """
    images = ROOT / "tests/deployment/images"
    with ThreadPoolExecutor() as beside:
        postgres = beside.submit(engine.build, images / "Dockerfile.postgres", images, IMAGES["postgres"])
        engine.build(ROOT / "Dockerfile.api", ROOT, IMAGES["api"])
        engine.build(ROOT / "Dockerfile.worker", ROOT, IMAGES["worker"])
        postgres.result()


class ModelInContainer:
    """The stand-in for the language model, called and controlled over HTTP."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            return json.loads(answer.read() or b"null")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The calls so far. A call without ``at_out`` has no response yet."""
        return list(self._send("GET", "/__calls"))

    def set_script(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Set how the model behaves."""
        self._send("POST", "/__script", list(rules))

    def forget_calls(self) -> None:
        self._send("DELETE", "/__calls")


class ContainerSystem:
    """Containers in their own network: PostgreSQL, the model, a migration, APIs, workers.

    Args:
        engine: Runs the containers.
        apis: Number of API containers, ``api-1`` …; the workers know only the first.
        workers: Number of worker containers, ``worker-1`` …
        outside_redis: Whether all use an external Redis as the broker.
        changes: Variables that override the spec's, for every component.
    """

    def __init__(
        self, engine: Engine, *, apis: int = 1, workers: int = 1, outside_redis: bool = False, **changes: str
    ) -> None:
        self.engine = engine
        self.spec = Deployment(read_spec((ROOT / "app.spec.yml").read_text()), ROOT, frozenset())
        self.parts: dict[str, Container] = {}
        self.lines: dict[str, list[str]] = {}
        self._run = secrets.token_hex(3)
        self.label = f"{LABEL}={self._run}"
        self._network = f"hackthestudy-{self._run}"
        self._apis, self._workers, self._outside_redis = apis, workers, outside_redis
        self._changes = changes

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove everything that was started. Anything that the engine does not remove is a warning."""
        self.engine.clean_up(self.label)

    def _start(self) -> None:
        self.engine.call("network", "create", "--label", self.label, self._network)
        self._run_part("postgres", IMAGES["postgres"], publish=5432)
        self._run_part(
            "model",
            IMAGES["api"],
            publish=_MODEL_PORT,
            command=("-m", "tests.stand_ins.openai_server", "--host", "0.0.0.0", "--port", str(_MODEL_PORT)),
            options=("--entrypoint", "python", "--volume", f"{ROOT / 'tests'}:/app/tests:ro"),
        )
        if self._outside_redis:
            # The Redis of the API's image, run as an external Redis with a password and without our programs.
            self._run_part(
                "redis",
                IMAGES["api"],
                command=("--bind", "*", "--port", "6379", "--requirepass", SECRETS["REDIS_PASSWORD"]),
                options=("--entrypoint", "redis-server"),
            )
        wait_for("PostgreSQL", self._database_answers)
        self.migrate()
        for number in range(1, self._workers + 1):
            self.start_worker(f"worker-{number}")
        for number in range(1, self._apis + 1):
            self.start_api(f"api-{number}")
        for number in range(1, self._apis + 1):
            self.wait_until_healthy(f"api-{number}")

    def _database_answers(self) -> bool:
        try:
            self.parts["postgres"].execute("psql", "-h", "/tmp", "-c", "SELECT 1")
        except EngineError:
            return False
        return True

    def migrate(self) -> list[str]:
        """Run the spec's migration job and return its lines. Raises AssertionError if it fails."""
        job = self.component("migrate")
        name = f"migrate-{secrets.token_hex(2)}"
        words = job.body["run_command"].split()
        part = self._run_component(name, job, options=("--entrypoint", words[0]), command=tuple(words[1:]))
        wait_for("the migration", lambda: part.exit_code is not None)
        self.lines[name] = part.logs()
        assert part.exit_code == 0, self.lines[name]
        return self.lines[name]

    def component(self, name: str) -> Component:
        found = self.spec.named(name)
        assert found is not None
        return found

    def environment(self, component: Component) -> dict[str, str]:
        """Return a component's variables as the platform would set them."""
        values = {}
        for key, variable in self.spec.variables(component).items():
            value = SECRETS.get(key) if variable.get("type") == "SECRET" else variable["value"]
            if value is not None:
                value = value.replace("${api.PRIVATE_DOMAIN}", "api-1")
                values[key] = re.sub(r"\$\{api\.COMMIT_HASH\}", "0123abc", value)
        # One student sends as many requests here as many do elsewhere.
        values["RATE_LIMIT_READ"] = "100000/minute"
        if "ALLOWED_HOSTS" in values:
            # The tests use this host name; on the platform, requests use the domain.
            values["ALLOWED_HOSTS"] += ",127.0.0.1"
        values["OPENAI_BASE_URL"] = f"http://model:{_MODEL_PORT}/v1"
        if self._outside_redis:
            values["REDIS_URL"] = "redis://redis:6379/0"
        return {**values, **self._changes}

    def start_api(self, name: str) -> Container:
        """Start an API container."""
        return self._run_component(name, self.component("api"), publish=8080)

    def start_worker(self, name: str, **changes: str) -> Container:
        """Start a worker container."""
        return self._run_component(name, self.component("worker"), publish=8081, **changes)

    def start(self, name: str, component: str, *, options: tuple[str, ...] = (), **changes: str) -> Container:
        """Start a container of a component under another name, with its own variables and options."""
        found = self.component(component)
        command: tuple[str, ...] = ()
        if component == "migrate":
            first, *rest = found.body["run_command"].split()
            options, command = (*options, "--entrypoint", first), tuple(rest)
        port = {"api": 8080}.get(component)
        return self._run_component(name, found, publish=port, options=options, command=command, **changes)

    def _run_component(
        self,
        name: str,
        component: Component,
        *,
        publish: int | None = None,
        options: tuple[str, ...] = (),
        command: tuple[str, ...] = (),
        **changes: str,
    ) -> Container:
        memory = MEMORY[component.body["instance_size_slug"]]
        limits = ("--memory", str(memory), "--memory-swap", str(memory), "--stop-timeout", str(self.grace_s(component)))
        image = IMAGES["worker" if component.kind == "workers" else "api"]
        environment = {**self.environment(component), **changes}
        return self._run_part(
            name, image, publish=publish, environment=environment, options=(*limits, *options), command=command
        )

    def _run_part(
        self,
        name: str,
        image: str,
        *,
        publish: int | None = None,
        environment: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
        command: tuple[str, ...] = (),
    ) -> Container:
        ports = ("--publish", f"127.0.0.1::{publish}") if publish else ()
        self.parts[name] = Container(
            self.engine,
            f"{self._network}-{name}",
            image,
            network=self._network,
            label=self.label,
            alias=name,
            environment=environment,
            command=command,
            options=(*ports, *options),
        )
        return self.parts[name]

    def grace_s(self, component: Component) -> int:
        """Return how long the platform lets a component stop, in seconds."""
        return int(component.body.get("termination", {}).get("grace_period_seconds", 120))

    def replace(self, name: str) -> Container:
        """Replace a container and its disk with a new one, as a deployment does. Keeps its output."""
        self.keep_lines(name)
        self.parts[name].remove()
        return self.start_api(name) if name.startswith("api") else self.start_worker(name)

    def keep_lines(self, name: str) -> None:
        """Keep a container's output, which is lost with the container."""
        self.lines[name] = self.lines.get(name, []) + self.parts[name].logs()

    def stop(self, name: str) -> int:
        """Stop a container as the platform does. Returns its exit code: 137 if it had to be killed."""
        part = self.parts[name]
        component = self.component("api" if name.startswith("api") else "worker")
        part.signal("TERM")
        wait_for(f"the end of {name}", lambda: part.exit_code is not None, self.grace_s(component) + 5)
        code = part.exit_code
        assert code is not None
        return code

    def api_url(self, name: str = "api-1") -> str:
        """Return an API's URL on this machine."""
        return f"http://127.0.0.1:{self.parts[name].port}/api/v1"

    def health(self, name: str = "api-1") -> dict[str, Any]:
        """Return the health route's body, or an empty dict if it does not return 200."""
        try:
            with urllib.request.urlopen(f"{self.api_url(name)}/health", timeout=HANG_S) as answer:
                return dict(json.loads(answer.read()))
        except (OSError, ValueError):
            return {}

    def wait_until_healthy(self, name: str = "api-1") -> float:
        """Wait until an API is healthy. Returns how long that took, in seconds."""
        watch = Stopwatch()
        wait_for(f"health of {name}", lambda: self.health(name).get("status") == "ok")
        return watch.took_s

    @property
    def database_url(self) -> str:
        """The database's URL on this machine."""
        return f"postgresql://postgres@127.0.0.1:{self.parts['postgres'].port}/postgres"

    @property
    def model(self) -> ModelInContainer:
        """The language model."""
        return ModelInContainer(self.parts["model"].port)

    def sign_in(self, email: str = EMAIL, api: str = "api-1") -> Work:
        """Sign a student in and return their work through one of the APIs.

        Production has no developer sign-in, so the token is made in the container, with the API's own code and secret.
        """
        script = (
            "import sys; from datetime import timedelta; from backend.app import create_app\n"
            "from backend.accounts import service; from backend.accounts.sessions import tokens\n"
            "from backend.core.database.transaction import transaction\n"
            "with create_app().app_context():\n"
            "    with transaction():\n"
            "        user, by = service.sign_in_for_development(sys.argv[1]), service.DEVELOPMENT_PROVIDER\n"
            "        session = service.begin_session(user, provider=by, is_fresh=True, user_agent='').id\n"
            "    print(tokens.issue_access_token(user, session, life=timedelta(hours=2)))\n"
        )
        token = self.parts[api].execute("python", "-c", script, email).splitlines()[-1]
        return Work(ApiClient(self.api_url(api), token), self.database_url, self.model)

    def all_lines(self) -> dict[str, list[str]]:
        """Return all lines that our containers have logged, including removed containers."""
        lines = {name: list(kept) for name, kept in self.lines.items()}
        for name, part in self.parts.items():
            if name.startswith(("api", "worker")):
                lines[name] = lines.get(name, []) + part.logs()
        return lines
