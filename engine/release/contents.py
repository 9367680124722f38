"""What a release holds by the bytes that lie in the database now, whatever their names say."""

from __future__ import annotations

import orjson
import sqlalchemy as sa

from engine.storage.database import Database
from engine.storage.tables import blob, release, release_file

from .release import sha256

_SAID = ("number", "created_at", "author", "note", "approved_by", "approved_at")


def hashes(db: Database, number: int) -> dict[str, str]:
    """Path → SHA-256 (hexadecimal) of the body of each file of a release; empty text where there is none.

    Nothing for a release that is not there. :func:`engine.release.digest.digest_of` makes one hash of it.
    """
    files = (
        sa.select(release_file.c.path, blob.c.body)
        .outerjoin(blob, blob.c.sha256 == release_file.c.sha256)
        .where(release_file.c.release == number)
        .order_by(release_file.c.path)
    )
    return {str(path): _hash(body) for path, body in db.rows(files)}


def publication(connection: sa.Connection, number: int) -> str:
    """A hash (hexadecimal) of who published a release, when and why, and of who wrote each file; empty for none.

    Not of its state: that another one is in force since is no change of what was said then.
    """
    of = release.c.number == number
    row = connection.execute(sa.select(*(release.c[name] for name in _SAID)).where(of)).one_or_none()
    if row is None:
        return ""
    wrote = sa.select(release_file.c.path, release_file.c.author).where(release_file.c.release == number)
    authors = dict(map(tuple, connection.execute(wrote).all()))
    said = {"authors": authors, **dict(zip(_SAID, row, strict=True))}
    return sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=str))


def _hash(body: object) -> str:
    if isinstance(body, str):  # somebody wrote it there as text
        return sha256(body.encode())
    return sha256(bytes(body)) if isinstance(body, bytes | memoryview) else ""
