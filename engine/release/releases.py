"""Releases in the database: publish makes the next one, nothing is ever edited in place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from engine.base.atomic_files import SHARED, write_all
from engine.base.errors import Conflict, Damaged, InvalidFile, NotFound, Rejected
from engine.base.texts import storable
from engine.base.xml_encoding import as_utf8
from engine.people.security_events import By
from engine.storage.database import Database
from engine.storage.tables import blob, release, release_file

from . import announcing
from .consent import FOLDER, Consent, Rules
from .release import Release, sha256, stored

Judge = Callable[
    [Mapping[str, bytes], Collection[str]], None
]  #: the files as they would be, the changed paths
Done = TypeVar("Done")
ENDINGS = (".bpmn", ".dmn", ".json")
ATTEMPTS = 5  #: how often a release is made anew because another one was published meanwhile
_LOCK = 0x60D8  #: PostgreSQL advisory lock: one process publishes, the others wait
_ACTIVE = sa.select(sa.func.max(release.c.number)).where(release.c.state == "active")


@dataclass(frozen=True, slots=True)
class ReleaseInfo:
    """One line of the release list."""

    number: int
    created_at: str
    author: str
    note: str
    state: str
    approver: str | None = None  #: the second person who agreed, where one did


@dataclass(frozen=True, slots=True)
class FolderPublish:
    """What publishing the checkout's folder did: the release (new or not) and files kept because designers own them."""

    number: int | None
    changed: list[str]
    kept: list[str]


def read_folder(project: Path) -> dict[str, bytes]:
    """The files that ship: everything of a release below ``bpmn/`` and ``forms/``; XML in UTF-8, whatever it was in.

    Raises :class:`InvalidFile` for a name that no release can hold.
    """
    found = {}
    for folder in ("bpmn", "forms"):
        for path in sorted((project / folder).rglob("*")):
            if path.suffix in ENDINGS and path.is_file():
                if not storable(str(path)):
                    raise InvalidFile(f"the name of the file {str(path)!a} is no text in UTF-8; rename it")
                body = path.read_bytes()
                found[path.relative_to(project).as_posix()] = (
                    body if path.suffix == ".json" else as_utf8(body)
                )
    return found


