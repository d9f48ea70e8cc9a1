"""The deployment as its rules see it: the App Spec, the checkout it is built from, the paths that need no user."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

KINDS = ("services", "workers", "jobs", "static_sites", "functions", "databases")

Variable = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Component:
    """One component of the app; ``kind`` is the list that it stands in, for instance ``services``."""

    kind: str
    name: str
    body: dict[str, Any]

    @property
    def own_variables(self) -> list[Variable]:
        """The variables that stand with the component."""
        return self.body.get("envs", [])


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a rule looks at. ``public_paths`` are the API's paths that answer a GET without a token."""

    spec: dict[str, Any]
    root: Path
    public_paths: frozenset[str]

    @property
    def components(self) -> list[Component]:
        """All components, of every kind."""
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
        """Return the components of these kinds."""
        return [component for component in self.components if component.kind in kinds]

    def named(self, name: str) -> Component | None:
        """Return the component of that name, or None."""
        return next((component for component in self.components if component.name == name), None)

    def every_variable(self) -> Iterator[tuple[str, Variable]]:
        """Yield each variable where it is written: the component's name, or ``app``, and the variable."""
        for variable in self.spec.get("envs", []):
            yield "app", variable
        for component in self.components:
            for variable in component.own_variables:
                yield component.name, variable

    def variables(self, component: Component) -> dict[str, Variable]:
        """Return what a component gets: the app's variables, its own in place of those of the same name."""
        given = [*self.spec.get("envs", []), *component.own_variables]
        return {variable["key"]: variable for variable in given}

    def value(self, component: Component, key: str) -> str | None:
        """Return the value that a component gets for a variable, or None when it gets none."""
        return self.variables(component).get(key, {}).get("value")


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def read_spec(text: str) -> dict[str, Any]:
    """Parse an App Spec. Raises ``yaml.YAMLError``, also for a key that stands twice."""
    return yaml.load(text, Loader=_StrictLoader)
