"""What people typed but did not send: agents' forms, designers' diagrams. Never part of a case's history."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from engine.base.errors import Conflict, Rejected
from engine.base.instants import iso
from engine.release.release import sha256
from engine.storage.database import Database
from engine.storage.tables import cases, diagram_draft, draft, subject_key
from engine.storage.upsert import insert, put

KEPT = timedelta(days=30)  #: how long a draft of a closed case stays
LARGEST_FORM = 200_000  #: bytes of one form draft
LARGEST_DIAGRAM = 2_000_000  #: bytes of one diagram draft, as for diagrams themselves

Pairs = list[tuple[str, str]]  #: a form as the browser sends it: names with texts, in order


@dataclass(frozen=True, slots=True)
class FormDraft:
    """What one person typed into the form of a task, kept ``at``; ``version`` changes with every letter of it."""

    pairs: Pairs
    at: str
    version: str


@dataclass(frozen=True, slots=True)
class DiagramDraft:
    """An unpublished file of one designer. ``base_release`` is the release it was opened from."""

    path: str
    author: str
    body: bytes
    base_release: int
    at: str

    @property
    def digest(self) -> str:
        """What a window that shows this draft knows it by."""
        return sha256(self.body)


def save_form(
    db: Database, case_id: str, task: int, person: str, pairs: Pairs, at: str, seen: str | None = None
) -> None:
    """Keep what ``person`` typed into the form of a task; an empty form forgets the draft.

    ``seen`` is the version of the draft that their window knows, "" for none: raises :class:`Conflict` when another
    window of theirs kept something else meanwhile. None replaces whatever is there.

    Raises :class:`Rejected` for a case whose personal data was erased, and for more than ``LARGEST_FORM``. Drafts of
    closed cases that nobody touched for ``KEPT`` go: they hold personal data in the open.
    """
    body = orjson.dumps(pairs)
    if len(body) > LARGEST_FORM:
        raise Rejected(
            "Expected a draft of at most {most} bytes, but it has {length}",
            most=LARGEST_FORM,
            length=len(body),
        )
    past = iso(datetime.fromisoformat(at) - KEPT)
    closed = sa.select(cases.c.id).where(cases.c.state == "closed")
    erased = sa.select(subject_key.c.case_id).where(
        subject_key.c.case_id == case_id, subject_key.c.key.is_(None)
    )
    with db.begin() as c:
        c.execute(sa.delete(draft).where(draft.c.at < past, draft.c.case_id.in_(closed)))
        if pairs and c.execute(erased).first() is not None:
            raise Rejected(
                "Expected a case with its personal data, but that was erased; nothing is kept of it"
            )
        row = {"case_id": case_id, "task": task, "person": person, "body": body.decode(), "at": at}
        if not pairs:
            c.execute(sa.delete(draft).where(*_form(case_id, task, person)))
        elif (there := _there(c, db, draft, row)) is not None:
            if seen is not None and _version(there.body) not in (seen, version(pairs)):
                raise Conflict(
                    "Expected your draft as your window knows it, but another window of yours kept one {at}",
                    at=there.at,
                )
            c.execute(put(db, draft, row))


def form(db: Database, case_id: str, task: int, person: str) -> FormDraft | None:
    """The draft of a person for a task, or None."""
    rows = db.rows(sa.select(draft.c.body, draft.c.at).where(*_form(case_id, task, person)))
    if not rows:
        return None
    pairs = [(name, text) for name, text in orjson.loads(rows[0].body)]
    return FormDraft(pairs, rows[0].at, version(pairs))


def _there(
    connection: sa.Connection, db: Database, table: sa.Table, row: dict[str, Any]
) -> sa.Row[tuple[Any, ...]] | None:
    """The draft in whose place ``row`` is to stand; None: there was none, and now ``row`` is there.

    Two windows that keep their first draft at once both find none: who is second looks again.
    """
    same = [column == row[column.name] for column in table.primary_key]
    query = sa.select(table).where(*same).with_for_update()
    if (found := connection.execute(query).first()) is not None:
        return found
    first = insert(db.sqlite, table).values(row).on_conflict_do_nothing().returning(*table.primary_key)
    return None if connection.execute(first).first() is not None else connection.execute(query).first()


def _version(body: str) -> str:
    return version([(name, text) for name, text in orjson.loads(body)])


def version(pairs: Pairs) -> str:
    """A short name of exactly these texts: who knows it knows whether a draft is still the one they saw."""
    return hashlib.sha256(orjson.dumps(pairs)).hexdigest()[:24]


def forget_form(db: Database, case_id: str, task: int, person: str) -> None:
    """Throw away what ``person`` typed for a task: it was sent, or is not wanted. Others' drafts stay theirs."""
    with db.begin() as c:
        c.execute(sa.delete(draft).where(*_form(case_id, task, person)))


