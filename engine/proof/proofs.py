"""Proofs for one who has a checkpoint but no database: that a case is in the log, that the log only grew.

Each is JSON that stands for itself: with the checkpoints it is about, and every hash on the way. Of other cases an
inclusion proof holds nothing but hashes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from engine.base.errors import InvalidFile, NotFound
from engine.storage.database import Database
from engine.storage.proof_tables import log_leaf

from . import checkpoints, log, merkle, notes
from .log import CASE, Tree
from .notes import Verifier

INCLUSION, CONSISTENCY = "gongdan inclusion 1", "gongdan consistency 1"


def of_case(db: Database, case: str, size: int | None = None) -> dict[str, Any]:
    """The proof of the newest leaf of ``case`` under the checkpoint of ``size`` leaves (None: the last checkpoint).

    Raises :class:`NotFound` where there is no such checkpoint, or the case is not under it.
    """
    checkpoint = checkpoints.stored(db, size)
    newest = (
        sa.select(sa.func.max(log_leaf.c.number))
        .where(log_leaf.c.kind == CASE, log_leaf.c.name == case)
        .where(log_leaf.c.number < checkpoint.size)
    )
    with db.read() as connection:
        index = connection.execute(newest).scalar_one()
        if index is None:
            raise NotFound(f"case {case} is not in the checkpoint of {checkpoint.size} leaves")
        path = merkle.inclusion(Tree(connection).node, index, checkpoint.size)
    (leaf,) = log.leaves(db, index, index + 1)
    return {
        "format": INCLUSION,
        "leaf": bytes(leaf).decode(),
        "index": index,
        "path": _written(path),
        "checkpoint": checkpoint.note,
    }


def of_growth(db: Database, old: int, new: int) -> dict[str, Any]:
    """The proof that the checkpoint of ``new`` leaves continues that of ``old``. Raises :class:`NotFound`."""
    first, last = checkpoints.stored(db, old), checkpoints.stored(db, new)
    if old > new:
        raise NotFound(f"a log of {new} leaves cannot continue one of {old}")
    with db.read() as connection:
        path = merkle.consistency(Tree(connection).node, old, new)
    return {"format": CONSISTENCY, "old": first.note, "new": last.note, "path": _written(path)}


def check(proof: Any, signers: Sequence[Verifier]) -> str:
    """What ``proof`` proves, in words, by checkpoints that all ``signers`` signed. Raises :class:`InvalidFile`."""
    try:
        kind, path = proof["format"], [base64.b64decode(one, validate=True) for one in proof["path"]]
        if kind == INCLUSION:
            leaf, index = log.parse(str(proof["leaf"]).encode()), int(proof["index"])
            under = notes.opened(str(proof["checkpoint"]), signers)
            if not merkle.leads_to(under.root, merkle.leaf_hash(bytes(leaf)), index, under.size, path):
                raise InvalidFile(f"this does not lead from {leaf.thing} to the checkpoint: it was changed")
            return (
                f"{leaf.thing} ended with row {leaf.seq}, hash {leaf.hash}, when the checkpoint of {under.size} "
                f"leaves of {under.origin} was made"
            )
        if kind == CONSISTENCY:
            old, new = (notes.opened(str(proof[which]), signers) for which in ("old", "new"))
            same = old.origin == new.origin
            if not same or not merkle.continues(old.root, old.size, new.root, new.size, path):
                raise InvalidFile("this does not lead from one checkpoint to the other: it was changed")
            return f"the log {new.origin} only grew from {old.size} to {new.size} leaves"
    except (KeyError, TypeError, ValueError, binascii.Error):
        pass
    raise InvalidFile("this is no proof; `run.py prove` writes one")


def _written(path: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in path]
