"""Who looked at which case, and when: personal data may be asked about later. Beside history, and chained."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from engine.storage.chains import VIEWS, append
from engine.storage.database import Database
from engine.storage.tables import view_log


@dataclass(frozen=True, slots=True)
class View:
    """One look at a case."""

    at: str
    person: str
    case_id: str
    what: str


@dataclass(slots=True, eq=False)
class _Noting:
    """A look that is being noted, and what came of it."""

    view: View
    finished: bool = False
    error: BaseException | None = None


class AccessLog:
    """The log of one process. Looks of its threads that wait for each other are written together.

    A chain has one end, so one transaction at a time appends to it: of eight who look at once on PostgreSQL, each
    would otherwise wait for seven writes to the disk.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[_Noting] = []
        self._writing = False  #: one of the threads is at it
        self._turn = threading.Condition()

    def note(self, person: str, case_id: str, what: str, at: str) -> None:
        """Remember that ``person`` saw ``what`` of a case ``at`` an instant (ISO 8601).

        Raises :class:`Unavailable` when it cannot be written.
        """
        mine = _Noting(View(at, person, case_id, what))
        with self._turn:
            self._waiting.append(mine)
            while self._writing and not mine.finished:
                self._turn.wait()
            group = [] if mine.finished else self._waiting
            if group:
                self._waiting, self._writing = [], True
        if group:
            self._write(group)
        if mine.error is not None:
            raise mine.error

    def _write(self, group: list[_Noting]) -> None:
        failed: BaseException | None = None
        try:
            with self._db.begin() as connection:
                append(connection, VIEWS, [asdict(one.view) for one in group])
        except BaseException as error:
            failed = error
            raise
        finally:
            with self._turn:
                self._writing = False
                for one in group:
                    one.finished, one.error = True, failed
                self._turn.notify_all()


def of_case(db: Database, case_id: str, limit: int = 200) -> list[View]:
    """Who looked at a case, latest first."""
    query = (
        sa.select(view_log.c.at, view_log.c.person, view_log.c.case_id, view_log.c.what)
        .where(view_log.c.case_id == case_id)
        .order_by(view_log.c.id.desc())
        .limit(limit)
    )
    return [View(*row) for row in db.rows(query)]
