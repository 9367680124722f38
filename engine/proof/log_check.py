"""Is the log itself whole: every leaf there, every kept hash and every checkpoint what the leaves give."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from engine.base.errors import GongdanError, InvalidFile
from engine.storage.database import Database
from engine.storage.proof_tables import log_checkpoint, log_node

from . import log, merkle, notes
from .heads_file import Kept
from .log import BITS, TIME
from .notes import Checkpoint, Verifier


def faults(db: Database, signers: Sequence[Verifier]) -> list[str]:
    """What is wrong with the log, in words. Each checkpoint must be signed by one of ``signers``.

    Others may go on adding to it: what they add after we began to look is not missed.
    """
    with db.read() as connection:
        begun = log.size(connection)
        columns = sa.select(log_node.c.level, log_node.c.number, log_node.c.hash)
        kept = {(row[0], row[1]): row[2] for row in connection.execute(columns)}
        by_size = sa.select(log_checkpoint.c.size, log_checkpoint.c.note).order_by(log_checkpoint.c.size)
        signed = {row[0]: row[1] for row in connection.execute(by_size)}
        end = log.size(connection)
    found = []
    checkpoints: dict[int, Checkpoint] = {}
    for size, note in signed.items():
        try:
            checkpoints[size] = _signed(note, signers)
            if checkpoints[size].size != size:
                raise InvalidFile(f"it is of {checkpoints[size].size} leaves")
        except InvalidFile as error:
            found.append(f"the checkpoint of {size} leaves: {error}")
    growing = merkle.Growing()
    try:
        for leaf in log.leaves(db, 0, end):
            for level, number, digest in growing.add(merkle.leaf_hash(bytes(leaf))):
                absent = None if growing.size <= begun else digest
                if level % BITS == 0 and kept.pop((level, number), absent) != digest:
                    found.append(
                        f"the log: hash {number} of level {level} is not that of the leaves below it"
                    )
            if leaf.kind == TIME and growing.size <= begun and growing.size not in signed:
                found.append(f"the checkpoint of {growing.size} leaves is missing")
            made = checkpoints.pop(growing.size, None)
            if made is not None and made.root != growing.root():
                found.append(f"the checkpoint of {made.size} leaves: the leaves of the log give another root")
    except GongdanError as error:
        found.append(f"the log: {error}")
    else:
        found += [
            f"the log: hash {n} of level {level} is over leaves that are not there" for level, n in kept
        ]
        found += [f"the checkpoint of {size} leaves: the log is shorter" for size in checkpoints]
    return found


def continues(db: Database, kept: Kept) -> str | None:
    """Why the log in ``db`` does not begin with what somebody kept; None when it does."""
    if kept.checkpoint is None:
        return None
    growing = merkle.Growing()
    try:
        for leaf in log.leaves(db, 0, kept.checkpoint.size):
            if kept.leaves is not None and leaf != kept.leaves[growing.size]:
                there = kept.leaves[growing.size]
                return f"leaf {growing.size} of the log ({there.thing}) is another one than in the file"
            growing.add(merkle.leaf_hash(bytes(leaf)))
    except GongdanError as error:
        return str(error)
    if growing.root() != kept.checkpoint.root:
        return f"its first {growing.size} leaves are others than those of this checkpoint"
    return None


def _signed(note: object, signers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint in ``note``, signed by one of ``signers``."""
    for signer in signers[:-1]:
        try:
            return notes.opened(str(note), [signer])
        except InvalidFile:
            continue
    return notes.opened(str(note), signers[-1:])
