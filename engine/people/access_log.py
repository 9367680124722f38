"""Who looked at which case, and when: personal data may be asked about later. Beside history, and chained."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import sqlalchemy as sa

from engine.storage.chain_writer import ChainWriter
from engine.storage.chains import VIEWS
from engine.storage.database import Database
from engine.storage.tables import view_log


@dataclass(frozen=True, slots=True)
class View:
    """One look at a case."""

    at: str
    person: str
    case_id: str
    what: str


class AccessLog:
    """The log of one process."""

    def __init__(self, db: Database) -> None:
        self._writer = ChainWriter(db, VIEWS)

    def note(self, person: str, case_id: str, what: str, at: str) -> None:
        """Remember that ``person`` saw ``what`` of a case ``at`` an instant (ISO 8601).

        Raises :class:`Unavailable` when it cannot be written.
        """
        self._writer.write(asdict(View(at, person, case_id, what)))


def of_case(db: Database, case_id: str, limit: int = 200) -> list[View]:
    """Who looked at a case, latest first."""
    query = (
        sa.select(view_log.c.at, view_log.c.person, view_log.c.case_id, view_log.c.what)
        .where(view_log.c.case_id == case_id)
        .order_by(view_log.c.id.desc())
        .limit(limit)
    )
    return [View(*row) for row in db.rows(query)]
