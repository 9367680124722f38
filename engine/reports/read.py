"""What reports read: cases of a period with their facts, limits and work. Read models only, by index.

They are the cases closed in it, and for limits those that were open at its end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from engine.queries import sound
from engine.queries.rows import text
from engine.storage.database import Database
from engine.storage.tables import case_fact, cases, sla_clock, task

from .model import Asked
from .period import Period

K = TypeVar("K")
UNASSIGNED = "unassigned"
#: where the branch stands, first found wins (seed 004:548 sends the list to the branch concerned)
BRANCH = (
    "responsible_branch", "branch", "destination_region", "origin_region", "checked_centre", "centre",
    "hospital_department", "site", "responsible_department", "department",
)  # fmt: skip
#: where the type stands, first found wins
TYPE = (
    "complaint_type", "category", "dispute_type", "behaviour", "main_cause", "check_object", "reason_l1", "kind",
)  # fmt: skip
SCORES = ("overall", "satisfaction", "patient_satisfaction")  #: ratings of 1 to 5 by the names of the forms
SOLVED = ("solved", "problem_solved", "owner_satisfied")
#: cases that the house opens about itself: no complaints
OWN = frozenset({
    "weekly_closed_list", "monthly_upgrade_statistics", "cable_monthly_statistics", "quality_spot_check",
})  # fmt: skip
#: forms that look back on the work rather than doing it
LOOKING_BACK = frozenset({
    "archive", "satisfaction_revisit", "revisit_request", "contact_log", "recourse_told", "improvement",
    "process_review",
})  # fmt: skip


class Fact(NamedTuple):
    """A value recorded at a step of a case."""

    seq: int
    at: str
    value: Any


class Clock(NamedTuple):
    """A limit of a case; ``team`` and ``person`` are of the task it is on, empty for limits of whole cases."""

    case_id: str
    parameter: str
    state: str
    started: str
    due: str
    breached_at: str | None
    ended_at: str | None
    team: str
    person: str | None


class Work(NamedTuple):
    """A completed user task."""

    closed_at: str
    form: str | None
    person: str


@dataclass(slots=True)
class Closed:
    """A case with what reports ask about it; ``closed_at`` is empty while it is open."""

    id: str
    process: str
    opened_at: str
    closed_at: str
    outcome: str
    channel: str | None
    facts: dict[str, list[Fact]] = field(default_factory=dict)
    clocks: list[Clock] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)

    def all(self, name: str) -> list[Fact]:
        """Every time ``name`` was recorded, oldest first."""
        return self.facts.get(name, [])

    def last(self, name: str) -> Any:
        """The latest value of ``name``, None when it never was recorded."""
        found = self.facts.get(name)
        return found[-1].value if found else None

    @property
    def branch(self) -> str:
        """The branch or department concerned, else ``unassigned``."""
        return next((str(value) for name in BRANCH if (value := self.last(name))), UNASSIGNED)

    @property
    def type(self) -> tuple[str, str] | None:
        """(field, value) of what kind of complaint it was."""
        return next(((name, str(value)) for name in TYPE if (value := self.last(name))), None)

    @property
    def severity(self) -> str:
        """The severity it ended with; cases nobody graded are ordinary."""
        return str(self.last("severity") or "general")

    @property
    def in_time(self) -> bool:
        """Whether it was closed in time: no closing limit passed; without one, no limit at all.

        The limits were set when the work was done, so later calendars change nothing.
        """
        closing = [clock for clock in self.clocks if "_CLOSE_" in clock.parameter]
        return not any(clock.breached_at for clock in closing or self.clocks)

    @property
    def score(self) -> int | None:
        """The latest overall rating, 1 to 5."""
        value = next((value for name in SCORES if (value := self.last(name)) is not None), None)
        return int(value) if isinstance(value, int) else None

    @property
    def solved(self) -> bool | None:
        """Whether the customer says that it was solved; None when nobody said."""
        value = next((value for name in SOLVED if (value := self.last(name)) is not None), None)
        return None if value is None else bool(value)

    @property
    def dissatisfied(self) -> bool:
        """Whether the latest revisit found the customer dissatisfied (seed 004:531)."""
        return (self.score is not None and self.score <= 2) or self.solved is False

    @property
    def rated(self) -> bool:
        """Whether the customer said anything about satisfaction."""
        return self.score is not None or self.solved is not None

    def handler(self, before: str | None = None) -> str | None:
        """Who last worked on the matter itself (before an instant)."""
        done = [
            w for w in self.work if w.form not in LOOKING_BACK and (before is None or w.closed_at < before)
        ]
        return done[-1].person if done else None


def closed_cases(
    db: Database, period: Period, *, processes: Iterable[str] | None = None, own: bool = False
) -> list[Closed]:
    """Cases closed in the period, in order of their close; all complaints unless ``processes`` are named.

    ``own``: with those that the house opens about itself.
    """
    inside = [cases.c.closed_at >= period.begins, cases.c.closed_at < period.ends]
    if processes is None and not own:
        inside.append(cases.c.process.not_in(sorted(OWN)))
    elif processes is not None:
        inside.append(cases.c.process.in_(list(processes)))
    return _cases(db, inside)


def open_cases(db: Database, asked: Asked, *, own: bool = False) -> list[Closed]:
    """Cases that were open at the end of the period (now, when it is not over), with the limits that counted then.

    What passed stays ``breached`` until its case is closed, whenever the work was done: only then it is counted as
    late. So a report on a period that is over does not change.
    """
    then = min(asked.period.ends, asked.now)
    inside = [
        cases.c.opened_at < then,
        sa.or_(cases.c.closed_at.is_(None), cases.c.closed_at >= then),
    ]
    if not own:
        inside.append(cases.c.process.not_in(sorted(OWN)))
    found = _cases(db, inside)
    for case in found:
        case.clocks = [clock for one in case.clocks if (clock := _as_of(one, then)) is not None]
    return [case for case in found if asked.branch in (None, case.branch)]


def _as_of(clock: Clock, then: str) -> Clock | None:
    """A limit as it stood at an instant; None for one that was not late and counted no more, or not yet."""
    ended = clock.ended_at is not None and clock.ended_at <= then
    passed = clock.due if clock.breached_at is None and clock.state != "paused" else clock.breached_at
    if passed is not None and passed <= then and not (ended and clock.breached_at is None):
        return clock._replace(state="breached", breached_at=passed, ended_at=None)
    if ended or clock.started > then:
        return None
    state = "paused" if clock.state == "paused" else "running"
    return clock._replace(state=state, breached_at=None, ended_at=None)


def _cases(db: Database, inside: list[sa.ColumnElement[bool]]) -> list[Closed]:
    """Cases with all that reports ask about them, in order of their close."""
    columns = (
        cases.c.id, cases.c.process, cases.c.opened_at, cases.c.closed_at, cases.c.outcome, cases.c.channel,
    )  # fmt: skip
    with db.read() as c:
        found = {
            row[0]: Closed(row[0], text(row[1]), row[2], row[3] or "", text(row[4]), row[5] and text(row[5]))
            for row in c.execute(sa.select(*columns).where(*inside).order_by(cases.c.closed_at, cases.c.id))
            # rows without the instants that they need were written past the software: nothing can be counted from them
            if sound.instant(row[2]) and (row[3] is None or sound.instant(row[3]))
        }
        facts = (
            sa.select(
                case_fact.c.case_id, case_fact.c.name, case_fact.c.seq, case_fact.c.at, case_fact.c.value
            )
            .join(cases, cases.c.id == case_fact.c.case_id)
            .where(*inside)
            .order_by(case_fact.c.case_id, case_fact.c.seq)
        )
        for case_id, name, seq, at, value in c.execute(facts):
            if case_id in found and sound.instant(at) and (fact := sound.value(value)) is not None:
                found[case_id].facts.setdefault(text(name), []).append(Fact(seq, at, fact))
        for row in c.execute(_clocks().where(*inside).order_by(sla_clock.c.case_id, sla_clock.c.clock)):
            if row[0] in found and (clock := _clock(row)) is not None:
                found[row[0]].clocks.append(clock)
        work = (
            sa.select(task.c.case_id, task.c.closed_at, task.c.form, task.c.completed_by)
            .join(cases, cases.c.id == task.c.case_id)
            .where(*inside, task.c.state == "completed", task.c.completed_by.is_not(None))
            .order_by(task.c.case_id, task.c.closed_at, task.c.task)
        )
        for case_id, closed_at, form, person in c.execute(work):
            if case_id in found and sound.instant(closed_at):
                found[case_id].work.append(Work(closed_at, form and text(form), text(person)))
    return list(found.values())


def chosen(
    db: Database, asked: Asked, *, processes: Iterable[str] | None = None, own: bool = False
) -> tuple[list[Closed], tuple[str, ...]]:
    """The closed cases that a report is asked for, and all branches there are to choose from."""
    found = closed_cases(db, asked.period, processes=processes, own=own)
    branches = tuple(sorted({case.branch for case in found}))
    return [case for case in found if asked.branch in (None, case.branch)], branches


def live_clocks(db: Database) -> list[Clock]:
    """Limits that still count, or wait to: running, paused, or passed and not done."""
    query = _clocks().where(sla_clock.c.state.in_(("running", "paused", "breached")))
    with db.read() as c:
        rows = c.execute(query.order_by(sla_clock.c.due, sla_clock.c.case_id))
        return [clock for row in rows if (clock := _clock(row)) is not None]


def _clocks() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            sla_clock.c.case_id, sla_clock.c.parameter, sla_clock.c.state, sla_clock.c.started, sla_clock.c.due,
            sla_clock.c.breached_at, sla_clock.c.ended_at, task.c.role, task.c.department, task.c.skill,
            task.c.completed_by, task.c.claimed_by,
        )
        .join(cases, cases.c.id == sla_clock.c.case_id)
        .outerjoin(task, sa.and_(task.c.case_id == sla_clock.c.case_id, task.c.task == sla_clock.c.task))
    )  # fmt: skip


def _clock(row: Any) -> Clock | None:
    """The limit; None for one without the instants that it needs."""
    (
        case_id,
        parameter,
        state,
        started,
        due,
        breached_at,
        ended_at,
        role,
        department,
        skill,
        done_by,
        held_by,
    ) = row
    if not all(at is None or sound.instant(at) for at in (started, due, breached_at, ended_at)):
        return None
    part = department or skill
    team = f"{text(role)}/{text(part)}" if part else text(role)
    who = done_by or held_by
    return Clock(
        case_id, text(parameter), text(state), started, due, breached_at, ended_at, team, who and text(who)
    )


def by_key(found: Iterable[tuple[K, str]]) -> dict[K, list[str]]:
    """Case numbers by key, in order of first sight."""
    groups: dict[K, list[str]] = {}
    for key, case in found:
        groups.setdefault(key, []).append(case)
    return groups


def latest_close(db: Database) -> str | None:
    """The instant of the latest close there is."""
    with db.read() as c:
        return c.execute(
            sa.select(sa.func.max(cases.c.closed_at)).where(cases.c.closed_at.is_not(None))
        ).scalar()
