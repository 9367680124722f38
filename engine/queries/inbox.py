"""The work list: open tasks a person holds or may take. Every branch below is one seek in an index.

A person's queues are the combinations of their roles with no or one of their skills and departments.
Each is read by equality on all of these plus rank and due time, so a page costs the same with a thousand open
tasks and a million. Urgent tasks come first. Among equals those with a limit, in due order; then those without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from engine.db.database import Database
from engine.db.tables import OPEN_ALL, OPEN_MINE, OPEN_QUEUE, ORDINARY, URGENT, cases, sla_clock, task
from engine.people import Person

Tab = Literal["mine", "queues", "soon", "overdue", "all"]
TABS: tuple[Tab, ...] = ("mine", "queues", "soon", "overdue", "all")
LIMITED: frozenset[Tab] = frozenset({"soon", "overdue"})  #: tabs of tasks that have a limit
SOON = timedelta(hours=4)  #: how far ahead "due soon" looks
MOST = 999  #: counts stop here: a badge needs no more
FOUND = 200  #: cases that a number or a phone finds at most

Branch = list[sa.ColumnElement[bool]]
Cursor = tuple[int, str, str, int]  #: (rank, due or "", case, task) of the last row shown
Part = tuple[int, bool]  #: a rank, and whether without a limit: the parts of a list, in order
PARTS: tuple[Part, ...] = ((URGENT, False), (URGENT, True), (ORDINARY, False), (ORDINARY, True))


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One row of the work list.

    ``started`` and ``warn_at`` belong to the clock whose limit is ``due_at``. ``case_due`` is the next limit of
    the whole case, shown where the task has none of its own; it does not order the list.
    """

    case_id: str
    task: int
    name: str
    process: str
    role: str
    skill: str | None
    department: str | None
    opened_at: str
    due_at: str | None
    not_before: str | None
    claimed_by: str | None
    claimed_at: str | None
    customer: str | None
    phone: str | None
    severity: str | None
    title: str | None
    waiting_customer: str | None
    rank: int
    started: str | None = None
    warn_at: str | None = None
    case_due: str | None = None

    @property
    def urgent(self) -> bool:
        """Whether it goes before others, whatever is due."""
        return self.rank == URGENT


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows the list: the case's process, case numbers that begin so, or a phone's look-up key."""

    process: str | None = None
    case_prefix: str | None = None
    phone_key: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, and where the next page begins (None: there is none)."""

    rows: list[WorkItem]
    next: Cursor | None


_COLUMNS = (
    task.c.case_id, task.c.task, task.c.name, cases.c.process, task.c.role, task.c.skill, task.c.department,
    task.c.opened_at, task.c.due_at, task.c.not_before, task.c.claimed_by, task.c.claimed_at,
    cases.c.customer, cases.c.phone, cases.c.severity, cases.c.title, cases.c.waiting_customer,
    task.c.rank,
)  # fmt: skip


def tabs_of(person: Person) -> tuple[Tab, ...]:
    """The tabs a person has: all open work is for those who steer it."""
    steers = not {"supervisor", "manager"}.isdisjoint(person.roles)
    return TABS if steers else TABS[:-1]


def work(
    db: Database,
    person: Person,
    tab: Tab,
    now: str,
    filters: Filters,
    after: Cursor | None = None,
    limit: int = 50,
) -> Page:
    """One page of a tab at instant ``now``."""
    few = bool(filters.case_prefix or filters.phone_key)
    branches = _branches(person, tab, now, of_few_cases=few)
    rows: list[Any] = []
    with db.read() as c:
        for part in _parts(tab):
            begun = after and (after[0], not after[1])
            if len(rows) <= limit and (begun is None or part >= begun):
                rest = after if part == begun else None
                rows += _rows(c, branches, filters, part, rest, limit + 1 - len(rows))
        more, rows = len(rows) > limit, rows[:limit]
        clocks = _clocks(c, rows)
    items = []
    for row in rows:
        started, warn_at, case_due = clocks.get((row.case_id, row.task), (None, None, None))
        items.append(replace(WorkItem(*row), started=started, warn_at=warn_at, case_due=case_due))
    last = items[-1] if more else None
    return Page(items, (last.rank, last.due_at or "", last.case_id, last.task) if last else None)


def counts(db: Database, person: Person, now: str) -> dict[Tab, int]:
    """How many tasks each tab holds, at most ``MOST`` + 1 (which means: more)."""
    found: dict[Tab, int] = {}
    with db.read() as c:
        for tab in tabs_of(person):
            total = 0
            limited = tab in LIMITED  # read by due time, which stands behind the rank
            ranks = [[task.c.rank == rank] for rank in (URGENT, ORDINARY)] if limited else [[]]
            for branch in ([*b, *r] for b in _branches(person, tab, now) for r in ranks):
                if total <= MOST:
                    inner = sa.select(sa.literal(1)).select_from(task).where(*branch).limit(MOST + 1 - total)
                    total += c.execute(sa.select(sa.func.count()).select_from(inner.subquery())).scalar_one()
            found[tab] = total
    return found