class Releases:
    """Published releases. Compiled ones are shared in memory by all cases that run on them."""

    def __init__(self, db: Database, guarded: Collection[str] = ()) -> None:
        self._db = db
        self.rules = Rules(db, guarded)  #: who may publish what
        self._compiled: dict[int, Release] = {}
        self._lock = threading.Lock()

    def numbers(self) -> list[ReleaseInfo]:
        """All releases, newest first."""
        rows = self._db.rows(sa.select(release).order_by(release.c.number.desc()))
        return [
            ReleaseInfo(
                r.number,
                r.created_at,
                r.author,
                r.note,
                r.state,
                r.approved_by if r.approved_by != r.author else None,
            )
            for r in rows
        ]

    def current_number(self) -> int | None:
        """The active release, None before the first publish."""
        rows = self._db.rows(_ACTIVE)
        return None if rows[0][0] is None else int(rows[0][0])

    def current(self) -> Release:
        """The active release; raises :class:`NotFound` before the first publish."""
        number = self.current_number()
        if number is None:
            raise NotFound("nothing is published yet; run `run.py publish`")
        return self.get(number)

    def get(self, number: int) -> Release:
        """Release ``number``; raises :class:`NotFound`."""
        with self._lock:
            found = self._compiled.get(number)
        if found is not None:
            return found
        files = self._files(number)
        if not files:
            raise NotFound(f"there is no release {number}")
        with self._lock:
            return self._compiled.setdefault(number, Release(number, files))

    def _files(self, number: int) -> dict[str, bytes]:
        """The files of a release. Raises :class:`Damaged` where they are not those that were published."""
        query = (
            sa.select(release_file.c.path, release_file.c.sha256, blob.c.body)
            .join(blob, blob.c.sha256 == release_file.c.sha256, isouter=True)
            .where(release_file.c.release == number)
        )
        files = {}
        for row in self._db.rows(query):
            body = None if row.body is None else stored(row.body)
            if body is None or sha256(body) != row.sha256:
                what = "is gone" if body is None else "is not the file that was published"
                raise Damaged(
                    f"release {number} cannot be used: {row.path} {what}; restore a backup (`run.py db restore`)"
                )
            files[row.path] = body
        return files

    def changed_in(self, number: int) -> list[str]:
        """The files that release ``number`` added, changed or took away."""
        query = sa.select(release_file.c.path, release_file.c.sha256)
        before, after = (
            {(r.path, r.sha256) for r in self._db.rows(query.where(release_file.c.release == one))}
            for one in (number - 1, number)
        )
        return sorted({path for path, _ in before ^ after})

    def authors(self, number: int) -> dict[str, str]:
        """Who last changed each file of a release."""
        rows = self._db.rows(sa.select(release_file).where(release_file.c.release == number))
        return {row.path: row.author for row in rows}

    def publish(
        self,
        changes: Mapping[str, bytes | None],
        author: str,
        note: str,
        at: str,
        base: int | None = None,
        by: By | None = None,
    ) -> int:
        """Make the next release: the current files with ``changes`` (path → bytes, None removes). Returns its number.

        The whole set is compiled first: a file that cannot be used raises :class:`InvalidFile` and nothing is
        published. ``base`` is the release the author started from; :class:`Rejected` when another one changed the
        same files since. ``by``: who does it, where that says more than the author.
        """
        return self.on_current(lambda current: self.publish_on(current, changes, author, note, at, base, by))

    def on_current(self, attempt: Callable[[int | None], Done | None]) -> Done:
        """What ``attempt`` makes of the release in force; made anew each time another one is published meanwhile.

        ``attempt`` gets the number (None before the first publish) and answers None when it was overtaken, so that
        whatever it looked at and judged is looked at again. Raises :class:`Conflict` when that never ends.
        """
        for _ in range(ATTEMPTS):
            if (done := attempt(self.current_number())) is not None:
                return done
        raise Conflict("Expected nobody else to publish meanwhile, but others keep doing so; try again")

    def publish_on(
        self,
        current: int | None,
        changes: Mapping[str, bytes | None],
        author: str,
        note: str,
        at: str,
        base: int | None = None,
        by: By | None = None,
        consent: Consent | None = None,
    ) -> int | None:
        """:meth:`publish` on top of release ``current`` and no other; None when another one came in between.

        Raises :class:`NotAllowed` for what ``author`` may not publish, or not without somebody's ``consent``.
        """
        self.check_rights(current, changes, author, consent)
        files = dict(self.get(current).files) if current is not None else {}
        authors = self.authors(current) if current is not None else {}
        if base is not None and current is not None and base != current:
            before = self.get(base).files
            clash = sorted(p for p in changes if before.get(p) != files.get(p))
            if clash:
                raise Rejected(
                    "Expected files as of release {base}, but release {current} changed: {names}",
                    base=base,
                    current=current,
                    names=", ".join(clash),
                )
        for path, body in changes.items():
            if body is None:
                files.pop(path, None)
                authors.pop(path, None)
            elif files.get(path) != body:
                files[path], authors[path] = body, author
        if current is not None and files == self.get(current).files:
            return current
        if not files:
            raise InvalidFile("a release cannot be empty: this change would remove every file")
        made = Release((current or 0) + 1, files)
        check(made)
        if current is not None:
            self.rules.consented(self.get(current), made, author, consent)
        with self._db.begin() as connection:
            if not self._db.sqlite:  # SQLite has one writer anyway
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            if connection.scalar(_ACTIVE) != current:
                return None
            made.number = (connection.scalar(sa.select(sa.func.max(release.c.number))) or 0) + 1
            agreed = consent.person if consent else None
            self._write(connection, made, authors, author, note, at, agreed or author)
            before = self.get(current).files if current is not None else {}
            changed = sorted(path for path in changes if before.get(path) != files.get(path))
            announcing.record(connection, made.number, changed, by or By(author), note, at)
            if author != FOLDER and current is not None:
                announcing.tell(connection, made.number, changed, author, note, at, agreed)
            if consent is not None:
                consent.settle(connection, made.number)
        with self._lock:
            self._compiled[made.number] = made
        return made.number

    def check_rights(
        self,
        current: int | None,
        changes: Mapping[str, bytes | None],
        author: str,
        consent: Consent | None = None,
    ) -> None:
        """Raise :class:`NotAllowed` when ``changes`` to release ``current`` give rights and ``author`` may not.

        What stands in the release in force counts, however old the one that the author started from.
        """
        if current is not None:
            self.rules.rights(self.get(current).files, changes, author, consent)

    @staticmethod
    def _write(
        connection: sa.Connection,
        made: Release,
        authors: Mapping[str, str],
        author: str,
        note: str,
        at: str,
        approver: str,
    ) -> None:
        known = set(connection.scalars(sa.select(blob.c.sha256)).all())
        for path, body in made.files.items():
            digest = sha256(body)
            if digest not in known:
                connection.execute(sa.insert(blob).values(sha256=digest, body=body))
                known.add(digest)
            connection.execute(
                sa.insert(release_file).values(
                    release=made.number, path=path, sha256=digest, author=authors[path]
                )
            )
        connection.execute(sa.update(release).where(release.c.state == "active").values(state="superseded"))
        connection.execute(
            sa.insert(release).values(
                number=made.number,
                created_at=at,
                author=author,
                note=note,
                state="active",
                approved_by=approver,
                approved_at=at,
            )
        )

    def publish_folder(
        self,
        project: Path,
        at: str,
        note: str = "",
        judge: Judge = lambda files, changed: None,
        by: By | None = None,
    ) -> FolderPublish:
        """Publish what ships in the checkout where it changed, but never over a designer's newer file.

        ``judge`` sees the files as they would be and the changed paths; what it raises stops the release. When
        somebody publishes while it looks, what is kept is found and judged anew.
        """
        shipped = read_folder(project)
        if not shipped:  # a wrong folder must not take everything away
            raise InvalidFile(f"{project} has nothing to publish in bpmn/ and forms/; see GONGDAN_PROJECT")
        return self.on_current(lambda current: self._folder_on(current, shipped, at, note, judge, by))

    def _folder_on(
        self,
        current: int | None,
        shipped: Mapping[str, bytes],
        at: str,
        note: str,
        judge: Judge,
        by: By | None,
    ) -> FolderPublish | None:
        """Publish what ships on top of release ``current``; None when another one came while it was judged."""
        if current is None:
            judge(shipped, shipped.keys())
            number = self.publish_on(None, shipped, FOLDER, note or "first release", at, by=by)
            return None if number is None else FolderPublish(number, sorted(shipped), [])
        live, authors = self.get(current).files, self.authors(current)
        differing = sorted(p for p, body in shipped.items() if live.get(p) != body)
        kept = [p for p in differing if p in live and authors[p] != FOLDER]
        gone = [p for p in live if p not in shipped and authors[p] == FOLDER]
        changes: dict[str, bytes | None] = {p: shipped[p] for p in differing if p not in kept}
        changes |= dict.fromkeys(gone)
        if not changes:
            return FolderPublish(None, [], kept)
        after = {p: b for p, b in (live | changes).items() if b is not None}
        judge(after, changes.keys())
        number = self.publish_on(current, changes, FOLDER, note or "the checkout's files changed", at, by=by)
        return None if number is None else FolderPublish(number, sorted(changes), kept)

    def pull(self, project: Path) -> list[str]:
        """Write the live release back into the folder, no file of it half; returns the paths that changed."""
        changed = {
            path: body
            for path, body in self.current().files.items()
            if not (project / path).exists() or (project / path).read_bytes() != body
        }
        write_all({project / path: body for path, body in changed.items()}, SHARED)
        return list(changed)


def check(made: Release) -> None:
    """Compile every part of a release; raises :class:`InvalidFile` for the first that cannot be used."""
    _ = (made.processes, made.forms, made.templates, made.roles, made.parameters, made.time, made.program)
