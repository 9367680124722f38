"""Cases that the software itself opens: each process whose start has a timer, once for each of its periods.

What should be there is computed, not remembered: the rhythm of the live release (a parameter of the table of limits,
on the calendar's zone) says when a period ended, and the case of a period is known by its outside number. So two
workers, a restart, a clock set back and a long outage come to the same cases (ADR 0013).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog

from .commands import StartCase
from .db.database import Database
from .db.tables import blob, cases, release, release_file
from .diagrams import Process, read_processes
from .dispatch import Dispatcher
from .durations import Moment
from .errors import GongdanError, Unavailable
from .parameters import Parameter, load_parameters
from .release import PARAMETERS, Release
from .releases import Releases
from .spiff.timers import iso
from .xml import load_bpmn

ACTOR = "system:schedule"
RETRY = timedelta(minutes=1)  #: a case that could not be opened is tried again so much later
AT_ONCE = 50  #: cases opened in one round; after a long outage the next round goes on
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


def moment_of(process: Process, parameters: dict[str, Parameter]) -> Moment | None:
    """When cases of ``process`` are opened; None when no timer on its start names a week's or a month's rhythm."""
    parameter = parameters.get(process.rhythm or "")
    return parameter.rhythm if parameter is not None else None


class Schedule:
    """Opens what is due. Any number of these may run; each period gets one case."""

    def __init__(self, db: Database, releases: Releases, dispatcher: Dispatcher) -> None:
        self._db = db
        self._releases = releases
        self._dispatcher = dispatcher
        self._rest: tuple[int, datetime, datetime] | None = None  #: release; nothing is due from, until

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to look for cases to open (cheap: asked every round of a worker)."""
        number = self._releases.current_number()
        if number is None:
            return False
        return self._rest is None or self._rest[0] != number or not self._rest[1] <= now < self._rest[2]

    def open_due(self, now: datetime) -> int:
        """Open what should be open by ``now`` (aware) and is not; returns how many cases this call opened.

        A process that cannot be opened is logged and tried again; the others go on.
        """
        if not self.is_due(now):
            return 0
        live = self._releases.current()
        missing = self.missing(now)
        answers = [self._open(opening) for opening in missing[:AT_ONCE]]
        if None in answers:
            again = now + RETRY
        elif len(answers) < len(missing):
            again = now
        else:
            following = (moment.after(now, _zone(live)) for _, moment in _scheduled(live))
            again = min(following, default=datetime.max.replace(tzinfo=UTC))
        self._rest = (live.number, now, again)
        return answers.count(True)

    def missing(self, now: datetime) -> list[Opening]:
        """Cases that should have been opened by ``now`` and are not there, the oldest first."""
        live = self._releases.current()
        wanted = [
            opening
            for process, moment in _scheduled(live)
            for opening in _openings(process.id, moment, self._since(process, moment), now, _zone(live))
        ]
        there = self._there([opening.number for opening in wanted])
        return sorted(
            (opening for opening in wanted if opening.number not in there), key=lambda o: (o.at, o.process)
        )

    def _open(self, opening: Opening) -> bool | None:
        """True when this call opened the case, False when another one just had; None when it could not be opened."""
        command = StartCase(
            process=opening.process,
            data={"report_period": opening.period, "scheduled_for": iso(opening.at)},
            actor=ACTOR,
            at=iso(opening.at),  # as a timer: what an outage delays has the history of what nothing delayed
            external_id=opening.number,
            key=opening.number,
        )
        try:
            receipt = self._dispatcher.dispatch(command)
        except Unavailable:
            raise
        except GongdanError as error:
            log.error("case could not be opened, trying again", number=opening.number, error=str(error))
            return None
        return not receipt.already

    def _there(self, numbers: list[str]) -> set[str]:
        chunks = (numbers[n : n + 500] for n in range(0, len(numbers), 500))
        return {
            row[0]
            for chunk in chunks
            for row in self._db.rows(sa.select(cases.c.external_id).where(cases.c.external_id.in_(chunk)))
        }

    def _since(self, process: Process, moment: Moment) -> datetime:
        """From when the rhythm counts: the publishing of the first of the releases that have had it without a break."""
        columns = (release.c.number, release.c.created_at, release_file.c.path, release_file.c.sha256)
        query = (
            sa.select(*columns)
            .join(release_file, release_file.c.release == release.c.number)
            .where(
                release.c.state.in_(("active", "superseded")),
                release_file.c.path.in_((process.path, PARAMETERS)),
            )
            .order_by(release.c.number.desc())
        )
        since = ""
        known: dict[tuple[str | None, str | None], Moment | None] = {}
        for created, rows in groupby(self._db.rows(query), key=lambda row: row.created_at):
            digests = {row.path: row.sha256 for row in rows}
            both = digests.get(process.path), digests.get(PARAMETERS)
            if both not in known:
                known[both] = self._moment_then(process, *both)
            if known[both] != moment:
                break
            since = created
        return datetime.fromisoformat(since)

    def _moment_then(self, process: Process, diagram: str | None, table: str | None) -> Moment | None:
        """When cases of a process were opened by the diagram and the table with these SHA-256."""
        query = sa.select(blob.c.sha256, blob.c.body).where(blob.c.sha256.in_([diagram, table]))
        bodies = {row.sha256: bytes(row.body) for row in self._db.rows(query)}
        try:
            drawn = read_processes(process.path, load_bpmn(bodies[diagram], process.path))
            parameters = load_parameters(bodies[table])
        except (KeyError, GongdanError):
            return None  # a release without one of them, or with files that are refused today
        return next((moment_of(one, parameters) for one in drawn if one.id == process.id), None)


def _scheduled(live: Release) -> Iterator[tuple[Process, Moment]]:
    for process in live.processes.values():
        if (moment := moment_of(process, live.parameters)) is not None:
            yield process, moment


def _openings(
    process: str, moment: Moment, since: datetime, now: datetime, zone: ZoneInfo
) -> Iterator[Opening]:
    at = moment.after(since, zone)
    while at <= now:
        yield Opening(process, moment.closes(at, zone), at)
        at = moment.after(at, zone)


def _zone(live: Release) -> ZoneInfo:
    return live.time.calendar.zone
