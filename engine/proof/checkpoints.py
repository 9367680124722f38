"""Checkpoints: what the whole log says by now, in three signed lines that somebody else keeps.

A chain proves itself against whoever changes rows. Whoever owns the database can compute a whole new chain, or cut an
end off and mend what says how long it was; that shows only against what somebody else has kept (ADR 0016, ADR 0017).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.base.errors import GongdanError, NotFound
from engine.release.contents import publication
from engine.release.digest import digest_of
from engine.storage.chains import SECURITY, VERIFICATIONS, VIEWS, head
from engine.storage.database import Database
from engine.storage.proof_tables import log_checkpoint, log_leaf
from engine.storage.tables import cases, release, release_file

from . import log, merkle, notes
from .log import ACCESS, CASE, PUBLICATION, RELEASE, TIME, Leaf, Tree
from .notes import Checkpoint

#: kind of leaf → the chain whose end it tells
CHAINS = {ACCESS: VIEWS, log.VERIFICATIONS: VERIFICATIONS, log.SECURITY: SECURITY}
_AT_ONCE = 2000  #: cases looked at in one transaction: others write in between


@dataclass(frozen=True, slots=True)
class Made:
    """A checkpoint, and the cases left out of it because their head is none."""

    checkpoint: Checkpoint
    spoilt: list[str]


def signing_key(secret: bytes) -> Ed25519PrivateKey:
    """The key that an installation with ``secret`` (``GONGDAN_HEADS_KEY``) signs with."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"heads:" + secret).digest())


def own_verifier(secret: bytes) -> notes.Verifier:
    """By which others check what ``secret`` signed."""
    return notes.log_verifier(signing_key(secret).public_key().public_bytes_raw())


def make(db: Database, secret: bytes, at: str) -> Made:
    """Add what is new to the log and sign it, as of ``at`` (ISO 8601); the last checkpoint again when nothing is new.

    One spoilt row keeps no case but its own out. Raises :class:`GongdanError` for a log that does not continue its last
    checkpoint: it must never be signed.
    """
    spoilt: list[str] = []
    after: str | None = ""
    while after is not None:
        with db.begin() as connection:
            log.lock(db, connection)
            after = _add_cases(connection, after, spoilt)
    with db.begin() as connection:
        log.lock(db, connection)
        size = log.append(connection, [*_new_releases(connection), *_new_ends(connection)])
        last = _stored(connection, None)
        _continued(connection, last)
        if last is not None and last.size == size:
            return Made(last, spoilt)
        size = log.append(connection, [Leaf(TIME, at, 0, "")])
        root = merkle.root(Tree(connection).node, size)
        note = notes.sign(signing_key(secret), size, root)
        connection.execute(sa.insert(log_checkpoint).values(size=size, note=note))
    return Made(notes.opened(note, []), spoilt)


def stored(db: Database, size: int | None = None) -> Checkpoint:
    """The checkpoint of ``size`` leaves (None: the last one) as it was signed. Raises :class:`NotFound`."""
    with db.read() as connection:
        found = _stored(connection, size)
    if found is None:
        raise NotFound(
            "there is no checkpoint yet; `run.py checkpoint` makes one"
            if size is None
            else f"there is no checkpoint of {size} leaves; `run.py checkpoint --list` tells those there are"
        )
    return found


def sizes(db: Database) -> list[tuple[int, str]]:
    """Size and instant (ISO 8601) of every checkpoint, in order."""
    told = sa.and_(log_leaf.c.number == log_checkpoint.c.size - 1, log_leaf.c.kind == TIME)
    query = sa.select(log_checkpoint.c.size, log_leaf.c.name).outerjoin(log_leaf, told)
    return [(row[0], row[1] or "") for row in db.rows(query.order_by(log_checkpoint.c.size))]


def _stored(connection: sa.Connection, size: int | None) -> Checkpoint | None:
    query = sa.select(log_checkpoint.c.note).order_by(log_checkpoint.c.size.desc()).limit(1)
    if size is not None:
        query = query.where(log_checkpoint.c.size == size)
    note = connection.execute(query).scalar_one_or_none()
    return None if note is None else notes.opened(str(note), [])


def _continued(connection: sa.Connection, last: Checkpoint | None) -> None:
    """Raise unless the log begins with what was signed last."""
    if last is None:
        return
    if log.size(connection) < last.size or merkle.root(Tree(connection).node, last.size) != last.root:
        raise GongdanError(
            f"the log was changed since its checkpoint of {last.size} leaves, so that none can be signed; "
            "`run.py db check` says more"
        )


def _add_cases(connection: sa.Connection, after: str, spoilt: list[str]) -> str | None:
    """Add the heads of some cases behind ``after`` that are others than their last leaf says; returns the last case.

    None: there are no more.
    """
    newest = (
        sa.select(log_leaf.c.hash)
        .where(log_leaf.c.kind == CASE, log_leaf.c.name == cases.c.id)
        .order_by(log_leaf.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    changed = (
        sa.select(cases.c.id, cases.c.seq, cases.c.head)
        .where(cases.c.id > after, newest.is_distinct_from(cases.c.head))
        .order_by(cases.c.id)
        .limit(_AT_ONCE)
    )
    found: list[Leaf] = []
    rows = connection.execute(changed).all()
    for case, seq, digest in rows:
        if type(seq) is int and isinstance(digest, bytes | memoryview):
            found.append(Leaf(CASE, case, seq, bytes(digest).hex()))
        else:
            spoilt.append(str(case))
    log.append(connection, found)
    return str(rows[-1][0]) if len(rows) == _AT_ONCE else None


def _new_releases(connection: sa.Connection) -> Iterator[Leaf]:
    told = sa.select(log_leaf.c.kind, log_leaf.c.name).where(log_leaf.c.kind.in_((RELEASE, PUBLICATION)))
    known = {(row.kind, row.name) for row in connection.execute(told)}
    for number in connection.execute(sa.select(release.c.number).order_by(release.c.number)).scalars().all():
        if (RELEASE, str(number)) not in known:
            columns = sa.select(release_file.c.path, release_file.c.sha256)
            rows = connection.execute(columns.where(release_file.c.release == number)).all()
            yield Leaf(RELEASE, str(number), 0, digest_of(dict(map(tuple, rows))))
        if (PUBLICATION, str(number)) not in known:
            yield Leaf(PUBLICATION, str(number), 0, publication(connection, number))


def _new_ends(connection: sa.Connection) -> Iterator[Leaf]:
    for kind, chain in CHAINS.items():
        end = head(connection, chain)
        told = sa.select(log_leaf.c.seq, log_leaf.c.hash).where(log_leaf.c.kind == kind)
        last = connection.execute(told.order_by(log_leaf.c.number.desc()).limit(1)).first()
        if end is not None and end[0] and (last is None or (last[0], bytes(last[1])) != end):
            yield Leaf(kind, "", end[0], end[1].hex())
