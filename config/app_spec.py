"""Fills the secrets into ``app.spec.yml``, to create the app, or to update it without losing a secret.

    python -m config.app_spec [--live live.yml] [--secrets secrets.env] > next.yml

An update replaces the app's whole spec, and ``app.spec.yml`` is public and has no secrets. So each secret gets its new
value from ``--secrets`` (lines ``NAME=value``), or else keeps the app's value: ``--live`` is the output of
``doctl apps spec get``, where secrets are encrypted and can be sent back as they are. A secret with neither is left
out, because its empty value would be set. Everything else comes from the file in the repository. Differences to the
control panel are reported as ``changed``.

The changes are printed on standard error, secrets by name only. The exit code is 1, and no spec is printed, if a
required secret has no value, or if the app has a secret that the file does not name and that would be lost.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

NEEDED = frozenset({"DATABASE_URL", "REDIS_URL", "REDIS_PASSWORD", "JWT_SECRET", "FLASK_SECRET_KEY"})
_FILE = Path(__file__).resolve().parents[1] / "app.spec.yml"
_KINDS = ("services", "workers", "jobs")

Spec = dict[str, Any]
Place = tuple[str, str]
"""The name of a component (``app`` for the app itself) and of a variable."""


class Refused(SystemExit):
    """Raised instead of a spec that would break the app; the message names each variable."""


def merge(public: Spec, live: Spec, secrets: Mapping[str, str]) -> list[str]:
    """Fill the secrets into ``public``. Returns one line for each change. Raises Refused."""
    held = {place: variable for place, variable in _secrets(live) if variable.get("value")}
    told, missing, named = [], [], set()
    for (component, key), variable in _secrets(public):
        named.add((component, key))
        if value := secrets.get(key):
            variable["value"] = value
            told.append(f"set: {component} {key}")
        elif kept := held.get((component, key)):
            variable["value"] = kept["value"]
            told.append(f"kept: {component} {key}")
        elif key in NEEDED:
            missing.append(f"{component} {key} has no value")
        else:
            told.append(f"left out, no value: {component} {key}")
    missing += [f"{' '.join(place)} is in the app but not in the file" for place in held if place not in named]
    missing += [f"{key} is not a secret in the file" for key in secrets if key not in {name for _, name in named}]
    if missing:
        raise Refused("Refusing to write a spec:\n" + "\n".join(f"  {line}" for line in missing))
    for _, owner in _owners(public):
        owner["envs"] = [v for v in owner.get("envs", []) if v.get("type") != "SECRET" or v.get("value")]
    return told + _differences(public, live)


def _differences(public: Spec, live: Spec) -> list[str]:
    """Return what the file changes or removes in the app, except secrets."""
    told, new = [], dict(_plain(public))
    for (component, name), value in _plain(live):
        if (component, name) not in new:
            told.append(f"removed: {component} {name}, which is {value}")
        elif new[component, name] != value:
            told.append(f"changed: {component} {name} from {value} to {new[component, name]}")
    return told


def _plain(spec: Spec) -> Iterator[tuple[Place, str]]:
    for name, owner in _owners(spec):
        for variable in owner.get("envs", []):
            if variable.get("type") != "SECRET":
                yield (name, variable["key"]), str(variable.get("value", ""))
        for field in ("instance_count", "instance_size_slug"):
            if field in owner:
                yield (name, field), str(owner[field])


def _owners(spec: Spec) -> Iterator[tuple[str, Spec]]:
    yield "app", spec
    for kind in _KINDS:
        for component in spec.get(kind, []):
            yield component["name"], component


def _secrets(spec: Spec) -> Iterator[tuple[Place, dict[str, str]]]:
    for name, owner in _owners(spec):
        for variable in owner.get("envs", []):
            if variable.get("type") == "SECRET":
                yield (name, variable["key"]), variable


def read_secrets(text: str) -> dict[str, str]:
    """Parse lines ``NAME=value``. Empty lines and lines that begin with # are ignored."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.removeprefix("export ").strip(): _unquoted(value.strip()) for name, _, value in pairs}


def _unquoted(value: str) -> str:
    """Strip the quotation marks that a shell would strip."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _read(path: Path | None) -> str:
    """Return the text of a file, or "" without one. Ends the program if the file is empty."""
    if path is None:
        return ""
    try:
        text = path.read_text()
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")
    if not text.strip():
        sys.exit(f"{path} is empty: did the command that writes it fail?")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill the secrets into app.spec.yml.")
    parser.add_argument("--live", type=Path, help="output of `doctl apps spec get`; leave out for a new app")
    parser.add_argument("--secrets", type=Path, help="lines NAME=value of the secrets to set")
    arguments = parser.parse_args()
    public = yaml.safe_load(_FILE.read_text())
    live = yaml.safe_load(_read(arguments.live)) or {}
    secrets = read_secrets(_read(arguments.secrets))
    sys.stderr.write("".join(f"{line}\n" for line in merge(public, live, secrets)))
    yaml.safe_dump(public, sys.stdout, sort_keys=False, allow_unicode=True)


if __name__ == "__main__":
    main()
