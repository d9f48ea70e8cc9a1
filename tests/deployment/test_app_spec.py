"""The App Spec matches the repository, and each rule reports a mistake.

``app-spec.schema.json`` is the App Spec as a JSON Schema, draft 2020-12, with every object closed. It was built from
DigitalOcean's own definitions as of August 2026: the repository ``digitalocean/openapi`` and the Go client ``godo``.
It accepts nine specs of DigitalOcean's sample repositories, and is as strict as ``doctl apps spec validate``.
"""

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from backend.app import PUBLIC_ENDPOINTS, create_app
from backend.settings import Settings
from tests.deployment import app_spec_rules, image_rules, supervisor_rules, variable_rules
from tests.deployment.app_spec import Deployment, read_spec
from tests.deployment.changes import Change, both, drop, put
from tests.deployment.file_seeds import SEEDS as FILE_SEEDS
from tests.deployment.small_tree import make_small_tree
from tests.deployment.spec_seeds import SCHEMA_SEEDS
from tests.deployment.spec_seeds import SEEDS as SPEC_SEEDS

Rule = Callable[[Deployment], Iterator[str]]

CHECKOUT = Path(__file__).resolve().parents[2]
SPEC = read_spec((CHECKOUT / "app.spec.yml").read_text())
SCHEMA = json.loads((Path(__file__).parent / "app-spec.schema.json").read_text())
RULES = [*app_spec_rules.RULES, *variable_rules.RULES, *image_rules.RULES, *supervisor_rules.RULES]
SEEDS = [*SPEC_SEEDS, *FILE_SEEDS]


@cache
def public_paths() -> frozenset[str]:
    """Return the API's paths that answer a GET without a token."""
    app = create_app(Settings(environment="test"))
    rules = app.url_map.iter_rules()
    return frozenset(rule.rule for rule in rules if "GET" in (rule.methods or ()) and rule.endpoint in PUBLIC_ENDPOINTS)


def spoiled(change: Change, root: Path) -> Deployment:
    """Return the real spec and a small checkout in ``root``, after a change."""
    spec = copy.deepcopy(SPEC)
    make_small_tree(root, CHECKOUT / ".dockerignore")
    change(spec, root)
    return Deployment(spec, root, frozenset({"/api/v1/health", "/api/v1/health/live"}))


def no_change(_spec: dict[str, Any], _root: Path) -> None:
    pass


def schema_errors(spec: dict[str, Any]) -> list[str]:
    """Return the schema's errors, each with its place."""
    validator = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(spec)]


def test_the_spec_matches_the_schema() -> None:
    assert schema_errors(SPEC) == []


@pytest.mark.parametrize(("change", "words"), SCHEMA_SEEDS, ids=[words for _, words in SCHEMA_SEEDS])
def test_the_schema_refuses(tmp_path: Path, change: Change, words: str) -> None:
    spec = copy.deepcopy(SPEC)
    change(spec, tmp_path)
    errors = schema_errors(spec)
    assert errors
    assert any(words in error for error in errors), errors


def test_a_repeated_key_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="instance_count is defined twice"):
        read_spec("services:\n  - name: api\n    instance_count: 2\n    instance_count: 1\n")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_checkout_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(Deployment(SPEC, CHECKOUT, public_paths()))) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_small_checkout_keeps_the_rule(tmp_path: Path, rule: Rule) -> None:
    assert list(rule(spoiled(no_change, tmp_path))) == []


@pytest.mark.parametrize(
    ("rule", "change", "words"), SEEDS, ids=[f"{rule.__name__}: {words}" for rule, _, words in SEEDS]
)
def test_a_mistake_is_reported(tmp_path: Path, rule: Rule, change: Change, words: str) -> None:
    problems = list(rule(spoiled(change, tmp_path)))
    assert any(words in problem for problem in problems), problems


def test_every_rule_is_seeded() -> None:
    assert {rule for rule, *_ in SEEDS} == set(RULES)


def test_the_lists_of_settings_name_settings() -> None:
    named = variable_rules.ONLY_API | variable_rules.ONLY_WORKER | variable_rules.SECRET_TEXTS
    assert named - set(Settings.model_fields) == set()
    assert not variable_rules.ONLY_API & variable_rules.ONLY_WORKER


def test_more_api_instances_are_accepted_with_an_outside_broker(tmp_path: Path) -> None:
    """The documented way to scale the API: one variable names a managed Valkey."""
    places = [f"{place}/envs/REDIS_URL/value" for place in ("services/api", "workers/worker", "jobs/migrate")]
    outside = both(*(put(place, "rediss://valkey.example:25061/0") for place in places))
    scaled = both(outside, put("services/api/instance_count", 3))
    automatic = both(
        outside, drop("services/api/instance_count"), put("services/api/autoscaling", {"min_instance_count": 2})
    )
    for number, change in enumerate((scaled, automatic)):
        (root := tmp_path / str(number)).mkdir()
        deployment = spoiled(change, root)
        assert [problem for rule in RULES for problem in rule(deployment)] == []
