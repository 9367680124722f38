"""The work list: open tasks a person holds or may take. Every branch below is one seek in an index.

A person's queues are the combinations of their roles with no or one of their skills and departments.
Each is read by equality on all of these plus rank and due time, so a page costs the same with a thousand open
tasks and a million. Urgent tasks come first. Among equals those with a limit, in due order; then those without.

What is due soon or overdue is asked about all open work by those who steer it, as on their board; by others about
their own and what they may take.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from typing import Any, Literal

import sqlalchemy as sa

from engine.people.directory import Person
from engine.people.respondents import not_about
from engine.people.rights import may
from engine.storage.database import Database
from engine.storage.tables import (
    OPEN_ALL,
    OPEN_MINE,
    OPEN_QUEUE,
    ORDINARY,
    URGENT,
    cases,
    sla_clock,
    task,
)

from .rows import shaped

Tab = Literal["mine", "queues", "soon", "overdue", "all"]
TABS: tuple[Tab, ...] = ("mine", "queues", "soon", "overdue", "all")
LIMITED: frozenset[Tab] = frozenset({"soon", "overdue"})  #: tabs of tasks that have a limit
SOON = timedelta(hours=4)  #: how far ahead "due soon" looks
MOST = 999  #: counts stop here: a badge needs no more
FOUND = 200  #: cases that a number or a phone finds at most

NOBODY = ""  #: the holder of what nobody holds, in :class:`Filters`
#: which part of a role's work a task belongs to: that of a department, of a skill, or the rest
UNIT = sa.func.coalesce(task.c.department, task.c.skill, "")

Cursor = tuple[int, str, str, int]  #: (rank, due or "", case, task) of the last row shown
Part = tuple[int, bool]  #: a rank, and whether without a limit: the parts of a list, in order
PARTS: tuple[Part, ...] = ((URGENT, False), (URGENT, True), (ORDINARY, False), (ORDINARY, True))


@dataclass(frozen=True, slots=True)
class Branch:
    """One way of reading: its conditions, and the columns of its index that are the same in all its rows.

    PostgreSQL must be told to order by those too, or it sorts: to it ``IS NULL`` is no constant.
    """

    where: list[sa.ColumnElement[bool]]
    lead: tuple[sa.Column[Any], ...] = ()

    def also(self, *conditions: sa.ColumnElement[bool]) -> Branch:
        """The same way under further conditions."""
        return replace(self, where=[*self.where, *conditions])


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One row of the work list.

    ``limit``, ``started`` and ``warn_at`` belong to the clock whose limit is ``due_at``; ``whole`` says that it is
    one of the whole case.
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
    limit: str | None = None
    started: str | None = None
    warn_at: str | None = None
    whole: bool = False

    @property
    def urgent(self) -> bool:
        """Whether it goes before others, whatever is due."""
        return self.rank == URGENT


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows the list: the case's process, case numbers that begin so, a phone's look-up key.

    And as the board counts: a role, with or without its ``unit`` (:data:`UNIT`), and who holds a task
    (:data:`NOBODY`: it is free).
    """

    process: str | None = None
    case_prefix: str | None = None
    phone_key: str | None = None
    role: str | None = None
    unit: str | None = None
    held: str | None = None


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
    return TABS if steers(person) else TABS[:-1]


def steers(person: Person) -> bool:
    """Whether a person steers the work of all."""
    return may(person, "inbox.all")


def overdue(now: str) -> list[sa.ColumnElement[bool]]:
    """The conditions of a task that is overdue at ``now``: on lists, on the board, wherever it is counted."""
    return [task.c.due_at <= now]


def due_soon(now: str) -> list[sa.ColumnElement[bool]]:
    """The conditions of a task that is due soon."""
    soon = (datetime.fromisoformat(now) + SOON).isoformat(timespec="seconds")
    return [task.c.due_at > now, task.c.due_at <= soon]


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
    branches = _branches(
        person, tab, now, not_about(db, person, task.c.case_id), held=filters.held, of_few_cases=few
    )
    rows: list[Any] = []
    with db.read() as c:
        for part in _parts(tab):
            begun = after and (after[0], not after[1])
            if len(rows) <= limit and (begun is None or part >= begun):
                rest = after if part == begun else None
                rows += _rows(c, branches, filters, part, rest, limit + 1 - len(rows))
        more, rows = len(rows) > limit, rows[:limit]
        clocks = _clocks(c, rows)
    behind = (None, None, None, False)
    items = [shaped(WorkItem, [*row, *clocks.get((row.case_id, row.task), behind)]) for row in rows]
    last = items[-1] if more else None
    return Page(items, (last.rank, last.due_at or "", last.case_id, last.task) if last else None)


def counts(db: Database, person: Person, now: str) -> dict[Tab, int]:
    """How many tasks each tab holds, at most ``MOST`` + 1 (which means: more)."""
    seen, tabs = not_about(db, person, task.c.case_id), tabs_of(person)
    counted = sa.select(*(_count(tab, _branches(person, tab, now, seen)).label(tab) for tab in tabs))
    with db.read() as c:
        row = c.execute(counted).one()
    return {tab: min(MOST + 1, getattr(row, tab)) for tab in tabs}


