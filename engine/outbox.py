"""Working off the outbox: claim, send, record the answer as a command of the case.

An entry is sent under its own id as idempotency key. A gateway that may or may not have done it leaves the entry
``unknown``: shown as unknown, and never sent again unless a person asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from . import failpoints
from .commands import OUTBOX, RecordServiceResult
from .db.database import Database
from .db.tables import outbox
from .dispatch import Dispatcher
from .errors import NotFound, Rejected
from .gateways import FAILED, RETRY, UNKNOWN, Entry, Gateway
from .spiff.timers import iso

LEASE = timedelta(minutes=2)  #: longer than any gateway's timeout; then the outcome counts as unknown
FIRST_RETRY = timedelta(seconds=30)
MAX_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Sent:
    """One entry worked off and its new state."""

    id: str
    state: str


class Outbox:
    """Sends what is due. Any number of these may run; each entry is claimed by one."""

    def __init__(self, db: Database, dispatcher: Dispatcher, gateways: Mapping[str, Gateway]) -> None:
        self._db = db
        self._dispatcher = dispatcher
        self._gateways = dict(gateways)

    def work(self, now: datetime, limit: int = 50) -> list[Sent]:
        """Send up to ``limit`` entries due at ``now`` (aware); entries whose lease ran out become unknown."""
        done = [
            self._record(entry, UNKNOWN, "the sender stopped before the answer came", now)
            for entry in self._lost(now)
        ]
        for entry in self._claim(now, limit):
            gateway = self._gateways.get(entry.kind)
            if gateway is None:
                done.append(self._record(entry, FAILED, f"there is no gateway for {entry.kind}", now))
                continue
            answer = gateway.send(entry)
            failpoints.reach("outbox.sent")
            if answer.state == RETRY and entry.attempts < MAX_ATTEMPTS:
                done.append(self._postpone(entry, answer.detail, now))
            else:
                state = FAILED if answer.state == RETRY else answer.state
                done.append(self._record(entry, state, answer.detail, now))
        return done

    def is_due(self, now: datetime) -> bool:
        """Whether anything waits to be sent, or to be given up as unknown, at ``now``."""
        waiting = sa.and_(outbox.c.state == "pending", outbox.c.next_at <= iso(now))
        lost = sa.and_(outbox.c.state == "sending", outbox.c.lease < iso(now))
        return bool(self._db.rows(sa.select(outbox.c.id).where(sa.or_(waiting, lost)).limit(1)))

    def send_again(self, entry_id: str, now: datetime) -> None:
        """A person asks to send an unknown or failed entry once more; raises :class:`Rejected` for others."""
        with self._db.begin() as connection:
            changed = connection.execute(
                sa.update(outbox)
                .where(outbox.c.id == entry_id, outbox.c.state.in_([UNKNOWN, FAILED]))
                .values(state="pending", next_at=iso(now), lease=None)
            ).rowcount
        if not changed:
            raise Rejected("Expected a message that failed or whose outcome is unknown, but it is neither")

    def _claim(self, now: datetime, limit: int) -> list[Entry]:
        due = (
            sa.select(outbox.c.id)
            .where(outbox.c.state == "pending", outbox.c.next_at <= iso(now))
            .order_by(outbox.c.next_at)
            .limit(limit)
        )
        if not self._db.sqlite:
            due = due.with_for_update(skip_locked=True)
        with self._db.begin() as connection:
            rows = connection.execute(
                sa.update(outbox)
                .where(outbox.c.id.in_(due.scalar_subquery() if self._db.sqlite else due))
                .values(state="sending", attempts=outbox.c.attempts + 1, lease=iso(now + LEASE))
                .returning(outbox)
            ).all()
        if rows:
            failpoints.reach("outbox.claimed")
        return [_entry(row) for row in sorted(rows, key=lambda r: (r.next_at, r.id))]

    def _lost(self, now: datetime) -> list[Entry]:
        rows = self._db.rows(sa.select(outbox).where(outbox.c.state == "sending", outbox.c.lease < iso(now)))
        return [_entry(row) for row in rows]

    def _postpone(self, entry: Entry, detail: str, now: datetime) -> Sent:
        wait = FIRST_RETRY * 2 ** (entry.attempts - 1)
        with self._db.begin() as connection:
            connection.execute(
                sa.update(outbox)
                .where(outbox.c.id == entry.id)
                .values(state="pending", next_at=iso(now + wait), result=detail, lease=None)
            )
        return Sent(entry.id, "pending")

    def _record(self, entry: Entry, state: str, detail: str, now: datetime) -> Sent:
        self._dispatcher.dispatch(
            RecordServiceResult(
                case_id=entry.case_id,
                actor=OUTBOX,
                at=iso(now),
                event=entry.key,
                state=state,
                detail=detail or None,
            )
        )
        return Sent(entry.id, state)

    def counts(self) -> dict[str, int]:
        """How many entries are in each state."""
        query = sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state)
        return dict(self._db.rows(query))

    def entry(self, entry_id: str) -> Entry:
        """One entry; raises :class:`NotFound`."""
        rows = self._db.rows(sa.select(outbox).where(outbox.c.id == entry_id))
        if not rows:
            raise NotFound(f"there is no message {entry_id}")
        return _entry(rows[0])


def _entry(row: sa.Row[tuple[object, ...]]) -> Entry:
    return Entry(row.id, row.case_id, row.kind, row.key, row.template, row.recipient, row.body, row.attempts)
