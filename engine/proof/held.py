"""Hold a database against leaves of the log, its own or those that somebody kept: is what they say still so?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from engine.case.store import stored
from engine.release.contents import hashes, publication
from engine.release.digest import digest_of
from engine.storage.chains import begins_behind, hash_at
from engine.storage.database import Database
from engine.storage.tables import history

from .checkpoints import CHAINS
from .log import CASE, PUBLICATION, RELEASE, Leaf

_CHUNK = 400  #: cases looked up at a time


@dataclass(frozen=True, slots=True)
class Fault:
    """What is no longer as a leaf says: the leaf, and what is found instead."""

    leaf: Leaf
    reason: str


def faults(db: Database, leaves: Iterable[Leaf]) -> Iterator[Fault]:
    """What ``db`` does not bear out of ``leaves``, each with what is found instead."""
    heads: list[Leaf] = []
    for leaf in leaves:
        if leaf.kind == CASE:
            heads.append(leaf)
        elif (reason := _wrong(db, leaf)) is not None:
            yield Fault(leaf, reason)
        if len(heads) == _CHUNK:
            yield from _cases(db, heads)
            heads = []
    if heads:
        yield from _cases(db, heads)


def _wrong(db: Database, leaf: Leaf) -> str | None:
    if leaf.kind == RELEASE:
        files = hashes(db, int(leaf.name)) if leaf.name.isdecimal() else {}
        if not files:
            return "the release is missing"
        return (
            None
            if digest_of(files) == leaf.hash
            else "its files are others than when the checkpoint was made"
        )
    if leaf.kind == PUBLICATION:
        with db.read() as connection:
            said = publication(connection, int(leaf.name)) if leaf.name.isdecimal() else ""
        return None if said == leaf.hash else "who published it, when or why is told otherwise than then"
    if leaf.kind in CHAINS:
        there = hash_at(db, CHAINS[leaf.kind], leaf.seq)
        if there is None and leaf.seq < begins_behind(db, CHAINS[leaf.kind]):
            return (
                None  # its time was over; that it was cut off honestly is for the check of the chain to say
            )
        if there is None:
            return f"row {leaf.seq} is gone: the end was cut off since the checkpoint"
        return (
            None
            if there.hex() == leaf.hash
            else f"row {leaf.seq} is another one than when the checkpoint was made"
        )
    return None


def _cases(db: Database, heads: Sequence[Leaf]) -> Iterator[Fault]:
    """The heads that the histories do not lead through. Going on is fine, being shorter or another one is not."""
    # Not "pair in (…)": for that SQLite reads the whole history for every chunk.
    wanted = sa.or_(*(sa.and_(history.c.case_id == h.name, history.c.seq == h.seq) for h in heads))
    rows = db.rows(sa.select(history.c.case_id, history.c.seq, history.c.hash).where(wanted))
    there = {(case, seq): stored(found) for case, seq, found in rows}
    lost = {h.name for h in heads if (h.name, h.seq) not in there}
    short = _with_history(db, lost)
    for head in heads:
        found = there.get((head.name, head.seq))
        if head.name in lost - short:
            yield Fault(head, "the case is missing: nothing is left of its history")
        elif (head.name, head.seq) not in there:
            yield Fault(head, f"the history is shorter than when its head was signed: row {head.seq} is gone")
        elif not isinstance(found, bytes):
            yield Fault(head, "the column hash holds something else than was ever written there")
        elif found.hex() != head.hash:
            yield Fault(head, "the history is another one than when its head was signed")


def _with_history(db: Database, some: set[str]) -> set[str]:
    """Those of ``some`` cases that have any row of history."""
    if not some:
        return set()
    wanted = sa.select(history.c.case_id).distinct().where(history.c.case_id.in_(some))
    return {row[0] for row in db.rows(wanted)}
