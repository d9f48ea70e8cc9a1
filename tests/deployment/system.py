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
    """Build the images; what has not changed comes from the builder's cache.

    Building waits for downloads most of the time. The worker's image comes after the API's, whose first stage it has.
    """
    images = ROOT / "tests/deployment/images"
    with ThreadPoolExecutor() as beside:
        postgres = beside.submit(engine.build, images / "Dockerfile.postgres", images, IMAGES["postgres"])
        engine.build(ROOT / "Dockerfile.api", ROOT, IMAGES["api"])
        engine.build(ROOT / "Dockerfile.worker", ROOT, IMAGES["worker"])
        postgres.result()


class ModelInContainer:
    """The stand-in for the language model, asked and told over HTTP."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            return json.loads(answer.read() or b"null")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What it was asked so far; a call without ``at_out`` is not answered yet."""
        return list(self._send("GET", "/__calls"))

    def set_script(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Change how it behaves."""
        self._send("POST", "/__script", list(rules))

    def forget_calls(self) -> None:
        """Forget what it was asked."""
        self._send("DELETE", "/__calls")


class ContainerSystem:
    """Containers in a network of their own: PostgreSQL, the model, a migration, APIs, workers.

    Args:
        engine: What runs them.
        apis: How many API containers, ``api-1`` …; only the first is known to the workers.
        workers: How many worker containers, ``worker-1`` …
        outside_redis: Whether a Redis outside of them is the broker of all.
        changes: Variables over those of the spec, for every component.
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
        """Remove everything that was started; what the engine does not remove is a warning."""
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
            # The API's image has a Redis; here it is somebody else's, with a password and nothing of ours around it.
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
        """Run the job of the spec that migrates; return its lines. Raises AssertionError when it fails."""
        job = self.component("migrate")
        name = f"migrate-{secrets.token_hex(2)}"
        words = job.body["run_command"].split()
        part = self._run_component(name, job, options=("--entrypoint", words[0]), command=tuple(words[1:]))
        wait_for("the migration", lambda: part.exit_code is not None)
        self.lines[name] = part.logs()
        assert part.exit_code == 0, self.lines[name]
        return self.lines[name]

    def component(self, name: str) -> Component:
        """Return a component of the spec."""
        found = self.spec.named(name)
        assert found is not None
        return found

    def environment(self, component: Component) -> dict[str, str]:
        """Return the variables of a component as the platform would set them."""
        values = {}
        for key, variable in self.spec.variables(component).items():
            value = SECRETS.get(key) if variable.get("type") == "SECRET" else variable["value"]
            if value is not None:
                value = value.replace("${api.PRIVATE_DOMAIN}", "api-1")
                values[key] = re.sub(r"\$\{api\.COMMIT_HASH\}", "0123abc", value)
        # One student asks here as often as many do elsewhere.
        values["RATE_LIMIT_READ"] = "100000/minute"
        if "ALLOWED_HOSTS" in values:
            # Where the tests find it; on the platform, requests come under the domain.
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
        """Start a container of a component under another name, with variables and options of its own."""
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
        """Remove a container with its disk and start it anew, as a deployment does; keep what it printed."""
        self.keep_lines(name)
        self.parts[name].remove()
        return self.start_api(name) if name.startswith("api") else self.start_worker(name)

    def keep_lines(self, name: str) -> None:
        """Keep what a container has printed so far, which is gone with it."""
        self.lines[name] = self.lines.get(name, []) + self.parts[name].logs()

    def stop(self, name: str) -> int:
        """Stop a container as the platform does; return its exit code, 137 when it had to be killed."""
        part = self.parts[name]
        component = self.component("api" if name.startswith("api") else "worker")
        part.signal("TERM")
        wait_for(f"the end of {name}", lambda: part.exit_code is not None, self.grace_s(component) + 5)
        code = part.exit_code
        assert code is not None
        return code

    def api_url(self, name: str = "api-1") -> str:
        """Return where an API is, as seen from this machine."""
        return f"http://127.0.0.1:{self.parts[name].port}/api/v1"

    def health(self, name: str = "api-1") -> dict[str, Any]:
        """Return what the health route says, or nothing when it does not answer well."""
        try:
            with urllib.request.urlopen(f"{self.api_url(name)}/health", timeout=HANG_S) as answer:
                return dict(json.loads(answer.read()))
        except (OSError, ValueError):
            return {}

    def wait_until_healthy(self, name: str = "api-1") -> float:
        """Wait until an API is well; return how long that took, in seconds."""
        watch = Stopwatch()
        wait_for(f"health of {name}", lambda: self.health(name).get("status") == "ok")
        return watch.took_s

    @property
    def database_url(self) -> str:
        """The database as seen from this machine."""
        return f"postgresql://postgres@127.0.0.1:{self.parts['postgres'].port}/postgres"

    @property
    def model(self) -> ModelInContainer:
        """The language model."""
        return ModelInContainer(self.parts["model"].port)

    def sign_in(self, email: str = EMAIL, api: str = "api-1") -> Work:
        """Return a signed-in student's work through one of the APIs.

        Production has no sign-in for developers, so the token is made inside, with the API's own code and secret.
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
        """Return every line that each container of ours has printed, those that are gone included."""
        lines = {name: list(kept) for name, kept in self.lines.items()}
        for name, part in self.parts.items():
            if name.startswith(("api", "worker")):
                lines[name] = lines.get(name, []) + part.logs()
        return lines