def _parts(tab: Tab) -> Iterable[Part]:
    return (part for part in PARTS if not (tab in LIMITED and part[1]))


def _branches(person: Person, tab: Tab, now: str, *, of_few_cases: bool = False) -> list[Branch]:
    """The ways of reading that make up a tab. Tasks of few cases are sought by the cases, not by these indexes."""
    is_open = task.c.state == "open"
    in_queue, held, every = (is_open,) * 3 if of_few_cases else (OPEN_QUEUE, OPEN_MINE, OPEN_ALL)
    if tab == "all":
        return [[every]]
    mine: Branch = [held, task.c.claimed_by == person.name]
    if tab == "mine":
        return [mine]
    queues: list[Branch] = [
        [
            in_queue,
            task.c.claimed_by.is_(None),
            task.c.role == role,
            task.c.skill.is_(None) if skill is None else task.c.skill == skill,
            task.c.department.is_(None) if department is None else task.c.department == department,
        ]
        for role in person.roles
        for skill in (None, *person.skills)
        for department in (None, *person.departments)
    ]
    if tab == "queues":
        return queues
    if tab == "overdue":
        bounds = [task.c.due_at <= now]
    else:
        soon = (datetime.fromisoformat(now) + SOON).isoformat(timespec="seconds")
        bounds = [task.c.due_at > now, task.c.due_at <= soon]
    return [[*branch, *bounds] for branch in (mine, *queues)]


def _rows(
    c: sa.Connection,
    branches: list[Branch],
    filters: Filters,
    part: Part,
    after: Cursor | None,
    limit: int,
) -> list[Any]:
    """Rows of one part, merged over the branches."""
    rank, unlimited = part
    order = [task.c.case_id, task.c.task] if unlimited else [task.c.due_at, task.c.case_id, task.c.task]
    extra = [
        task.c.rank == rank,
        task.c.due_at.is_(None) if unlimited else task.c.due_at.is_not(None),
        *_filtered(c, filters),
    ]
    if after is not None:
        begin = after[2:] if unlimited else after[1:]
        extra.append(sa.tuple_(*order) > sa.tuple_(*map(sa.literal, begin)))
    source = task.join(cases, cases.c.id == task.c.case_id)
    found: list[Any] = []
    for branch in branches:
        found += c.execute(
            sa.select(*_COLUMNS).select_from(source).where(*branch, *extra).order_by(*order).limit(limit)
        )
    if len(branches) > 1:
        found.sort(key=lambda row: (row.due_at or "", row.case_id, row.task))
    return found[:limit]


def _filtered(c: sa.Connection, filters: Filters) -> Iterable[sa.ColumnElement[bool]]:
    if filters.process:
        # Not a bare column: the list is read in the order of its own index, not case by case of the process.
        yield sa.func.coalesce(cases.c.process, "") == filters.process
    if filters.case_prefix:
        yield _of_cases(c, cases.c.id.between(filters.case_prefix, filters.case_prefix + "~"))
    if filters.phone_key:
        yield _of_cases(c, cases.c.phone_key == filters.phone_key)


def _of_cases(c: sa.Connection, which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Tasks of few cases: those are found first."""
    return task.c.case_id.in_(c.scalars(sa.select(cases.c.id).where(which).limit(FOUND)).all())


Times = tuple[str | None, str | None, str | None]


def _clocks(c: sa.Connection, rows: list[Any]) -> Mapping[tuple[str, int], Times]:
    """For each row: start and warning of the clock behind its limit, and the next limit of its case."""
    running = c.execute(
        sa.select(
            sla_clock.c.case_id, sla_clock.c.task, sla_clock.c.due, sla_clock.c.started, sla_clock.c.warn_at
        ).where(
            sla_clock.c.case_id.in_({row.case_id for row in rows}),
            sla_clock.c.state.in_(("running", "breached")),
        )
    ).all()
    own = {(clock.case_id, clock.due): clock for clock in running}
    whole: dict[str, str] = {}
    for clock in running:
        if clock.task is None:
            whole[clock.case_id] = min(clock.due, whole.get(clock.case_id, clock.due))
    found: dict[tuple[str, int], Times] = {}
    for row in rows:
        mine = own.get((row.case_id, row.due_at))
        times = (mine.started, mine.warn_at) if mine else (None, None)
        found[row.case_id, row.task] = (*times, whole.get(row.case_id))
    return found
