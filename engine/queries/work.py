"""What is going on in one case: tasks, timers, SLA clocks, messages, incidents."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import sqlalchemy as sa

from engine.base.facts import ClockState
from engine.base.sending import CASE, SENT
from engine.people.directory import Person
from engine.people.respondents import not_about
from engine.storage.database import Database
from engine.storage.statements import Question
from engine.storage.tables import URGENT, history, incident, outbox, sla_clock, task, timer

from . import receivers, sound
from .rows import shaped


@dataclass(frozen=True, slots=True)
class Task:
    """A user task of a case, open or done."""

    case_id: str
    task: int
    element: str
    name: str
    process: str
    form: str | None
    lane: str | None
    role: str
    skill: str | None
    department: str | None
    opened_at: str
    due_at: str | None
    not_before: str | None
    claimed_by: str | None
    claimed_at: str | None
    closed_at: str | None
    completed_by: str | None
    state: str
    rank: int

    @property
    def urgent(self) -> bool:
        """Whether it goes before others, whatever is due."""
        return self.rank == URGENT


@dataclass(frozen=True, slots=True)
class Timer:
    """A drawn timer of a case; ``element`` is its reference, ``task`` what it is attached to."""

    timer: int
    element: str
    task: int | None
    due: str
    state: str


@dataclass(frozen=True, slots=True)
class SlaClock:
    """A named limit of a case."""

    clock: str
    parameter: str
    task: int | None
    element: str | None
    started: str
    due: str
    warn_at: str | None
    state: str
    warned_at: str | None
    breached_at: str | None
    ended_at: str | None
    paused_at: str | None
    provisional: int

    @property
    def live(self) -> bool:
        """Whether it still counts, or waits to."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class Pause:
    """A clock stood still ``since`` then, ``left`` seconds (of its kind of time) to go, ``until`` then or still."""

    since: str
    until: str | None
    left: int


@dataclass(frozen=True, slots=True)
class Message:
    """An entry of the outbox."""

    id: str
    case_id: str
    kind: str
    key: str
    template: str
    recipient: str
    body: str
    created_at: str
    not_before: str
    state: str
    attempts: int
    next_at: str
    sent_at: str | None
    result: str | None
    received: str | None

    @property
    def reached(self) -> str:
        """Of a message to several people: how many have it, of how many; else nothing."""
        found = receivers.read(self.received)
        return f"{sum(one.state == SENT for one in found.values())}/{len(found)}" if found else ""


@dataclass(frozen=True, slots=True)
class Incident:
    """A technical failure that waits, or waited, for a person."""

    id: str
    case_id: str
    element: str | None
    kind: str
    message: str
    opened_at: str
    closed_at: str | None
    closed_by: str | None
    resolution: str | None
    attempts: int


STUCK = ("unknown", "failed")  #: states of messages that wait for a person


def _columns(table: sa.Table, shape: type) -> list[sa.Column[Any]]:
    return [table.c[field.name] for field in fields(shape)]


_TASK, _TIMER, _CLOCK = _columns(task, Task), _columns(timer, Timer), _columns(sla_clock, SlaClock)
_MESSAGE, _INCIDENT = _columns(outbox, Message), _columns(incident, Incident)
_THIS: sa.BindParameter[str] = sa.bindparam("case")  #: the case that is asked about
_TASKS = Question(sa.select(*_TASK).where(task.c.case_id == _THIS).order_by(task.c.task))
_ONE_TASK = Question(sa.select(*_TASK).where(task.c.case_id == _THIS, task.c.task == sa.bindparam("number")))
_WAITING = Question(
    sa.select(*_TIMER)
    .where(timer.c.case_id == _THIS, sa.or_(timer.c.state == "pending", timer.c.state == "paused"))
    .order_by(timer.c.due, timer.c.timer)
)
_CLOCKS = Question(sa.select(*_CLOCK).where(sla_clock.c.case_id == _THIS))


def one_task(db: Database, case_id: str, number: int) -> Task | None:
    """One task, whatever its state."""
    rows = db.ask(_ONE_TASK, case=case_id, number=number)
    return shaped(Task, rows[0]) if rows else None


