"""Working off the outbox: claim, send, record the answer as a command of the case.

An entry is sent under its own id as idempotency key. A gateway that may or may not have done it leaves the entry
``unknown``: shown as unknown, and never sent again unless a person asks. What may be repeated is
repeated.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from engine.base import failpoints, metrics
from engine.base.errors import NotFound, Rejected, Unavailable
from engine.base.instants import iso
from engine.base.phones import mask_phones_in
from engine.base.sending import (
    CASE,
    FAILED,
    NEVER,
    RETRY,
    UNKNOWN,
    WITHDRAWN,
    Answer,
    Entry,
    Gateway,
)
from engine.base.services import SERVICES
from engine.base.texts import cleaned
from engine.case.commands import OUTBOX, RecordServiceResult
from engine.case.dispatch import Dispatcher
from engine.privacy.sealing import Erased
from engine.queries import receivers
from engine.storage.database import Database
from engine.storage.statements import Write
from engine.storage.tables import outbox

from .alerts import name_of, telling
from .leases import free

LEASE = timedelta(minutes=2)  #: longer than a gateway takes; then the outcome counts as unknown
FIRST_RETRY = timedelta(seconds=30)
MAX_ATTEMPTS = 6
_REASON = 200  #: characters of an answer that a notice repeats
_ADDRESS = re.compile(r"\S+@\S+")
log = structlog.get_logger("gongdan.outbox")


@dataclass(frozen=True, slots=True)
class Sent:
    """One entry worked off and its new state."""

    id: str
    state: str
    kind: str


class Outbox:
    """Sends what is due. Any number of these may run; each entry is claimed by one."""

    def __init__(self, db: Database, dispatcher: Dispatcher, gateways: Mapping[str, Gateway]) -> None:
        self._db = db
        self._dispatcher = dispatcher
        self._gateways = dict(gateways)

    def work(self, now: datetime, limit: int = 50) -> list[Sent]:
        """Send up to ``limit`` entries due at ``now`` (aware); entries whose sender stopped become unknown."""
        if not self.is_due(now):
            return []
        done: list[Sent] = []
        for entry in self._lost(now):
            done += self._each(self._give_up, entry, now)
        began = time.monotonic()
        for claimed in self._claim(now, limit):
            spent = timedelta(seconds=time.monotonic() - began)
            if spent > LEASE / 2:  # slow gateways: what is left goes to whoever comes next
                break
            begun = self._begin(claimed, now + spent)
            if begun is not None:
                done += self._each(self._send, begun, now)
        return done

    @staticmethod
    def _each(act: Callable[[Entry, datetime], Sent], entry: Entry, now: datetime) -> list[Sent]:
        """What became of one entry; what nobody foresaw leaves it to its lease, and the others go on."""
        try:
            sent = act(entry, now)
            metrics.messages.labels(sent.kind, sent.state).inc()
            return [sent]
        except Unavailable:
            raise  # no fault of the entry
        except Erased:
            log.info("the case of an entry was erased while it was under way", entry=entry.id)
            return []
        except Exception:
            log.exception("entry failed, left until its lease ends", entry=entry.id)
            return []

    def _send(self, entry: Entry, now: datetime) -> Sent:
        gateway = self._gateways.get(entry.kind)
        if gateway is None:
            return self._record(entry, FAILED, f"there is no gateway for {entry.kind}", now)
        answer = gateway.send(entry)
        failpoints.reach("outbox.sent")
        if answer.state == RETRY and (answer.more or _tried(entry) < MAX_ATTEMPTS):
            return self._postpone(entry, cleaned(answer.detail), now)
        if answer.state == RETRY:
            received = self.entry(entry.id).received
            answer = receivers.given_up(received) if received else replace(answer, state=FAILED)
        return self._record(entry, answer.state, cleaned(answer.detail), now)

    def is_due(self, now: datetime) -> bool:
        """Whether anything waits to be sent, or to be given up as unknown, at ``now``."""
        waiting = _waiting(now)
        lost = sa.and_(outbox.c.state == "sending", outbox.c.lease < iso(now))
        return bool(self._db.rows(sa.select(outbox.c.id).where(sa.or_(waiting, lost)).limit(1)))

    def send_again(self, entry_id: str, now: datetime) -> None:
        """A person asks to send an unknown or failed entry once more; raises :class:`Rejected` for others.

        It is tried as often as one that was never sent. The count goes on, from a full round of tries: a sender that
        was believed dead must not take the new attempt for its own.
        """
        again = sa.update(outbox).where(outbox.c.id == entry_id, outbox.c.state.in_([UNKNOWN, FAILED]))
        rounds = (outbox.c.attempts + MAX_ATTEMPTS - 1) // MAX_ATTEMPTS
        with self._db.begin() as connection:
            asked = again.values(
                state="pending", next_at=iso(now), lease=None, attempts=rounds * MAX_ATTEMPTS
            )
            row = connection.execute(asked.returning(outbox.c.received)).one_or_none()
            if row is not None and row.received:
                left = receivers.to_ask_again(receivers.read(row.received))
                this = sa.update(outbox).where(outbox.c.id == entry_id)
                connection.execute(this.values(received=receivers.written(left)))
        if row is None:
            raise Rejected("Expected a message that failed or whose outcome is unknown, but it is neither")

    def _claim(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """(id, lease) of entries that are this worker's to send for a while; nothing has happened to them yet."""
        due = sa.select(outbox.c.id).where(_waiting(now)).order_by(outbox.c.next_at, outbox.c.id).limit(limit)
        if not self._db.sqlite:
            due = due.with_for_update(skip_locked=True)
        lease = iso(now + LEASE)
        with self._db.begin() as connection:
            found = connection.scalars(due).all()
            if found:
                connection.execute(sa.update(outbox).where(outbox.c.id.in_(found)).values(lease=lease))
        if found:
            failpoints.reach("outbox.claimed")
        return [(entry, lease) for entry in found]

    def _begin(self, claimed: tuple[str, str], now: datetime) -> Entry | None:
        """Mark one claimed entry as under way, durably, before the gateway is asked; None when it is no more ours."""
        entry, lease = claimed
        with self._db.begin() as connection:
            row = connection.execute(
                sa.update(outbox)
                .where(outbox.c.id == entry, outbox.c.state == "pending", outbox.c.lease == lease)
                .values(state="sending", attempts=outbox.c.attempts + 1, lease=iso(now + LEASE))
                .returning(outbox)
            ).one_or_none()
        return None if row is None else _entry(row)

    def _lost(self, now: datetime) -> list[Entry]:
        """Entries whose sender stopped under way, each for one worker to record."""
        with self._db.begin() as connection:
            rows = connection.execute(
                sa.update(outbox)
                .where(outbox.c.state == "sending", outbox.c.lease < iso(now))
                .values(lease=iso(now + LEASE))
                .returning(outbox)
            ).all()
        return [_entry(row) for row in rows]

    def _give_up(self, entry: Entry, now: datetime) -> Sent:
        said = receivers.STOPPED.detail
        if not (SERVICES[entry.kind].repeatable or entry.received):
            return self._record(entry, UNKNOWN, said, now)
        if _tried(entry) < MAX_ATTEMPTS:
            return self._postpone(entry, said, now)
        answer = receivers.given_up(entry.received) if entry.received else Answer(FAILED, said)
        return self._record(entry, answer.state, answer.detail, now)

    def _postpone(self, entry: Entry, detail: str, now: datetime) -> Sent:
        wait = FIRST_RETRY * 2 ** (_tried(entry) - 1)
        with self._db.begin() as connection:
            mine = sa.update(outbox).where(
                outbox.c.id == entry.id, outbox.c.state == "sending", outbox.c.attempts == entry.attempts
            )
            again = mine.where(outbox.c.next_at != NEVER).values(
                state="pending", next_at=iso(now + wait), result=detail, lease=None
            )
            if not connection.execute(again).rowcount:  # taken back, or erased, while it was under way
                taken_back = mine.where(outbox.c.next_at == NEVER)
                connection.execute(taken_back.values(state=WITHDRAWN, result=detail, lease=None))
        return Sent(entry.id, "pending", entry.kind)

    def _record(self, entry: Entry, state: str, detail: str, now: datetime) -> Sent:
        beside: list[Write] = []
        if state == FAILED:  # nobody looks there by chance, and the case goes on as if it had been sent
            (asked,) = self._db.rows(sa.select(outbox.c.next_at).where(outbox.c.id == entry.id))
            if asked.next_at != NEVER:  # what was taken back under way is to be sent by nobody
                told = self._not_opened(entry) if entry.kind == CASE else _not_sent(entry, detail)
                beside = telling(self._db, told, now, datetime.fromisoformat(asked.next_at), entry.case_id)
        result = RecordServiceResult(
            case_id=entry.case_id,
            actor=OUTBOX,
            at=iso(now),
            event=entry.key,
            state=state,
            detail=detail or None,
        )
        self._dispatcher.dispatch(result, beside)
        return Sent(entry.id, state, entry.kind)

    def _not_opened(self, entry: Entry) -> str:
        """What supervisors are told when a case that another asked for cannot be opened; nothing personal."""
        name = name_of(self._dispatcher.releases.current(), entry.recipient)
        return f"工单 {entry.case_id} 要转开的「{name}」没能开立；原因见发件箱，改正后请在那里重发。"

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


def _tried(entry: Entry) -> int:
    """Which try of its round this is, from 1: a round is at most :data:`MAX_ATTEMPTS` tries."""
    return (entry.attempts - 1) % MAX_ATTEMPTS + 1


def _not_sent(entry: Entry, detail: str) -> str:
    """What supervisors are told when a message cannot be sent; nothing personal."""
    kind = SERVICES[entry.kind].name["zh-Hans"]
    said = _ADDRESS.sub("…", mask_phones_in(detail))[:_REASON]
    return f"工单 {entry.case_id} 的{kind}（{entry.template or entry.key}）没能送出：{said}。改正后请在发件箱重发。"


def _waiting(now: datetime) -> sa.ColumnElement[bool]:
    """Entries to be sent; two senders that claimed the same one meet at :meth:`Outbox._begin`."""
    return sa.and_(
        outbox.c.state == "pending", outbox.c.next_at <= iso(now), free(outbox.c.lease, now, LEASE)
    )


def _entry(row: sa.Row[tuple[object, ...]]) -> Entry:
    received = receivers.read(row.received)
    return Entry(
        row.id, row.case_id, row.kind, row.key, row.template, row.recipient, row.body, row.attempts, received
    )
