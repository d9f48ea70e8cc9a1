"""Operators' commands: ``python -m backend.cli COMMAND``."""

import json
import sys
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from pydantic import SecretStr

from backend.core.logging import configure_logging
from backend.core.transaction import transaction
from backend.settings import Settings, get_settings

_MIGRATIONS = Path(__file__).parent / "migrations"


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


@click.group()
def main() -> None:
    """Run one of HackTheStudy's operators' commands."""
    configure_logging(get_settings())


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    command.upgrade(_alembic(), "head")


@main.command("check-migrations")
def check_migrations() -> None:
    """Fail when the tables of the code and the migrations differ."""
    command.check(_alembic())


@main.command()
@click.argument("message")
def revision(message: str) -> None:
    """Write a migration from what differs between the code and the database."""
    command.revision(_alembic(), message=message, autogenerate=True)


@main.command()
def sweep() -> None:
    """Send lost work again and take back expired leases, until stopped."""
    from backend.operations.service import sweep_forever
    from backend.worker import flask_app

    with flask_app.app_context():
        sweep_forever()


@main.command("move-documents")
def move_documents() -> None:
    """Move files until each is where DOCUMENT_STORAGE says, and print how many."""
    from backend.library import service as library
    from backend.library.errors import FileUnavailable
    from backend.worker import flask_app

    moved = 0
    with flask_app.app_context():
        try:
            while count := library.move_documents():
                moved += count
        except FileUnavailable:
            click.echo("The bucket is away or does not let us in.", err=True)
        with transaction():
            left = library.count_misplaced_documents()
    click.echo(f"moved: {moved}, left: {left}")
    if left:
        sys.exit("Some files are left: being read, or the log says why. Run this again after 15 minutes.")


def configuration_table() -> str:
    """Return the configuration as a Markdown table: each environment variable, its default and its meaning."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        rows.append(f"| `{name.upper()}` | {_shown_default(field.default)} | {field.description} |")
    return "\n".join(rows) + "\n"


def _shown_default(value: object) -> str:
    if isinstance(value, SecretStr):
        return "for development only"
    return "none" if value in (None, "", ()) else f"`{value}`"


@main.command("settings-table")
def settings_table() -> None:
    """Print the configuration table of the README."""
    click.echo(configuration_table(), nl=False)


@main.command()
@click.option("--check", is_flag=True, help="Fail when the file differs instead of writing it.")
@click.argument("path", type=click.Path(path_type=Path), default=Path("docs/openapi.json"))
def openapi(path: Path, *, check: bool) -> None:
    """Write the OpenAPI document."""
    from backend.app import create_app

    text = json.dumps(create_app().spec, indent=2, ensure_ascii=False) + "\n"
    if check and (not path.is_file() or path.read_text() != text):
        sys.exit(f"{path} is stale: run `make openapi`.")
    path.write_text(text)


if __name__ == "__main__":
    main()