def tasks(db: Database, case_id: str) -> list[Task]:
    """All tasks of a case in the order they opened."""
    return [shaped(Task, row) for row in db.ask(_TASKS, case=case_id)]


def timers(db: Database, case_id: str) -> list[Timer]:
    """Pending and paused timers of a case, the next one first."""
    return [shaped(Timer, row) for row in db.ask(_WAITING, case=case_id)]


def clocks(db: Database, case_id: str) -> list[SlaClock]:
    """All SLA clocks of a case: live ones first, by due time."""
    found = [shaped(SlaClock, row) for row in db.ask(_CLOCKS, case=case_id)]
    return sorted(found, key=lambda clock: (not clock.live, clock.due))


def pauses(db: Database, case_id: str) -> dict[str, list[Pause]]:
    """When each clock of a case stood still, the oldest first, by the case's history."""
    query = sa.select(history.c.at, history.c.effects).where(history.c.case_id == case_id)
    found: dict[str, list[Pause]] = {}
    with db.read() as c:
        for at, effects in c.execute(query.order_by(history.c.seq)):
            for change in sound.effects(sound.parsed(effects)).clock_changes:
                so_far = found.get(change.clock)
                if change.state is ClockState.PAUSED:
                    found.setdefault(change.clock, []).append(Pause(at, None, change.remaining))
                elif change.state is not ClockState.RECOUNTED and so_far and so_far[-1].until is None:
                    so_far[-1] = replace(so_far[-1], until=at)
    return found


def messages(db: Database, case_id: str) -> list[Message]:
    """Every text sent, or to be sent, for a case."""
    return _entries(db, case_id, outbox.c.kind != CASE)


def openings(db: Database, case_id: str) -> list[Message]:
    """Cases that a case asked for; ``recipient`` is the process, ``result`` the number of the one that was opened."""
    return _entries(db, case_id, outbox.c.kind == CASE)


def _entries(db: Database, case_id: str, which: sa.ColumnElement[bool]) -> list[Message]:
    query = sa.select(*_MESSAGE).where(outbox.c.case_id == case_id, which)
    with db.read() as c:
        return [shaped(Message, row) for row in c.execute(query.order_by(outbox.c.created_at, outbox.c.id))]


def all_messages(
    db: Database,
    person: Person,
    *,
    state: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 50,
) -> tuple[list[Message], tuple[str, str] | None]:
    """The outbox as ``person`` may see it, newest first, and where the next page begins.

    The state ``stuck`` stands for all of :data:`STUCK`.
    """
    query = (
        sa.select(*_MESSAGE)
        # of a case that another asked for, the result is its number
        .where(not_about(db, person, outbox.c.case_id), not_about(db, person, outbox.c.result))
        .order_by(outbox.c.created_at.desc(), outbox.c.id.desc())
        .limit(limit + 1)
    )
    if state:
        query = query.where(outbox.c.state.in_(STUCK) if state == "stuck" else outbox.c.state == state)
    if after:
        query = query.where(sa.tuple_(outbox.c.created_at, outbox.c.id) < sa.tuple_(*map(sa.literal, after)))
    with db.read() as c:
        rows = [shaped(Message, row) for row in c.execute(query)]
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], (last.created_at, last.id) if last else None


def incidents(db: Database, case_id: str) -> list[Incident]:
    """Open incidents of a case, newest first."""
    return _incidents(db, incident.c.case_id == case_id, incident.c.closed_at.is_(None))


def all_incidents(db: Database, person: Person, *, open_only: bool = True) -> list[Incident]:
    """Incidents of all cases that ``person`` may know of, newest first."""
    of = [not_about(db, person, incident.c.case_id)]
    return _incidents(db, *of, *([incident.c.closed_at.is_(None)] if open_only else []))


def _incidents(db: Database, *which: sa.ColumnElement[bool], limit: int = 200) -> list[Incident]:
    query = sa.select(*_INCIDENT).where(*which).order_by(incident.c.opened_at.desc()).limit(limit)
    with db.read() as c:
        return [shaped(Incident, row) for row in c.execute(query)]
