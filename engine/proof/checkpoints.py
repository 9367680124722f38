"""Signed heads: where each history ends, written down to be kept elsewhere.

A chain proves itself against whoever changes rows. Whoever owns the database can compute a whole new chain, or cut
an end off and mend the case row; that shows only against heads that somebody else has kept (ADR 0016).

The file is lines of JSON: what it is, one line a case, and last an Ed25519 signature of everything before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import orjson
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from engine.base.errors import InvalidFile
from engine.case.store import stored
from engine.storage.database import Database
from engine.storage.tables import cases, history

FORMAT = "gongdan heads 1"
_CHUNK = 400  #: cases looked up at a time
_HEADS = sa.select(cases.c.id, cases.c.seq, cases.c.head).order_by(cases.c.id)


@dataclass(frozen=True, slots=True)
class SignedHead:
    """Where the history of a case ended when the file was written. ``hash`` is hexadecimal."""

    case: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class SignedHeads:
    """What a file of signed heads says: the instant at which it was written (ISO 8601), and the heads."""

    at: str
    heads: list[SignedHead]


def public_key(secret: bytes) -> str:
    """The key by which others check what ``secret`` signed, hexadecimal."""
    return _private(secret).public_key().public_bytes_raw().hex()


def _private(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"heads:" + secret).digest())


def write(db: Database, secret: bytes, at: str, out: BinaryIO) -> tuple[int, list[str]]:
    """Write the heads of all cases as of now to ``out``, signed; ``at`` is ISO 8601.

    Returns how many, and the cases left out because their head is none: one spoilt row must not keep the others
    from being signed.
    """
    digest, count = hashlib.sha256(), 0
    spoilt: list[str] = []

    def tell(line: dict[str, object]) -> None:
        told = orjson.dumps(line) + b"\n"
        digest.update(told)
        out.write(told)

    tell({"format": FORMAT, "at": at})
    with db.read() as connection:
        for case, seq, head in connection.execute(_HEADS):
            found = stored(head)
            if not isinstance(found, bytes):
                spoilt.append(str(case))
                continue
            tell({"case": case, "seq": seq, "hash": found.hex()})
            count += 1
    signature = _private(secret).sign(digest.digest()).hex()
    out.write(orjson.dumps({"key": public_key(secret), "signature": signature}) + b"\n")
    return count, spoilt


def read(file: BinaryIO, key: str) -> SignedHeads:
    """What is in ``file``, once its signature was found to be by ``key`` (:func:`public_key`).

    Raises :class:`InvalidFile` for a file that is none, that was changed, or that another key signed.
    """
    lines = file.readlines()
    try:
        first, *told, last = map(orjson.loads, lines)
        if first["format"] != FORMAT:
            raise InvalidFile("this is no file of signed heads")
        at = str(first["at"])
        heads = [SignedHead(str(one["case"]), int(one["seq"]), str(one["hash"])) for one in told]
        signature, signer = bytes.fromhex(last["signature"]), str(last["key"])
    except (ValueError, KeyError, TypeError):
        raise InvalidFile("this is no file of signed heads; `run.py export heads` writes one") from None
    if signer != key:
        raise InvalidFile(
            f"these heads were signed with the key {signer}, not with {key}; if you know that key, name it with --key"
        )
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(
            signature, hashlib.sha256(b"".join(lines[:-1])).digest()
        )
    except (InvalidSignature, ValueError):
        raise InvalidFile("the signature is not that of these heads: the file was changed since") from None
    return SignedHeads(at, heads)


def missing(db: Database, heads: Iterable[SignedHead]) -> Iterator[tuple[SignedHead, str]]:
    """The heads that the histories of ``db`` do not lead through, each with what is found instead."""
    todo = list(heads)
    for begin in range(0, len(todo), _CHUNK):
        chunk = todo[begin : begin + _CHUNK]
        # Not "pair in (…)": for that SQLite reads the whole history for every chunk.
        wanted = sa.or_(*(sa.and_(history.c.case_id == h.case, history.c.seq == h.seq) for h in chunk))
        rows = db.rows(sa.select(history.c.case_id, history.c.seq, history.c.hash).where(wanted))
        there = {(case, seq): stored(found) for case, seq, found in rows}
        lost = {h.case for h in chunk if (h.case, h.seq) not in there}
        short = _with_history(db, lost)
        for head in chunk:
            found = there.get((head.case, head.seq))
            if head.case in lost - short:
                yield head, "the case is missing: nothing is left of its history"
            elif head.case in lost:
                yield head, f"the history is shorter than when its head was signed: row {head.seq} is gone"
            elif not isinstance(found, bytes):
                yield head, "the column hash holds something else than was ever written there"
            elif found.hex() != head.hash:
                yield head, "the history is another one than when its head was signed"


def _with_history(db: Database, some: set[str]) -> set[str]:
    """Those of ``some`` cases that have any row of history."""
    if not some:
        return set()
    wanted = sa.select(history.c.case_id).distinct().where(history.c.case_id.in_(some))
    return {row[0] for row in db.rows(wanted)}
