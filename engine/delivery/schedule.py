"""Cases that the software itself opens: each process whose start has a timer, once for each of its periods.

What should be there is computed, not remembered: the rhythm of the live release (a parameter of the table of limits,
on the calendar's zone) says when a period ended, and the case of a period is known by its outside number. So two
workers, a restart, a clock set back and a long outage come to the same cases (ADR 0013).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog

from engine.base.errors import GongdanError, Unavailable
from engine.base.instants import iso
from engine.case.commands import StartCase
from engine.case.dispatch import Dispatcher
from engine.release.recurrence import Rhythms, scheduled
from engine.release.release import Release
from engine.release.releases import Releases
from engine.sla.durations import Moment
from engine.storage.database import Database
from engine.storage.tables import cases

from .alerts import name_of, notify_once

ACTOR = "system:schedule"
RETRY = timedelta(minutes=1)  #: a process whose case could not be opened is tried again so much later,
LONGEST = timedelta(hours=1)  #: each time twice as much, at most this
AT_ONCE = 50  #: cases opened in one round; after a long outage the next round goes on
_NEVER = datetime.max.replace(tzinfo=UTC)
log = structlog.get_logger("gongdan.schedule")


@dataclass(frozen=True, slots=True)
class Opening:
    """One case to open: of ``process``, for ``period`` (``2026-W09``, ``2026-02``), as of the instant ``at``."""

    process: str
    period: str
    at: datetime

    @property
    def number(self) -> str:
        """The outside number that makes the case the only one of its period."""
        return f"schedule:{self.process}:{self.period}"


@dataclass(frozen=True, slots=True)
class _Pause:
    """A process whose case could not be opened is left alone from ``begin`` until ``end``."""

    begin: datetime
    end: datetime

    def longer(self, now: datetime) -> _Pause:
        return _Pause(now, now + min(2 * (self.end - self.begin), LONGEST))


class Schedule:
    """Opens what is due. Any number of these may run; each period gets one case."""

    def __init__(self, db: Database, releases: Releases, dispatcher: Dispatcher) -> None:
        self._db = db
        self._releases = releases
        self._dispatcher = dispatcher
        self._rhythms = Rhythms(db)
        self._rest: tuple[int, datetime, datetime] | None = None  #: release; nothing is due from, until
        self._pauses: dict[str, _Pause] = {}  #: by process
        self._failures: dict[str, int] = {}  #: by outside number

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to look for cases to open (cheap: asked every round of a worker)."""
        number = self._releases.current_number()
        if number is None:
            return False
        return self._rest is None or self._rest[0] != number or not self._rest[1] <= now < self._rest[2]

    def open_due(self, now: datetime) -> int:
        """Open what should be open by ``now`` (aware) and is not; returns how many cases this call opened.

        A process whose case cannot be opened is left alone for a while, and the supervisors are told; others go on.
        """
        if not self.is_due(now):
            return 0
        live = self._releases.current()
        if self._rest is None or self._rest[0] != live.number:  # perhaps this one mends what failed
            self._pauses, self._failures = {}, {}
        missing = self.missing(now)
        self._pauses = {o.process: self._pauses[o.process] for o in missing if o.process in self._pauses}
        missing.sort(
            key=lambda o: self._failures.get(o.number, 0)
        )  # one period that fails keeps none waiting
        tried = opened = 0
        again = min((moment.after(now, _zone(live)) for _, moment in scheduled(live)), default=_NEVER)
        for opening in missing:
            pause = self._pauses.get(opening.process)
            if pause is not None and pause.begin <= now < pause.end:
                continue
            if tried == AT_ONCE:
                again = now
                break
            tried += 1
            opened += self._try(opening, now, live)
        self._rest = (live.number, now, min([again, *(pause.end for pause in self._pauses.values())]))
        return opened

    def missing(self, now: datetime) -> list[Opening]:
        """Cases that should have been opened by ``now`` and are not there, the oldest first."""
        live = self._releases.current()
        since = self._rhythms.since(live)
        wanted = [
            opening
            for process, moment in scheduled(live)
            for opening in _openings(process.id, moment, since[process.id], now, _zone(live))
        ]
        there = self._there([opening.number for opening in wanted])
        return sorted(
            (opening for opening in wanted if opening.number not in there), key=lambda o: (o.at, o.process)
        )

    def _try(self, opening: Opening, now: datetime, live: Release) -> bool:
        """Whether this call opened the case; when it cannot be opened, its process pauses, longer each time."""
        try:
            opened = self._open(opening)
        except Unavailable:
            raise  # no fault of the process
        except Exception as error:  # whatever one process meets, the others go on
            foreseen = isinstance(error, GongdanError)
            log.error("case not opened", number=opening.number, error=str(error), exc_info=not foreseen)
            before = self._pauses.get(opening.process)
            self._failures[opening.number] = self._failures.get(opening.number, 0) + 1
            self._pauses[opening.process] = before.longer(now) if before else _Pause(now, now + RETRY)
            if before is None:
                notify_once(self._db, _not_opened(opening, error, live), now, opening.at)
            return False
        self._pauses.pop(opening.process, None)
        return opened

    def _open(self, opening: Opening) -> bool:
        """True when this call opened the case, False when another one just had; raises why it cannot be opened."""
        command = StartCase(
            process=opening.process,
            data={"report_period": opening.period, "scheduled_for": iso(opening.at)},
            actor=ACTOR,
            at=iso(opening.at),  # as a timer: what an outage delays has the history of what nothing delayed
            external_id=opening.number,
            key=opening.number,
        )
        return not self._dispatcher.dispatch(command).already

    def _there(self, numbers: list[str]) -> set[str]:
        chunks = (numbers[n : n + 500] for n in range(0, len(numbers), 500))
        return {
            row[0]
            for chunk in chunks
            for row in self._db.rows(sa.select(cases.c.external_id).where(cases.c.external_id.in_(chunk)))
        }


def _openings(
    process: str, moment: Moment, since: datetime, now: datetime, zone: ZoneInfo
) -> Iterator[Opening]:
    at = moment.after(since, zone)
    while at <= now:
        yield Opening(process, moment.closes(at, zone), at)
        at = moment.after(at, zone)


def _zone(live: Release) -> ZoneInfo:
    return live.time.calendar.zone


def _not_opened(opening: Opening, error: Exception, live: Release) -> str:
    """What supervisors are told: the same words each time, so that they are told once."""
    name = name_of(live, opening.process)
    return (
        f"系统没能开立「{name}」{opening.period} 的工单，会继续再试；请检查该流程。原因：{str(error)[:300]}"
    )
