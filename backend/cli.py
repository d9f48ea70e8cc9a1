"""Operators' commands: ``python -m backend.cli COMMAND``."""

import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import click
from flask import Flask
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError, OperationalError

from backend.core.database.database import POOL_REMEDY, is_passing, refuses_limits
from backend.core.process.logging import configure_logging
from backend.setting_rules import SETTING_GROUPS, describe_values
from backend.settings import Settings, get_settings


@click.group()
def main() -> None:
    """Operators' commands of HackTheStudy."""
    configure_logging(get_settings())


@main.command()
def migrate() -> None:
    """Upgrade the database to the newest schema."""
    from backend.operations.upkeep.migrate import upgrade

    try:
        upgrade()
    except OperationalError as error:
        if refuses_limits(error):
            sys.exit(f"Refusing to migrate: {POOL_REMEDY}")
        raise


@main.command("check-migrations")
def check_migrations() -> None:
    """Fail if the migrations do not match the tables in the code."""
    from alembic import command

    from backend.operations.upkeep.migrate import alembic_config

    command.check(alembic_config())


@main.command()
@click.argument("message")
def revision(message: str) -> None:
    """Write a migration from the differences between the code and the database."""
    from alembic import command

    from backend.operations.upkeep.migrate import alembic_config

    command.revision(alembic_config(), message=message, autogenerate=True)


@main.command()
def sweep() -> None:
    """Send lost work again and take back expired leases, until stopped by a signal."""
    from backend.operations.upkeep.sweep_loop import sweep_until

    with _outside_requests("sweep").app_context():
        sweep_until(_stop_on_signals())


@main.command()
def watchdog() -> None:
    """Watch the worker on this machine, restart it if it hangs, and sweep, until stopped by a signal."""
    from backend.operations.watchdog.watchdog import make_folders, watch

    settings = get_settings()
    sys.exit(watch(_outside_requests("watchdog"), settings, make_folders(settings), _stop_on_signals()))


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _outside_requests(name: str) -> Flask:
    """Return an app with the database and the broker, but without routes."""
    from backend.core.database.database import UPKEEP_POOL, configure_database
    from backend.core.manifest import open_rooms
    from backend.core.work.queue import configure_queue
    from backend.rooms import ROOMS

    open_rooms(ROOMS)
    app = Flask(f"hackthestudy-{name}")
    configure_database(app, get_settings(), UPKEEP_POOL)
    # Like requests, the sweep and the watchdog must not wait long for a frozen broker.
    configure_queue(get_settings(), answers_requests=True)
    return app


@main.command()
@click.argument("configuration", type=click.Path(exists=True, dir_okay=False))
def supervise(configuration: str) -> None:
    """Become supervisord with a configuration file. It starts Redis only if REDIS_URL names this machine."""
    settings = get_settings()
    folder = Path(tempfile.gettempdir()) / f"hackthestudy-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    os.environ["RUN_FOLDER"] = str(folder)
    os.environ["RUN_REDIS"] = "true" if settings.redis_is_own else "false"
    os.execvp("supervisord", ["supervisord", "--nodaemon", "--configuration", configuration])


@main.command("move-documents")
def move_documents() -> None:
    """Move files, back from a bucket too, until each is where DOCUMENT_STORAGE says. Images of pages are dropped."""
    from backend.library import service as library
    from backend.library.errors import FileUnavailable

    moved = 0
    with _outside_requests("move-documents").app_context():
        try:
            while count := library.move_documents(from_anywhere=True):
                moved += count
        except FileUnavailable:
            click.echo("The bucket is unreachable or rejected our credentials.", err=True)
        library.drop_left_images()
        left = library.count_misplaced_documents()
    click.echo(f"Files moved to {get_settings().document_storage}: {moved}. Files left to move: {left}.")
    if left:
        sys.exit(
            "Some files were not moved: they are still being read, or the move failed (see the log). "
            "Try again in 15 minutes."
        )


@contextmanager
def _no_traceback_without_database() -> Iterator[None]:
    """End the command with one sentence if PostgreSQL is unreachable."""
    try:
        yield
    except DBAPIError as error:
        if not is_passing(error):
            raise
        reason = str(error.orig).strip().partition("\n")[0]
        sys.exit(f"PostgreSQL is unreachable or did not finish. It is safe to try again. ({reason})")


@main.command()
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Compare what was created at Stripe since this day, such as that of a restored backup. Default: a week ago.",
)
def reconcile(since: datetime | None) -> None:
    """Compare our payments with Stripe's, book what was missed, and print it."""
    from backend.billing import service as billing
    from backend.billing.errors import BillingOff, PaymentsMisconfigured
    from backend.core.errors import Unavailable

    with _outside_requests("reconcile").app_context(), _no_traceback_without_database():
        try:
            report = billing.reconcile(since.replace(tzinfo=UTC) if since is not None else None)
        except PaymentsMisconfigured:
            sys.exit("Stripe rejected STRIPE_API_KEY or the request: see the log.")
        except Unavailable:
            sys.exit("Stripe is temporarily unavailable. What was repaired so far is kept: try again later.")
        except BillingOff as error:
            sys.exit(error.text("en"))
    for name, count in report.compared.items():
        click.echo(f"compared: {count} {name.replace('_', ' ')}")
    for stripe_id in report.repaired:
        click.echo(f"repaired: {stripe_id}")
    for stripe_id, reason in report.problems:
        click.echo(f"problem: {stripe_id}: {reason}")
    if report.retried_events:
        click.echo(f"events queued again: {report.retried_events}")
    if report.problems:
        sys.exit(f"Problems: {len(report.problems)}. See “Reconciling with Stripe” in docs/operations.md.")