def _count(tab: Tab, branches: list[Branch]) -> sa.ColumnElement[int]:
    """The tasks of a tab's branches, none counted further than is shown."""
    # due times stand behind the rank in the index
    ranks = [[task.c.rank == rank] for rank in (URGENT, ORDINARY)] if tab in LIMITED else [[]]
    parts = []
    for branch in (branch.also(*rank) for branch in branches for rank in ranks):
        inner = sa.select(sa.literal(1)).select_from(task).where(*branch.where)
        # in the order of its index: a planner that hopes to meet some open ones soon would read the table
        inner = inner.order_by(*branch.lead, task.c.rank, task.c.due_at).limit(MOST + 1)
        parts.append(sa.select(sa.func.count()).select_from(inner.subquery()).scalar_subquery())
    return reduce(operator.add, parts)


def _parts(tab: Tab) -> Iterable[Part]:
    return (part for part in PARTS if not (tab in LIMITED and part[1]))


def _branches(
    person: Person,
    tab: Tab,
    now: str,
    seen: sa.ColumnElement[bool],
    *,
    held: str | None = None,
    of_few_cases: bool = False,
) -> list[Branch]:
    """The ways of reading that make up a tab, of tasks that may be ``seen``.

    Tasks of few cases are sought by the cases, not by these indexes.
    """
    is_open = task.c.state == "open"
    in_queue, in_hands, every = (is_open,) * 3 if of_few_cases else (OPEN_QUEUE, OPEN_MINE, OPEN_ALL)
    mine = Branch([in_hands, task.c.claimed_by == person.name])
    queues = [
        Branch(
            [
                in_queue,
                task.c.claimed_by.is_(None),
                task.c.role == role,
                task.c.skill.is_(None) if skill is None else task.c.skill == skill,
                task.c.department.is_(None) if department is None else task.c.department == department,
            ],
            (task.c.claimed_by, task.c.role, task.c.skill, task.c.department),
        )
        for role in person.roles
        for skill in (None, *person.skills)
        for department in (None, *person.departments)
    ]
    whole = Branch([in_hands, task.c.claimed_by == held] if held else [every])
    found = {"mine": [mine], "queues": queues, "all": [whole]}.get(tab)
    if found is None:
        found = [whole] if steers(person) else [mine, *queues]
    bounds = {"overdue": overdue, "soon": due_soon}[tab](now) if tab in LIMITED else []
    return [branch.also(seen, *bounds) for branch in found]


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
    order = [task.c.due_at, task.c.case_id, task.c.task]
    extra = [
        task.c.rank == rank,
        task.c.due_at.is_(None) if unlimited else task.c.due_at.is_not(None),
        *_filtered(c, filters),
    ]
    if after is not None:
        first = 1 if unlimited else 0
        extra.append(sa.tuple_(*order[first:]) > sa.tuple_(*map(sa.literal, after[1 + first :])))
    source = task.join(cases, cases.c.id == task.c.case_id)
    found: list[Any] = []
    for branch in branches:
        query = sa.select(*_COLUMNS).select_from(source).where(*branch.where, *extra)
        found += c.execute(query.order_by(*branch.lead, *order).limit(limit))
    if len(branches) > 1:
        found.sort(key=lambda row: (row.due_at or "", row.case_id, row.task))
    return found[:limit]


def _filtered(c: sa.Connection, filters: Filters) -> Iterable[sa.ColumnElement[bool]]:
    if filters.process:
        # Not a bare column: the list is read in the order of its own index, not case by case of the process.
        yield sa.func.coalesce(cases.c.process, "") == filters.process
    if filters.role:
        yield task.c.role == filters.role
    if filters.unit is not None:
        unit = UNIT
        yield unit == filters.unit
    if filters.held is not None:
        yield task.c.claimed_by.is_(None) if filters.held == NOBODY else task.c.claimed_by == filters.held
    if filters.case_prefix:
        yield _of_cases(c, cases.c.id.between(filters.case_prefix, filters.case_prefix + "~"))
    if filters.phone_key:
        yield _of_cases(c, cases.c.phone_key == filters.phone_key)


def _of_cases(c: sa.Connection, which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Tasks of few cases: those are found first."""
    return task.c.case_id.in_(c.scalars(sa.select(cases.c.id).where(which).limit(FOUND)).all())


Clock = tuple[
    str, str, str | None, bool
]  #: parameter, start and warning of a clock, and whether of the whole case


def _clocks(c: sa.Connection, rows: list[Any]) -> Mapping[tuple[str, int], Clock]:
    """For each row with a limit: the clock behind it."""
    columns = [sla_clock.c[n] for n in ("case_id", "due", "task", "parameter", "started", "warn_at")]
    running = c.execute(
        sa.select(*columns).where(
            sla_clock.c.case_id.in_({row.case_id for row in rows}),
            sla_clock.c.state.in_(("running", "breached")),
        )
    ).all()
    by_due: dict[tuple[str, str], list[Any]] = {}
    for clock in running:
        by_due.setdefault((clock.case_id, clock.due), []).append(clock)
    found: dict[tuple[str, int], Clock] = {}
    for row in rows:
        # of several that are due at once its own first, those of the whole case last
        behind = by_due.get((row.case_id, row.due_at), [])
        best = min(behind, key=lambda one: (one.task != row.task, one.task is None), default=None)
        if best is not None:
            found[row.case_id, row.task] = (best.parameter, best.started, best.warn_at, best.task is None)
    return found
