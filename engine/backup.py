"""Backup and restore. SQLite: an online copy while running. PostgreSQL: its own tools, named here."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

from .db.database import Database
from .errors import GongdanError
from .settings import child_environment


def backup(db: Database, target: Path) -> None:
    """Copy the database to ``target`` while it is in use; the copy is complete or not there at all."""
    if target.exists():
        raise GongdanError(f"{target} exists already; choose another name")
    if not target.parent.is_dir():
        raise GongdanError(f"there is no folder {target.parent}")
    partial = target.with_suffix(target.suffix + ".part")
    partial.unlink(missing_ok=True)
    if db.sqlite:
        source = sqlite3.connect(db.engine.url.database or "")
        copy = sqlite3.connect(partial)
        try:
            source.backup(copy)  # in one step: what others write meanwhile would begin one of many anew
        finally:
            copy.close()
            source.close()
    else:
        _run(["pg_dump", "--format=custom", f"--file={partial}"], db)
    partial.replace(target)


def restore(db: Database, source: Path, *, force: bool) -> None:
    """Put a backup in place of the database, which must be empty unless ``force``. Stop all processes first."""
    if not source.exists():
        raise GongdanError(f"there is no backup {source}")
    if db.sqlite:
        place = Path(db.engine.url.database or "")
        if place.exists() and place.stat().st_size and not force:
            raise GongdanError(f"{place} exists; stop everything and use --force to replace it")
        check = sqlite3.connect(source)
        try:
            if check.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise GongdanError(f"{source} is damaged; the database was left as it is")
            tables = {
                name for (name,) in check.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            if not {"alembic_version", "history", "cases"} <= tables:
                raise GongdanError(f"{source} is no backup of Gongdan; the database was left as it is")
        except sqlite3.DatabaseError as error:
            raise GongdanError(
                f"{source} is no SQLite backup ({error}); the database was left as it is"
            ) from None
        db.close()
        origin, copy = check, sqlite3.connect(place.with_suffix(".restoring"))
        try:
            origin.backup(copy)
        finally:
            copy.close()
            origin.close()
        for leftover in ("-wal", "-shm"):
            Path(f"{place}{leftover}").unlink(missing_ok=True)
        place.with_suffix(".restoring").replace(place)
    else:
        clean = ["--clean", "--if-exists"] if force else []
        _run(["pg_restore", "--single-transaction", *clean, str(source)], db)


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