@main.command("check-ledger")
def check_ledger() -> None:
    """Check the invariants of the ledger of credits. Prints a line for each violation, and changes nothing."""
    from backend.billing import service as billing

    with _outside_requests("check-ledger").app_context(), _no_traceback_without_database():
        report = billing.check_ledger(
            lambda each: click.echo(f"{each.invariant}: account {each.user_id}: {each.detail}")
        )
    violations = sum(report["counts"].values())
    if violations:
        sys.exit(f"Violations: {violations}. Nothing was changed: see docs/operations.md.")
    click.echo("The ledger is consistent.")


@main.command()
@click.argument("email_or_id")
@click.option("--revoke", is_flag=True, help="Revoke the role instead.")
def admin(email_or_id: str, *, revoke: bool) -> None:
    """Make a user an administrator, by their id or by an e-mail address verified by a provider."""
    from backend.accounts.errors import UserLeaving
    from backend.administration import service as administration
    from backend.core.database.transaction import transaction

    with _outside_requests("admin").app_context():
        try:
            with transaction():
                done = administration.set_admin(email_or_id, is_admin=not revoke)
        except UserLeaving as error:
            sys.exit(error.text("en"))
    if done is None:
        sys.exit("No user has this id, or this e-mail address verified by a provider. Nothing changed.")
    click.echo(f"{done.user.id} {'is now' if done.changed else 'already was'} {'a student' if revoke else 'an admin'}")
    if revoke and done.user.is_admin:
        sys.exit("This user is still an administrator because ADMIN_EMAILS lists their address. Remove it there too.")


@main.command("export-user")
@click.argument("user_id", type=click.UUID)
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def export_user(user_id: UUID, path: Path) -> None:
    """Export a user's data to a new archive file."""
    from backend.administration import service as administration
    from backend.core.database.transaction import transaction
    from backend.core.errors import NotFound

    with _outside_requests("export-user").app_context(), path.open("xb") as file:
        path.chmod(0o600)
        try:
            administration.write_export(user_id, file)
            with transaction():
                administration.record_export(user_id)
        except BaseException as error:
            path.unlink()
            if isinstance(error, NotFound):
                sys.exit("User not found.")
            raise
    click.echo(f"written: {path}")


@main.command("erase-user")
@click.argument("user_id", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_user(user_id: UUID, *, yes: bool) -> None:
    """Revoke a user's access immediately, and have the worker erase all their data."""
    from backend.administration import service as administration
    from backend.core.database.transaction import transaction
    from backend.core.errors import NotFound

    if not yes:
        click.confirm("This cannot be undone. Erase all data of this user?", abort=True)
    with _outside_requests("erase-user").app_context():
        try:
            with transaction():
                administration.erase_user(user_id)
        except NotFound:
            sys.exit("User not found.")
    click.echo("Access revoked. The worker is erasing the remaining data; it is done when users.erased_at is set.")


def configuration_page() -> str:
    """Return the text of docs/configuration.md: a table per group of settings."""
    lines = [
        "# Configuration",
        "",
        "Every environment variable, in the order in which one usually sets them. Written by "
        "`python -m backend.cli configuration` from `backend/settings.py`; do not edit.",
        "",
        "The programs read the environment once, at startup. They refuse to start if a value is not allowed, or is "
        "unsafe with `ENVIRONMENT=production`; the message names each variable and what it must be. An empty variable "
        "counts as unset. "
        "How to set variables on App Platform: [deployment](deployment.md#change-a-setting-or-a-secret).",
    ]
    for name, field in Settings.model_fields.items():
        if name in SETTING_GROUPS:
            lines += ["", f"## {SETTING_GROUPS[name]}", "", "| variable | default | allowed | meaning |"]
            lines += ["| --- | --- | --- | --- |"]
        allowed = describe_values(field) or "any text"
        lines.append(f"| `{name.upper()}` | {_shown_default(field.default)} | {allowed} | {field.description} |")
    return "\n".join(lines) + "\n"


def _shown_default(value: object) -> str:
    if isinstance(value, SecretStr):
        return "for development only"
    if value in (None, "", ()):
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{', '.join(value) if isinstance(value, tuple) else value}`"


@main.command()
@click.option("--check", is_flag=True, help="Fail if the file is stale, instead of writing it.")
@click.argument("path", type=click.Path(path_type=Path), default=Path("docs/configuration.md"))
def configuration(path: Path, *, check: bool) -> None:
    """Write docs/configuration.md from the settings."""
    _write_document(path, configuration_page(), check=check, command="configuration")


def _write_document(path: Path, text: str, *, check: bool, command: str) -> None:
    if check and (not path.is_file() or path.read_text() != text):
        sys.exit(f"{path} is stale: run `python -m backend.cli {command}`.")
    path.write_text(text)


@main.command()
@click.option("--check", is_flag=True, help="Fail if the file is stale, instead of writing it.")
@click.argument("path", type=click.Path(path_type=Path), default=Path("docs/openapi.json"))
def openapi(path: Path, *, check: bool) -> None:
    """Write the OpenAPI document."""
    from backend.app import create_app

    text = json.dumps(create_app().spec, indent=2, ensure_ascii=False) + "\n"
    _write_document(path, text, check=check, command="openapi")


if __name__ == "__main__":
    main()
