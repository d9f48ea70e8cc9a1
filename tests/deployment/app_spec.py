"""The deployment as the rules see it: the App Spec, the checkout it is built from, and the public paths."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

KINDS = ("services", "workers", "jobs", "static_sites", "functions", "databases")

Variable = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Component:
    """One component of the app. ``kind`` is the spec's list that holds it, for example ``services``."""

    kind: str
    name: str
    body: dict[str, Any]

    @property
    def own_variables(self) -> list[Variable]:
        """The variables that the component itself defines."""
        return self.body.get("envs", [])


@dataclass(frozen=True, slots=True)
class Deployment:
    """The object that rules check. ``public_paths`` are the API's paths that answer a GET without a token."""

    spec: dict[str, Any]
    root: Path
    public_paths: frozenset[str]

    @property
    def components(self) -> list[Component]:
        return [
            Component(kind, body.get("name", "?"), body)  #
            for kind in KINDS
            for body in self.spec.get(kind, [])
        ]

    @property
    def built(self) -> list[Component]:
        """The components that run one of our images."""
        return self.of("services", "workers", "jobs")

    def of(self, *kinds: str) -> list[Component]:
        return [component for component in self.components if component.kind in kinds]

    def named(self, name: str) -> Component | None:
        """Return the component with this name, or None."""
        return next((component for component in self.components if component.name == name), None)

    def every_variable(self) -> Iterator[tuple[str, Variable]]:
        """Yield each variable with the place that defines it: a component's name, or ``app``."""
        for variable in self.spec.get("envs", []):
            yield "app", variable
        for component in self.components:
            for variable in component.own_variables:
                yield component.name, variable

    def variables(self, component: Component) -> dict[str, Variable]:
        """Return a component's variables: the app's, overridden by its own."""
        given = [*self.spec.get("envs", []), *component.own_variables]
        return {variable["key"]: variable for variable in given}

    def value(self, component: Component, key: str) -> str | None:
        """Return the value of a component's variable, or None."""
        return self.variables(component).get(key, {}).get("value")


class _StrictLoader(yaml.SafeLoader):
    """Refuses a repeated key in a mapping; YAML would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is defined twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def read_spec(text: str) -> dict[str, Any]:
    """Parse an App Spec. Raises ``yaml.YAMLError``, also for a repeated key."""
    return yaml.load(text, Loader=_StrictLoader)
