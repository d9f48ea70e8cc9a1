"""docs/configuration.md is generated from the settings."""

import re
from pathlib import Path

from click.testing import CliRunner

from backend.cli import configuration, configuration_page
from backend.setting_rules import SETTING_GROUPS
from backend.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs/configuration.md"


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text() if PAGE.is_file() else ""
    assert text == configuration_page(), "Run `python -m backend.cli configuration`."


def test_the_page_has_every_variable_once_under_a_heading_and_no_secret() -> None:
    page = configuration_page()
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert rows == [name.upper() for name in Settings.model_fields]
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == list(SETTING_GROUPS.values())
    assert page.index("\n## ") < page.index(f"| `{rows[0]}` |")
    assert all(line.count("|") == 5 for line in page.splitlines() if line.startswith("|"))
    assert "development-only" not in page


def test_a_row_says_default_allowed_values_and_meaning() -> None:
    lines = configuration_page().splitlines()
    assert "| `PORT` | `8080` | a whole number from 1 to 65535 | Port of the API. |" in lines
    assert "| `S3_REGION` | `us-east-1` | any text | Region of the bucket. |" in lines


def test_a_stale_page_is_found_and_written(tmp_path: Path) -> None:
    page = tmp_path / "configuration.md"
    page.write_text("old")
    checked = CliRunner().invoke(configuration, ["--check", str(page)])
    assert checked.exit_code == 1
    assert "is stale: run `python -m backend.cli configuration`" in checked.output
    assert page.read_text() == "old"
    assert CliRunner().invoke(configuration, [str(page)]).exit_code == 0
    assert page.read_text() == configuration_page()
