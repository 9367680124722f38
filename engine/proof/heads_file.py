"""Files that somebody else keeps: a checkpoint, alone or with every leaf under it, to hold a database against.

Format 2 is text: a first line that says what it is, the leaves byte for byte, one a line, an empty line, and the
checkpoint as it was signed, to which witnesses may add lines. Format 1 (lines of JSON with a signature over all of
them) is still read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import BinaryIO

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from engine.base.errors import GongdanError, InvalidFile
from engine.storage.database import Database

from . import log, merkle, notes
from .log import CASE, TIME, Leaf
from .notes import Checkpoint, Verifier

FORMAT_1 = "gongdan heads 1"
FORMAT_2 = b"gongdan heads 2\n"
_NONE = "this is no file of signed heads; `run.py export heads` writes one"


@dataclass(frozen=True, slots=True)
class Kept:
    """What somebody kept. ``leaves`` is None for a checkpoint alone, ``checkpoint`` is None for a file of format 1.

    ``at`` is the instant (ISO 8601) that a file of format 1 names.
    """

    checkpoint: Checkpoint | None
    leaves: list[Leaf] | None
    at: str | None = None


def told_at(leaves: Sequence[Leaf]) -> str | None:
    """When the last checkpoint over ``leaves`` was made, by their own account (ISO 8601)."""
    return next((leaf.name for leaf in reversed(leaves) if leaf.kind == TIME), None)


def write(db: Database, checkpoint: Checkpoint, out: BinaryIO) -> int:
    """Write ``checkpoint`` with its leaves; returns how many cases they tell of.

    Raises :class:`GongdanError` where the leaves of the log are not those that were signed.
    """
    out.write(FORMAT_2)
    growing = merkle.Growing()
    cases: set[str] = set()
    for leaf in log.leaves(db, 0, checkpoint.size):
        out.write(bytes(leaf) + b"\n")
        growing.add(merkle.leaf_hash(bytes(leaf)))
        if leaf.kind == CASE:
            cases.add(leaf.name)
    if growing.root() != checkpoint.root:
        raise GongdanError(
            "the leaves of the log are not those that were signed; `run.py db check` says more"
        )
    out.write(b"\n" + checkpoint.note.encode())
    return len(cases)


def read(file: BinaryIO, signers: Sequence[Verifier]) -> Kept:
    """What is in ``file``, once all ``signers`` (the log itself first) were found to have signed it.

    Raises :class:`InvalidFile` for a file that is none, that was changed, or that somebody else signed.
    """
    lines = file.readlines()
    if lines[:1] == [FORMAT_2]:
        return _format_2(lines[1:], signers)
    if lines and lines[0].startswith(b"{"):
        return _format_1(lines, signers)
    return Kept(notes.opened(_text(b"".join(lines)), signers), None)


def _format_2(lines: list[bytes], signers: Sequence[Verifier]) -> Kept:
    end = next(n for n in count() if lines[n : n + 1] in ([], [b"\n"]))
    checkpoint = notes.opened(_text(b"".join(lines[end + 1 :])), signers)
    growing, leaves = merkle.Growing(), []
    for line in lines[:end]:
        leaves.append(log.parse(line.removesuffix(b"\n")))
        growing.add(merkle.leaf_hash(bytes(leaves[-1])))
    if (growing.size, growing.root()) != (checkpoint.size, checkpoint.root):
        raise InvalidFile(
            "the leaves in this file are not those of its checkpoint: the file was changed since"
        )
    return Kept(checkpoint, leaves)


def _format_1(lines: list[bytes], signers: Sequence[Verifier]) -> Kept:
    try:
        first, *told, last = map(orjson.loads, lines)
        if first["format"] != FORMAT_1:
            raise InvalidFile(_NONE)
        at = str(first["at"])
        leaves = [Leaf(CASE, str(one["case"]), int(one["seq"]), str(one["hash"])) for one in told]
        signature, signer = bytes.fromhex(last["signature"]), str(last["key"])
    except (ValueError, KeyError, TypeError):
        raise InvalidFile(_NONE) from None
    if signers[1:]:
        raise InvalidFile("a file of this form has no place for a witness: it holds one signature")
    for key in (one.key.hex() for one in signers):
        if signer != key:
            raise InvalidFile(
                f"these heads were signed with the key {signer}, not with {key}; if you know that key, name it with "
                "--key"
            )
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer)).verify(
            signature, hashlib.sha256(b"".join(lines[:-1])).digest()
        )
    except (InvalidSignature, ValueError):
        raise InvalidFile("the signature is not that of these heads: the file was changed since") from None
    return Kept(None, leaves, at)


def _text(note: bytes) -> str:
    try:
        return note.decode()
    except UnicodeDecodeError:
        raise InvalidFile(_NONE) from None
