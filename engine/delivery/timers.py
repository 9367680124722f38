"""Waking cases whose time has come. Timers execute nothing: they only let dispatch issue what is due."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

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
LIMIT = 256  #: cases claimed at a time
TOGETHER = 32  #: cases woken in one transaction
log = structlog.get_logger("gongdan.timers")


class Timers:
    """Finds due cases and wakes them. Any number of these may run; each due case is claimed by one."""

    def __init__(self, db: Database, dispatcher: Dispatcher, incidents: Incidents, threads: int = 1) -> None:
        """``threads`` wake side by side, where the database takes several writers."""
        self._db = db
        self._dispatcher = dispatcher
        self._incidents = incidents
        self.threads = 1 if db.sqlite else threads

    def claim(self, now: datetime, limit: int = LIMIT) -> list[str]:
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

    def wake_due(self, now: datetime, limit: int = LIMIT) -> int:
        """Wake what is due; returns how many things time did. A case that fails opens an incident; others go on."""
        due = self.claim(now, limit)
        wake = partial(self.wake, now=now)
        if self.threads == 1 or len(due) <= TOGETHER:
            return sum(map(wake, portions(due)))
        with ThreadPoolExecutor(self.threads, "gongdan-timers") as pool:
            return sum(pool.map(wake, portions(due)))

    def wake(self, case_ids: list[str], now: datetime) -> int:
        """Wake claimed cases, together where nothing is against it; returns how many things time did.

        Raises :class:`Unavailable`: what was not woken is due again when its lease ends.
        """
        done, alone = 0, case_ids
        if len(case_ids) > 1:
            try:
                done, alone = self._dispatcher.wake_together(case_ids, iso(now))
            except Unavailable:
                raise
            except Exception:  # one at a time they show which of them it was
                log.exception("cases could not be woken together")
        return done + sum(self._wake_alone(case_id, now) for case_id in alone)

    def _wake_alone(self, case_id: str, now: datetime) -> int:
        try:
            return self._dispatcher.wake(case_id, iso(now))
        except Unavailable:
            raise  # no fault of the case: it is due again when its lease ends
        except Conflict:
            return 0  # others keep changing it: likewise
        except GongdanError as error:
            log.warning("case could not be woken", case=case_id, error=str(error))
            self._incidents.open_for_timer(case_id, error, now)
        except Exception:  # no error of ours: the case is due again when its lease ends, the others go on now
            log.exception("case could not be woken, left until its lease ends", case=case_id)
        return 0


def portions(case_ids: list[str]) -> list[list[str]]:
    """Claimed cases, as many together as one transaction wakes."""
    return [case_ids[first : first + TOGETHER] for first in range(0, len(case_ids), TOGETHER)]
