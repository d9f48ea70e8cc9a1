"""Secrets are filled into the spec, kept over an update, and never blanked."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.app_spec import Refused, merge, read_secrets

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {
    "name": "app",
    "envs": [
        {"key": "JWT_SECRET", "type": "SECRET", "scope": "RUN_TIME"},
        {"key": "LOG_LEVEL", "value": "INFO", "scope": "RUN_TIME"},
    ],
    "workers": [
        {"name": "worker", "instance_count": 1, "envs": [{"key": "SENTRY_DSN", "type": "SECRET", "scope": "RUN_TIME"}]}
    ],
}
SET = {"JWT_SECRET": "first", "SENTRY_DSN": "https://sentry.example/1"}


@pytest.fixture
def public() -> dict[str, Any]:
    return copy.deepcopy(PUBLIC)


def live() -> dict[str, Any]:
    """Return a spec as the platform gives it back, its secrets encrypted."""
    spec = copy.deepcopy(PUBLIC)
    spec["envs"][0]["value"] = "EV[1:jwt]"
    spec["envs"][1]["value"] = "DEBUG"
    spec["workers"][0]["envs"][0]["value"] = "EV[1:dsn]"
    return spec


def values(spec: dict[str, Any]) -> dict[str, str]:
    variables = [*spec["envs"], *spec["workers"][0]["envs"]]
    return {variable["key"]: variable["value"] for variable in variables}


def test_a_new_app_gets_its_secrets(public) -> None:
    assert merge(public, {}, SET) == ["set: app JWT_SECRET", "set: worker SENTRY_DSN"]
    assert values(public) == {"LOG_LEVEL": "INFO", **SET}


def test_an_update_keeps_the_secrets_and_takes_the_rest_from_the_file(public) -> None:
    told = merge(public, live(), {})
    assert told == ["kept: app JWT_SECRET", "kept: worker SENTRY_DSN", "changed: app LOG_LEVEL from DEBUG to INFO"]
    assert values(public) == {"JWT_SECRET": "EV[1:jwt]", "LOG_LEVEL": "INFO", "SENTRY_DSN": "EV[1:dsn]"}


def test_what_was_changed_in_the_control_panel_is_told(public) -> None:
    before = live()
    before["envs"][1:] = [{"key": "EXTRA", "value": "1"}]
    before["workers"][0]["instance_count"] = 3
    assert merge(public, before, {})[2:] == [
        "removed: app EXTRA, which is 1",
        "changed: worker instance_count from 3 to 1",
    ]


def test_one_secret_is_rotated_and_the_others_stay(public) -> None:
    merge(public, live(), {"JWT_SECRET": "second"})
    assert values(public) == {"JWT_SECRET": "second", "LOG_LEVEL": "INFO", "SENTRY_DSN": "EV[1:dsn]"}


def test_what_has_no_value_is_left_out_and_not_blanked(public) -> None:
    assert merge(public, {}, {"JWT_SECRET": "first"})[1] == "left out, no value: worker SENTRY_DSN"
    assert "SENTRY_DSN" not in values(public)


@pytest.mark.parametrize(
    ("before", "secrets", "message"),
    [
        ({}, {}, "app JWT_SECRET has no value"),
        ({**live(), "envs": [{"key": "OLD", "type": "SECRET", "value": "EV[1:x]"}]}, SET, "app OLD is in the app"),
        (live(), {"JWT_SECRTE": "x"}, "JWT_SECRTE is not a secret in the file"),
    ],
)
def test_a_spec_that_would_break_the_app_is_refused(public, before, secrets, message: str) -> None:
    with pytest.raises(Refused) as refused:
        merge(public, before, secrets)
    assert message in str(refused.value)


def test_secrets_are_read_line_by_line() -> None:
    assert read_secrets("# a comment\n\nA=b=c==\n B = d\n") == {"A": "b=c==", "B": "d"}


def test_the_command_prints_a_spec_and_only_names_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    names = ("DATABASE_URL", "REDIS_PASSWORD", "JWT_SECRET", "FLASK_SECRET_KEY")
    file.write_text("".join(f"{name}=canary-{name}\n" for name in names))
    command = [sys.executable, "-m", "config.app_spec", "--secrets", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    printed = yaml.safe_load(done.stdout)
    found = {variable["key"]: variable["value"] for variable in printed["envs"]}
    assert [found[name] for name in names] == [f"canary-{name}" for name in names]
    assert "canary" not in done.stderr
    assert "left out, no value: api STRIPE_WEBHOOK_SECRET" in done.stderr
    again = tmp_path / "live.yml"
    again.write_text(done.stdout)
    command = [sys.executable, "-m", "config.app_spec", "--live", str(again)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == done.stdout
