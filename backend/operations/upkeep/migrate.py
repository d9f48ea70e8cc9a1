"""Upgrades the database to the newest schema while the previous release keeps running."""

import time
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from backend.core.process.logging import get_logger

log = get_logger(__name__)

_MIGRATIONS = Path(__file__).parents[2] / "migrations"
# "Lock not available" and "deadlock detected": another transaction used the table.
_BLOCKED_STATES = frozenset({"55P03", "40P01"})
# Alembic's error if the database has a migration that we do not have.
_UNKNOWN_REVISION = "Can't locate revision identified by"
_ATTEMPTS = 30
# Lets the statements through that queued behind the migration.
_PAUSE_S = 2.0


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def upgrade() -> None:
    """Apply the missing migrations, each in its own transaction.

    A migration that waits too long for a table is rolled back and tried again, so that requests wait only seconds. A
    newer schema than this release's is left as it is: migrations only add, so an older release works with it. Raises
    the last OperationalError if no attempt succeeds.
    """
    config = alembic_config()
    script = ScriptDirectory.from_config(config)
    waiting = [each.revision for each in reversed(list(script.walk_revisions()))]
    try:
        while waiting:
            _apply(config, waiting.pop(0))
            for had in config.attributes["heads"]:
                waiting = waiting[waiting.index(had) + 1 :] if had in waiting else waiting
    except CommandError as error:
        if _UNKNOWN_REVISION not in str(error):
            raise
        log.warning("operations.migration.schema_is_newer")


def _apply(config: Config, revision: str) -> None:
    attempt = 1
    while True:
        try:
            # Does nothing if the database has it already.
            command.upgrade(config, revision)
        except sa.exc.OperationalError as error:
            if attempt == _ATTEMPTS or getattr(error.orig, "pgcode", None) not in _BLOCKED_STATES:
                raise
            log.warning("operations.migration.blocked", revision=revision, attempt=attempt, pause_s=_PAUSE_S)
        else:
            return
        attempt += 1
        time.sleep(_PAUSE_S)
