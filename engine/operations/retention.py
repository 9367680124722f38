"""Entries of the security log whose time is over are taken away, and the log says so: nobody can take some in secret.

The cut is made where the log ended under a signed checkpoint: whoever kept one has the hash that the rest begins with.
An entry tells how many went, and the next checkpoint is signed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import GongdanError
from engine.base.instants import iso
from engine.people import security_log
from engine.people.security_events import By, LogCut
from engine.proof import checkpoints, log, records
from engine.storage import chains
from engine.storage.chains import SECURITY
from engine.storage.proof_tables import log_checkpoint, log_leaf
from engine.storage.proof_tables import security_log as table

from . import sinks


@dataclass(frozen=True, slots=True)
class Cut:
    """What was taken away: so ``many`` entries, the last of them number ``last``; 0 where nothing could go."""

    many: int = 0
    last: int = 0


def cut(gongdan: Gongdan, days: int, by: By) -> Cut:
    """Take away entries older than ``days``, as far as a checkpoint tells of them and every sink has them.

    Raises :class:`GongdanError` for a log that is not whole: what was done to it must stay to be seen.
    """
    now = gongdan.now()
    before = iso(datetime.fromisoformat(now) - timedelta(days=days))
    own = [checkpoints.own_verifier(gongdan.settings.heads_key)]
    if faults := records.faults(gongdan.db, own):
        raise GongdanError(f"nothing is taken away from a log that is not whole: {faults[0]}")
    most = sinks.furthest_behind(gongdan)
    with gongdan.db.begin() as connection:
        log.lock(gongdan.db, connection)
        behind = chains.start(connection, SECURITY) or (0, chains.GENESIS)
        young = sa.select(sa.func.min(table.c.id)).where(table.c.at >= before)
        newest = sa.select(sa.func.max(table.c.id))
        first = connection.scalar(young) or (connection.scalar(newest) or 0) + 1
        signed = sa.select(sa.func.max(log_checkpoint.c.size)).scalar_subquery()
        ends = sa.select(log_leaf.c.seq, log_leaf.c.hash).where(
            log_leaf.c.kind == log.SECURITY, log_leaf.c.number < signed,
            log_leaf.c.seq <= min(first - 1, most), log_leaf.c.seq > behind[0],
        )  # fmt: skip
        end = connection.execute(ends.order_by(log_leaf.c.seq.desc()).limit(1)).first()
        if end is None:
            return Cut()
        many = connection.scalar(sa.select(sa.func.count()).where(table.c.id <= end.seq)) or 0
        told = LogCut(about=table.name, last=end.seq, hash=bytes(end.hash).hex(), many=many)
        security_log.append(connection, by, [told], now)
        chains.cut(connection, SECURITY, end.seq)
    checkpoints.make(gongdan.db, gongdan.settings.heads_key, now)
    return Cut(many, end.seq)
