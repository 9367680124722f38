"""What a release holds by the bytes that lie in the database now, whatever their names say."""

from __future__ import annotations

import sqlalchemy as sa

from engine.storage.database import Database
from engine.storage.tables import blob, release_file

from .release import sha256


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


def _hash(body: object) -> str:
    if isinstance(body, str):  # somebody wrote it there as text
        return sha256(body.encode())
    return sha256(bytes(body)) if isinstance(body, bytes | memoryview) else ""
