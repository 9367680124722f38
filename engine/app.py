"""Putting the engine together: one object that pages, commands and workers use."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from engine.proof import verify
from engine.release import releases

from .base.errors import NoDatabase
from .base.instants import iso
from .base.sending import CASE
from .base.settings import Settings
from .case.commands import Command
from .case.dispatch import Dispatcher, Receipt
from .case.incidents import Incidents
from .case.refresh import Progress, refresh
from .delivery.gateways.choose import gateways
from .delivery.gateways.staff import StaffMail
from .delivery.links import CaseOpener
from .delivery.outbox import LEASE, Outbox
from .delivery.schedule import Schedule
from .delivery.timers import Timers
from .design.publish_gate import refuse_findings
from .people.access_log import AccessLog
from .people.attempts import Attempts
from .people.directory import People, Person
from .people.door import Door
from .people.respondents import about
from .people.second_step import SecondSteps
from .people.security_events import By
from .people.security_log import SecurityLog
from .people.sessions import Sessions
from .privacy.keys import Keys
from .queries.receivers import keep
from .release.releases import FolderPublish, Judge, Releases
from .storage.database import Database
from .storage.upgrade import revision, upgrade


@dataclass
class Gongdan:
    """The engine of one process: its database and everything that works on it."""

    settings: Settings
    db: Database
    releases: Releases
    people: People
    keys: Keys
    dispatcher: Dispatcher
    incidents: Incidents
    schedule: Schedule
    timers: Timers
    outbox: Outbox
    access_log: AccessLog
    security_log: SecurityLog
    door: Door
    wall: Callable[[], datetime]
    #: verdicts of engine.operations.inspection
    examined: dict[str, tuple[str, list[Any]]] = field(default_factory=dict)
    thresholds: tuple[int, int, int] | None = None  #: of the garbage collector before :meth:`settle`

    def dispatch(self, command: Command) -> Receipt:
        """Run a command; a technical failure opens an incident and is raised."""
        return self.incidents.dispatch(command, datetime.fromisoformat(command.at))

    def now(self) -> str:
        """The wall clock as an instant for a command: ISO text in UTC, to the millisecond."""
        now = self.wall()
        return iso(now.replace(microsecond=now.microsecond // 1000 * 1000))

    def publish_folder(
        self,
        note: str = "",
        at: str | None = None,
        judge: Judge = refuse_findings,
        by: By | None = None,
    ) -> FolderPublish:
        """Publish the checkout's ``bpmn/`` and ``forms/`` where they changed, now or (simulations) as of ``at``.

        Raises :class:`InvalidFile` with everything that ``judge`` has against it; then nothing is published.
        Lint judges unless the caller brings a :class:`engine.scenarios.Gate`, which also plays scenarios. ``by``: who
        does it, where that is known.
        """
        return self.releases.publish_folder(self.settings.project, at or self.now(), note, judge, by)

    def verify(self, case_id: str) -> verify.Verdict:
        """Re-execute one case from history."""
        return verify.verify_case(self.db, self.releases, self.keys, case_id)

    def settle(self) -> None:
        """Compile the live release and keep the garbage collector off what lives for ever (long-running processes)."""
        releases.check(self.releases.current())
        self.thresholds = self.thresholds or gc.get_threshold()
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)

    def close(self) -> None:
        """Close the database; a process that goes on collects its garbage as it did before :meth:`settle`."""
        self.db.close()
        if self.thresholds is not None:
            gc.set_threshold(*self.thresholds)
            gc.unfreeze()
            self.thresholds = None


def open_gongdan(
    settings: Settings,
    *,
    wall: Callable[[], datetime] | None = None,
    migrate: bool = True,
    existing: bool = False,
    synchronous: str = "FULL",
    progress: Progress = lambda done, total: None,
) -> Gongdan:
    """The engine on the database of ``settings``, migrated. ``wall`` replaces the wall clock (tests, simulations).

    ``progress`` hears how far read models are that an older version made and that are derived anew. Raises
    NoDatabase for a database without Gongdan's tables that should be an ``existing`` one, and NewerDatabase.
    """
    clock = wall or (lambda: datetime.now(UTC))
    db = Database(settings.database_url, synchronous=synchronous, lookup_key=settings.lookup_key)
    if existing and revision(db) is None:
        db.close()
        raise NoDatabase(
            f"there is no database of Gongdan at {db.engine.url.render_as_string()}; start Gongdan once, "
            "or set GONGDAN_VAR or DATABASE_URL"
        )
    try:
        return _on(db, settings, clock, progress if migrate else None)
    except BaseException:
        db.close()
        raise


def _on(
    db: Database, settings: Settings, clock: Callable[[], datetime], progress: Progress | None
) -> Gongdan:
    """The engine on ``db``, brought to the newest shape when somebody hears of the ``progress``."""
    if progress is not None:
        upgrade(db)
    published, people, keys = Releases(db, settings.second_person), People(db), Keys(db)
    dispatcher = Dispatcher(db, published, people, keys, settings.lookup_key, live=settings.lru, wall=clock)
    incidents = Incidents(db, dispatcher)
    doors = gateways(settings)

    def may_know(person: Person, case_id: str) -> bool:
        return case_id not in about(db, person)

    mail = StaffMail(
        doors["mail"],
        people.all,
        lambda: published.current().roles.names,
        may_know,
        partial(keep, db),
        LEASE / 2,
    )
    made = Gongdan(
        settings=settings,
        db=db,
        releases=published,
        people=people,
        keys=keys,
        dispatcher=dispatcher,
        incidents=incidents,
        schedule=Schedule(db, published, dispatcher),
        timers=Timers(db, dispatcher, incidents, settings.worker_threads),
        outbox=Outbox(db, dispatcher, {**doors, "mail": mail, CASE: CaseOpener(dispatcher, keys)}),
        access_log=AccessLog(db),
        security_log=SecurityLog(db),
        door=Door(db, people, Attempts(db), SecondSteps(db), Sessions(db, settings)),
        wall=clock,
    )
    if progress is not None:
        refresh(made, progress)
    return made
