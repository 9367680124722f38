"""Backup and restore. SQLite: an online copy while running. PostgreSQL: its own tools, named here."""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from engine.base import age_files
from engine.base.atomic_files import scratch
from engine.base.errors import GongdanError, Unavailable
from engine.base.settings import child_environment
from engine.storage.database import Database

from .alone import refuse_others

_DUMP = b"PGDMP"  #: how a dump of PostgreSQL begins


def backup(db: Database, target: Path, recipients: Sequence[str] = ()) -> None:
    """Copy the database to ``target`` while it is in use; the copy is complete or not there at all.

    With ``recipients`` (public keys of age) it is encrypted for them, and nothing that can be read leaves the folder
    of the database. Raises :class:`Unavailable` when it cannot be written, :class:`GongdanError` for a file that is
    there already and what is no public key.
    """
    if target.exists():
        raise GongdanError(f"{target} exists already; choose another name")
    if not recipients:
        with scratch(target) as partial:
            _copy(db, partial, target)
    elif db.sqlite:
        place = Path(db.engine.url.database or "")
        with _plain_file(place.parent) as plain, scratch(target) as partial:
            _copy(db, plain, target)
            with plain.open("rb") as source, partial.open("wb") as out:
                age_files.encrypt(source, out, recipients)
    else:
        with scratch(target) as partial, partial.open("wb") as out:
            _dump(db, lambda source: age_files.encrypt(source, out, recipients))


def restore(db: Database, source: Path, *, force: bool, identity: Path | None = None) -> None:
    """Put a backup in place of the database, which must be empty unless ``force``, and which nobody may be using.

    ``identity``: the file of the secret key of an encrypted backup. Raises :class:`GongdanError` for what is no backup,
    is damaged, or does not open with that key; then the database is as it was.
    """
    with opened(source, identity, _folder(db)) as plain:
        if db.sqlite:
            _restore_sqlite(db, plain, source, force=force)
            return
        refuse_others(db, "restore")
        clean = ["--clean", "--if-exists"] if force else []
        _run(["pg_restore", "--single-transaction", *clean, str(plain)], db)


@contextmanager
def opened(source: Path, identity: Path | None, folder: Path) -> Iterator[Path]:
    """The backup ``source`` as it was before it was encrypted: itself, or for the block a private file in ``folder``.

    Raises :class:`GongdanError` as :func:`restore` does.
    """
    if not source.exists():
        raise GongdanError(f"there is no backup {source}")
    if not source.is_file():
        raise GongdanError(f"{source} is no file, so it is no backup")
    if not age_files.is_encrypted(source):
        yield source
        return
    if identity is None:
        raise GongdanError(f"{source} is encrypted: name the file of its secret key with --identity")
    with _plain_file(folder) as plain:
        with plain.open("wb") as out:
            age_files.decrypt(source, out, identity)
        yield plain


def is_dump(plain: Path) -> bool:
    """Whether a backup that is not (or no longer) encrypted is of a PostgreSQL database."""
    with plain.open("rb") as file:
        return file.read(len(_DUMP)) == _DUMP


def _folder(db: Database) -> Path:
    """Where what is not encrypted may lie for a moment: beside a SQLite database, else the system's place for it."""
    return Path(db.engine.url.database or "").resolve().parent if db.sqlite else Path(tempfile.gettempdir())


@contextmanager
def _plain_file(folder: Path) -> Iterator[Path]:
    """A new file in ``folder`` that nobody else can read and that is gone after the block."""
    try:
        made = tempfile.TemporaryDirectory(prefix=".gongdan-", dir=folder)
    except OSError as error:
        raise Unavailable(f"nothing can be written in {folder}: {error.strerror}") from None
    with made as private:
        yield Path(private) / "plain"


def _copy(db: Database, to: Path, target: Path) -> None:
    """Copy the database to the file ``to``, which will be ``target``."""
    if not db.sqlite:
        _run(["pg_dump", "--format=custom", f"--file={to}"], db)
        return
    try:
        with (
            closing(sqlite3.connect(db.engine.url.database or "")) as source,
            closing(sqlite3.connect(to)) as copy,
        ):
            source.backup(copy)  # in one step: what others write meanwhile would begin one of many anew
    except sqlite3.Error as error:
        raise Unavailable(f"{target} cannot be written: {error}") from None


def _restore_sqlite(db: Database, plain: Path, source: Path, *, force: bool) -> None:
    """Put the file ``plain`` in place of the database; ``source``: the backup that the operator named."""
    place = Path(db.engine.url.database or "").resolve()
    if place.exists() and place.stat().st_size and not force:
        raise GongdanError(f"{place} exists; stop everything and use --force to replace it")
    with closing(sqlite3.connect(plain)) as origin:
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
    """Run a PostgreSQL tool on ``db``."""
    with _started(command, db, subprocess.DEVNULL):
        pass


def _dump(db: Database, take: Callable[[BinaryIO], None]) -> None:
    """Let ``take`` have the dump of ``db`` as it is made."""
    with _started(["pg_dump", "--format=custom"], db, subprocess.PIPE) as tool:
        take(cast(BinaryIO, tool.stdout))


@contextmanager
def _started(command: list[str], db: Database, stdout: int) -> Iterator[subprocess.Popen[bytes]]:
    """A PostgreSQL tool at work on ``db``, which has ended well when the block ends well.

    The password goes through the environment: everybody sees command lines. Raises :class:`GongdanError` for a tool
    that is not there or fails.
    """
    url = db.engine.url
    address = url.set(drivername="postgresql", password=None).render_as_string()
    env = child_environment(**({"PGPASSWORD": str(url.password)} if url.password else {}))
    with tempfile.TemporaryFile() as said:
        try:
            tool = subprocess.Popen(  # noqa: S603 - our own words
                [*command, f"--dbname={address}"], stdout=stdout, stderr=said, env=env
            )
        except FileNotFoundError:
            raise GongdanError(
                f"{command[0]} is not installed; it comes with the PostgreSQL client"
            ) from None
        with tool:
            try:
                yield tool
            except BaseException:
                tool.kill()
                raise
        if tool.returncode:
            said.seek(0)
            told = said.read().decode(errors="replace").strip()
            raise GongdanError(f"{command[0]}: {told[:500]}")
