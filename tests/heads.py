"""Files of signed heads as they were written before there was a log (format 1)."""

from __future__ import annotations

import hashlib

import orjson
import sqlalchemy as sa

from engine.proof import checkpoints
from engine.storage.database import Database
from engine.storage.tables import cases


def format_1(db: Database, secret: bytes, at: str) -> bytes:
    """The heads of all cases of ``db``, signed with ``secret`` as of ``at``."""
    lines: list[dict[str, object]] = [{"format": "gongdan heads 1", "at": at}]
    for case, seq, head in db.rows(sa.select(cases.c.id, cases.c.seq, cases.c.head).order_by(cases.c.id)):
        lines.append({"case": case, "seq": seq, "hash": bytes(head).hex()})
    told = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    key = checkpoints.signing_key(secret)
    signature = key.sign(hashlib.sha256(told).digest()).hex()
    public = key.public_key().public_bytes_raw().hex()
    return told + orjson.dumps({"key": public, "signature": signature}) + b"\n"