def _form(case_id: str, task: int, person: str) -> list[sa.ColumnElement[bool]]:
    return [draft.c.case_id == case_id, draft.c.task == task, draft.c.person == person]


def save_diagram(db: Database, made: DiagramDraft, seen: str | None = None) -> None:
    """Keep a designer's file; it replaces their earlier draft of the same path.

    ``seen`` is the digest of the draft that the designer had before their eyes, "" for none: raises
    :class:`Conflict` when another window of theirs kept something else meanwhile. None replaces whatever is there.
    """
    if len(made.body) > LARGEST_DIAGRAM:
        raise Rejected(
            "Expected a file of at most {most} bytes, but it has {length}",
            most=LARGEST_DIAGRAM,
            length=len(made.body),
        )
    with db.begin() as c:
        if (there := _there(c, db, diagram_draft, asdict(made))) is None:
            return
        if seen is not None and _drafted(there).digest not in (seen, made.digest):
            raise Conflict(
                "Expected your draft as you opened it, but another window of yours kept {path} {at}",
                path=made.path,
                at=there.at,
            )
        c.execute(put(db, diagram_draft, asdict(made)))


def diagram(db: Database, path: str, author: str) -> DiagramDraft | None:
    """A designer's draft of a file, or None."""
    rows = db.rows(sa.select(diagram_draft).where(*_diagram(path, author)))
    return _drafted(rows[0]) if rows else None


def diagrams(db: Database, author: str | None = None, path: str | None = None) -> list[DiagramDraft]:
    """Drafts of one designer or of all, of one file or of all, by path."""
    query = sa.select(diagram_draft).order_by(diagram_draft.c.path, diagram_draft.c.author)
    if author is not None:
        query = query.where(diagram_draft.c.author == author)
    if path is not None:
        query = query.where(diagram_draft.c.path == path)
    return [_drafted(row) for row in db.rows(query)]


def rebase_diagram(db: Database, path: str, author: str, seen: str, base: int) -> None:
    """Let the draft with the digest ``seen`` stand on release ``base``, its text as it is.

    Raises :class:`Conflict` when it is another one by now.
    """
    with db.begin() as c:
        row = c.execute(sa.select(diagram_draft).where(*_diagram(path, author)).with_for_update()).first()
        if row is None or _drafted(row).digest != seen:
            raise Conflict(
                "Expected your draft as this page shows it, but it changed meanwhile; open it again"
            )
        c.execute(sa.update(diagram_draft).where(*_diagram(path, author)).values(base_release=base))


def forget_diagram(db: Database, path: str, author: str) -> None:
    """Throw a draft away (it was published, or is not wanted)."""
    with db.begin() as c:
        c.execute(sa.delete(diagram_draft).where(*_diagram(path, author)))


def _diagram(path: str, author: str) -> list[sa.ColumnElement[bool]]:
    return [diagram_draft.c.path == path, diagram_draft.c.author == author]


def _drafted(row: sa.Row[tuple[object, ...]]) -> DiagramDraft:
    return DiagramDraft(row.path, row.author, row.body, row.base_release, row.at)
