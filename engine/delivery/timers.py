"""Waking cases whose time has come. Timers execute nothing: they only let dispatch issue what is due."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from engine.base import failpoints
from engine.base.errors import Conflict, GongdanError, Unavailable
from engine.base.instants import iso
from engine.case.dispatch import Dispatcher
from engine.case.incidents import Incidents
from engine.storage.database import Database
from engine.storage.tables import cases

from .leases import free

LEASE = timedelta(minutes=1)
log = structlog.get_logger("gongdan.timers")


class Timers:
    """Finds due cases and wakes them. Any number of these may run; each due case is claimed by one."""

    def __init__(self, db: Database, dispatcher: Dispatcher, incidents: Incidents) -> None:
        self._db = db
        self._dispatcher = dispatcher
        self._incidents = incidents

    def claim(self, now: datetime, limit: int = 100) -> list[str]:
        """Up to ``limit`` cases due at ``now`` that nobody else is waking, the most overdue first.

        Two that wake the same case (see :func:`leases.free`) meet at its fence.
        """
        due = (
            sa.select(cases.c.id)
            .where(cases.c.next_due <= iso(now), free(cases.c.wake_lease, now, LEASE))
            .order_by(cases.c.next_due)
            .limit(limit)
        )
        if not self._db.sqlite:
            due = due.with_for_update(skip_locked=True)
        with self._db.begin() as connection:
            found = connection.scalars(due).all()
            if found:
                connection.execute(
                    sa.update(cases).where(cases.c.id.in_(found)).values(wake_lease=iso(now + LEASE))
                )
        if found:
            failpoints.reach("timers.claimed")
        return list(found)

    def wake_due(self, now: datetime, limit: int = 100) -> int:
        """Wake what is due; returns how many things time did. A case that fails opens an incident; others go on."""
        done = 0
        for case_id in self.claim(now, limit):
            try:
                done += self._dispatcher.wake(case_id, iso(now))
            except Unavailable:
                raise  # no fault of the case: it is due again when its lease ends
            except Conflict:
                continue  # others keep changing it: likewise
            except GongdanError as error:
                log.warning("case could not be woken", case=case_id, error=str(error))
                self._incidents.open_for_timer(case_id, error, now)
            except (
                Exception
            ):  # no error of ours: the case is due again when its lease ends, the others go on now
                log.exception("case could not be woken, left until its lease ends", case=case_id)
        return done
