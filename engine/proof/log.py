"""The log of what was so at each checkpoint: one leaf for each thing, only added to, under a Merkle tree.

A leaf says where something ended: the history of a case, the files of a release, the access log, the verifications,
the security log; the last leaf before a checkpoint says when that was made. Hashes of perfect subtrees are kept for
every eighth level, so that a root or a proof reads a few hundred rows, however long the log is (ADR 0017).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

import orjson
import sqlalchemy as sa

from engine.base.errors import GongdanError, InvalidFile
from engine.storage.database import Database
from engine.storage.proof_tables import log_leaf, log_node

from . import merkle

CASE, RELEASE, PUBLICATION = "case", "release", "publication"  #: of a number
ACCESS, VERIFICATIONS, SECURITY, TIME = "access log", "verifications", "security log", "time"
BITS = 8  #: a kept hash stands for 2^BITS of the level of kept hashes below it
_WIDTH = 1 << BITS
_LOCK = 0x60D9  #: PostgreSQL advisory lock: one process adds leaves, the others wait
_AT_ONCE = 2000  #: leaves read at a time
_COLUMNS = (log_leaf.c.kind, log_leaf.c.name, log_leaf.c.seq, log_leaf.c.hash)
_SIZE = sa.select(sa.func.coalesce(sa.func.max(log_leaf.c.number) + 1, 0))


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a leaf says: ``kind`` and ``name`` of a thing, the row where it ended, and the hash there, hexadecimal."""

    kind: str
    name: str
    seq: int
    hash: str

    def __bytes__(self) -> bytes:
        """The bytes that are hashed: JSON with sorted keys and no spaces."""
        told = {"kind": self.kind, "name": self.name, "seq": self.seq, "hash": self.hash}
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)

    @property
    def thing(self) -> str:
        """What it is about, in words."""
        return f"{self.kind} {self.name}" if self.kind in (CASE, RELEASE, PUBLICATION) else f"the {self.kind}"


def parse(line: bytes) -> Leaf:
    """The leaf with these bytes. Raises :class:`InvalidFile` where no leaf has them."""
    try:
        said = orjson.loads(line)
        leaf = Leaf(str(said["kind"]), str(said["name"]), int(said["seq"]), str(said["hash"]))
        if bytes(leaf) == line:  # which a number beyond all numbers of rows has not
            return leaf
    except (ValueError, TypeError, KeyError, OverflowError):
        pass
    raise InvalidFile("a line of this file is no leaf of a log")


def size(connection: sa.Connection) -> int:
    """How many leaves there are."""
    return int(connection.execute(_SIZE).scalar_one())


def leaves(db: Database, start: int, end: int) -> Iterator[Leaf]:
    """The leaves from ``start`` up to and without ``end``, in order; raises :class:`GongdanError` for a missing one.

    A value of another type than was ever written gives a leaf with another hash.
    """
    number = start
    while number < end:
        upto = min(end, number + _AT_ONCE)
        wanted = log_leaf.c.number >= number, log_leaf.c.number < upto
        rows = db.rows(sa.select(log_leaf.c.number, *_COLUMNS).where(*wanted).order_by(log_leaf.c.number))
        for row in rows:
            if row[0] != number:
                break
            yield _leaf(row[1:])
            number += 1
        if number < upto:
            raise GongdanError(f"leaf {number} of the log is missing")


def as_far_as_whole(db: Database) -> Iterator[Leaf]:
    """All leaves in order, up to one that is missing, which the check of the log names."""
    with db.read() as connection:
        end = size(connection)
    with suppress(GongdanError):
        yield from leaves(db, 0, end)


def _leaf(row: Sequence[object]) -> Leaf:
    kind, name, seq, digest = row
    shown = bytes(digest).hex() if isinstance(digest, bytes | memoryview) else repr(digest)
    return Leaf(str(kind), str(name), seq if type(seq) is int else -1, shown)


def lock(db: Database, connection: sa.Connection) -> None:
    """Nobody else adds leaves until the caller's transaction ends."""
    if not db.sqlite:  # SQLite has one writer anyway
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def append(connection: sa.Connection, added: Sequence[Leaf]) -> int:
    """Add leaves, and the kept hashes that become whole; returns the new size. The caller holds :func:`lock`."""
    first = size(connection)
    if not added:
        return first
    rows = [
        {**asdict(leaf), "number": number, "hash": bytes.fromhex(leaf.hash)}
        for number, leaf in enumerate(added, first)
    ]
    connection.execute(sa.insert(log_leaf), rows)
    number = first + len(rows)
    tree = Tree(connection)
    level, begin, end = BITS, first >> BITS, number >> BITS
    while begin < end:
        made = [{"level": level, "number": n, "hash": tree.computed(level, n)} for n in range(begin, end)]
        connection.execute(sa.insert(log_node), made)
        level, begin, end = level + BITS, begin >> BITS, end >> BITS
    return number


class Tree:
    """The hashes of perfect subtrees of the log, as :mod:`engine.proof.merkle` asks for them."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._read: dict[tuple[int, int], dict[int, bytes]] = {}

    def node(self, level: int, number: int) -> bytes:
        """The hash of one; kept or computed from what is kept below it. Raises :class:`GongdanError` for none."""
        return self._kept(level, number) if level % BITS == 0 else self.computed(level, number)

    def computed(self, level: int, number: int) -> bytes:
        """The hash of one from the two below it."""
        return merkle.node_hash(self.node(level - 1, 2 * number), self.node(level - 1, 2 * number + 1))

    def _kept(self, level: int, number: int) -> bytes:
        block = number >> BITS
        if (level, block) not in self._read:
            self._read[level, block] = dict(self._block(level, block << BITS))
        found = self._read[level, block].get(number)
        if found is None:
            raise GongdanError(f"the log is not whole: hash {number} of level {level} is missing")
        return found

    def _block(self, level: int, begin: int) -> Iterator[tuple[int, bytes]]:
        table = log_node if level else log_leaf
        columns = (log_node.c.hash,) if level else _COLUMNS
        wanted = [table.c.number >= begin, table.c.number < begin + _WIDTH]
        wanted += [log_node.c.level == level] if level else []
        for number, *row in self._connection.execute(sa.select(table.c.number, *columns).where(*wanted)):
            yield number, bytes(row[0]) if level else merkle.leaf_hash(bytes(_leaf(row)))
