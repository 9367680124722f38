"""Bringing a database to the newest shape (Alembic), with history that cannot be changed (triggers)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

from engine.base.errors import ConfigurationError, NewerDatabase

from .database import Database

_FOLDER = Path(__file__).resolve().parent / "migrations"
_LOCK = 0x60D6  #: PostgreSQL advisory lock: one process migrates, the others wait


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without an ini file."""
    made = Config()
    made.set_main_option("script_location", _FOLDER.as_posix())
    made.set_main_option("path_separator", "os")
    if connection is not None:
        made.attributes["connection"] = connection
    return made


def head() -> str:
    """The newest revision there is."""
    return ScriptDirectory.from_config(config()).get_current_head() or ""


def revision(db: Database) -> str | None:
    """The revision a database is at; None for an empty one."""
    try:
        with db.read() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except ProgrammingError as error:  # of the driver, which does not know an option of the address
        raise ConfigurationError(f"DATABASE_URL cannot be used: {error.orig}.") from None
    except DatabaseError as error:
        if not db.sqlite or isinstance(error, OperationalError):
            raise
        raise ConfigurationError(
            f"DATABASE_URL cannot be used: {db.engine.url.database} is no database ({error.orig})."
        ) from None


def upgrade(db: Database) -> None:
    """Migrate to the newest revision; safe to call from many processes at once.

    Raises :class:`NewerDatabase` for a revision that this version does not know.
    """
    if (found := revision(db)) == head():
        return
    known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    if found is not None and found not in known:
        raise NewerDatabase(
            f"the database was used by a newer version of Gongdan (it is at revision {found}, this one knows up to "
            f"{head()}): start that version, or restore a backup made with this one"
        )
    with db.begin() as connection:
        if not db.sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        command.upgrade(config(connection), "head")
