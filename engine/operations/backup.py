"""Backup and restore. SQLite: an online copy while running. PostgreSQL: its own tools, named here."""

from __future__ import annotations

import sqlite3
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.atomic_files import scratch
from engine.base.errors import GongdanError, Unavailable
from engine.base.settings import child_environment
from engine.privacy.sealing import lookup_key
from engine.storage.database import Database
from engine.storage.tables import cases

_PARTING = 2.0  #: seconds that a server needs at most to part with connections that were closed
#: others connected to this database; servers of PostgreSQL itself have no user
_OTHERS = sa.text(
    "SELECT DISTINCT usename || ' from ' || coalesce(host(client_addr), 'this machine') FROM pg_stat_activity "
    "WHERE datname = current_database() AND usename IS NOT NULL AND pid <> pg_backend_pid() ORDER BY 1"
)


def backup(db: Database, target: Path) -> None:
    """Copy the database to ``target`` while it is in use; the copy is complete or not there at all.

    Raises :class:`Unavailable` when it cannot be written.
    """
    if target.exists():
        raise GongdanError(f"{target} exists already; choose another name")
    with scratch(target) as partial:
        if db.sqlite:
            try:
                with (
                    closing(sqlite3.connect(db.engine.url.database or "")) as source,
                    closing(sqlite3.connect(partial)) as copy,
                ):
                    source.backup(
                        copy
                    )  # in one step: what others write meanwhile would begin one of many anew
            except sqlite3.Error as error:
                raise Unavailable(f"{target} cannot be written: {error}") from None
        else:
            _run(["pg_dump", "--format=custom", f"--file={partial}"], db)


def restore(db: Database, source: Path, *, force: bool) -> None:
    """Put a backup in place of the database, which must be empty unless ``force``, and which nobody may be using."""
    if not source.exists():
        raise GongdanError(f"there is no backup {source}")
    if not source.is_file():
        raise GongdanError(f"{source} is no file, so it is no backup")
    if db.sqlite:
        _restore_sqlite(db, source, force=force)
        return
    db.close()  # of our own connections one is enough to look around, none while the tables are replaced
    until = time.monotonic() + _PARTING
    try:
        with db.read() as connection:
            others = list(connection.execute(_OTHERS).scalars())
            while others and time.monotonic() < until:
                time.sleep(0.1)
                connection.rollback()  # the server shows a transaction what it showed it first
                others = list(connection.execute(_OTHERS).scalars())
    finally:
        db.close()
    if others:
        raise GongdanError(
            f"the database is in use ({', '.join(others)}); stop every process of Gongdan and close other "
            "connections, then restore. The database was left as it is"
        )
    clean = ["--clean", "--if-exists"] if force else []
    _run(["pg_restore", "--single-transaction", *clean, str(source)], db)


def _restore_sqlite(db: Database, source: Path, *, force: bool) -> None:
    place = Path(db.engine.url.database or "").resolve()
    if place.exists() and place.stat().st_size and not force:
        raise GongdanError(f"{place} exists; stop everything and use --force to replace it")
    with closing(sqlite3.connect(source)) as origin:
        try:
            if origin.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise GongdanError(f"{source} is damaged; the database was left as it is")
            tables = {
                name for (name,) in origin.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
        except sqlite3.DatabaseError as error:
            raise GongdanError(
                f"{source} is no SQLite backup ({error}); the database was left as it is"
            ) from None
        if not {"alembic_version", "history", "cases"} <= tables:
            raise GongdanError(f"{source} is no backup of Gongdan; the database was left as it is")
        db.close()
        with db.in_use.alone(), _log_aside(place), scratch(place) as partial:
            try:
                with closing(sqlite3.connect(partial)) as copy:
                    origin.backup(copy)
            except sqlite3.Error as error:
                raise Unavailable(
                    f"the copy of {source} cannot be written ({error}); the database was left as it is"
                ) from None


def is_looked_up_with(db: Database, key: bytes) -> bool:
    """Whether phones in ``db`` are looked up with ``key``; also where there is none to judge by."""
    known = sa.select(cases.c.phone, cases.c.phone_key).where(
        cases.c.phone_key.is_not(None), cases.c.phone != ""
    )
    return all(lookup_key(key, phone) == found for phone, found in db.rows(known.limit(1)))


def wrong_key(gongdan: Gongdan) -> str | None:
    """Why nobody would be found in this database with the key of this installation; None: with it they are."""
    settings = gongdan.settings
    if is_looked_up_with(gongdan.db, settings.lookup_key):
        return None
    return (
        f"GONGDAN_KEY, or the key in {settings.var / 'lookup.key'}, is not the one that this database was made with, "
        "so nobody would be found by phone or kept off what is about them: put the old key there, or run `rebuild` "
        "to look up with this one"
    )


@contextmanager
def _log_aside(place: Path) -> Iterator[None]:
    """Take the log away from the database at ``place`` while another file takes its place; back when that fails.

    What a crash left in the log goes into the database first, so that nothing is lost wherever this stops.
    """
    if place.exists() and place.stat().st_size:
        with suppress(sqlite3.Error), closing(sqlite3.connect(place)) as old:  # what is damaged keeps its log
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    mark = uuid.uuid4().hex
    logs = [Path(f"{place}{ending}") for ending in ("-wal", "-shm")]
    aside = {log: log.with_name(f"{log.name}.{mark}") for log in logs if log.exists()}
    for log, away in aside.items():
        log.replace(away)
    try:
        yield
    except BaseException:
        for log, away in aside.items():
            away.replace(log)
        raise
    for away in aside.values():
        away.unlink()


def _run(command: list[str], db: Database) -> None:
    """Run a PostgreSQL tool on ``db``. The password goes through the environment: everybody sees command lines."""
    url = db.engine.url
    address = url.set(drivername="postgresql", password=None).render_as_string()
    env = child_environment(**({"PGPASSWORD": str(url.password)} if url.password else {}))
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            [*command, f"--dbname={address}"], capture_output=True, text=True, check=False, env=env
        )
    except FileNotFoundError:
        raise GongdanError(f"{command[0]} is not installed; it comes with the PostgreSQL client") from None
    if done.returncode:
        raise GongdanError(f"{command[0]}: {done.stderr.strip()[:500]}")
