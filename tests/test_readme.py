"""The README says what the settings class says."""

import re
from pathlib import Path

from backend.cli import configuration_table

README = Path(__file__).resolve().parents[1] / "README.md"
HOW = "Paste the output of `python -m backend.cli settings-table` into the section on configuration."


def test_the_configuration_table_is_the_settings_class() -> None:
    text = README.read_text() if README.is_file() else ""
    found = re.search(r"^\| variable \|.*\n(?:\|.*\n)+", text, re.MULTILINE)
    assert found, f"README.md has no configuration table. {HOW}"
    assert found[0] == configuration_table(), f"The configuration table of README.md is stale. {HOW}"


def test_the_table_has_a_row_for_each_variable_and_shows_no_secret() -> None:
    lines = configuration_table().splitlines()
    assert lines[2] == (
        "| `ENVIRONMENT` | `development` | `development`, `test` or `production`; production refuses unsafe values. |"
    )
    assert all(line.count("|") == 4 for line in lines)
    assert "development-only" not in configuration_table()
