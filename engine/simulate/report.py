"""What a simulated database holds, counted from its read models; what its cases reached, from their histories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.facts import State, parse, resolve
from engine.bpmn.kinds import EVENTS, TASKS
from engine.release.release import Release
from engine.storage.database import Database
from engine.storage.tables import cases, history, incident, outbox, sla_clock, task, timer


@dataclass
class SimulationReport:
    """Figures over all cases of the database."""

    cases: int = 0
    by_process: dict[str, int] = field(default_factory=dict)
    by_outcome: dict[str, int] = field(default_factory=dict)
    ends: dict[str, dict[str, int]] = field(
        default_factory=dict
    )  #: outcomes of the closed cases of each process
    sla: dict[str, dict[str, int]] = field(default_factory=dict)
    timers_fired: int = 0
    messages_sent: int = 0  #: SMS
    messages: dict[str, dict[str, int]] = field(default_factory=dict)  #: all, by kind and state
    open: int = 0
    incidents: int = 0
    never_reached: list[str] = field(default_factory=list)  #: elements, as ``process/element``
    waiting: dict[str, int] = field(default_factory=dict)  #: where the open cases stand
    left_aside: list[str] = field(default_factory=list)  #: cases that this run could not go on with, and why

    def as_json(self) -> dict[str, Any]:
        """The stable keys of ``simulate --json``."""
        return {name: value for name, value in vars(self).items() if name not in ("waiting", "left_aside")}


def report(gongdan: Gongdan) -> SimulationReport:
    """Count. An SLA clock is ``met`` (in time), ``breached`` (ever past its limit) or still ``running``."""
    db, total = gongdan.db, sa.func.count()
    found = SimulationReport()
    found.by_process = _counts(db, cases.c.process)
    found.cases = sum(found.by_process.values())
    found.by_outcome = _counts(db, cases.c.outcome, cases.c.state == "closed")
    found.ends = _grouped(db, cases.c.process, cases.c.outcome, cases.c.state == "closed")
    for parameter, state, late, number in db.rows(
        sa.select(sla_clock.c.parameter, sla_clock.c.state, sla_clock.c.breached_at.is_not(None), total)
        .group_by(sla_clock.c.parameter, sla_clock.c.state, sla_clock.c.breached_at.is_not(None))
        .order_by(sla_clock.c.parameter)
    ):
        counted = found.sla.setdefault(parameter, {"met": 0, "breached": 0, "running": 0})
        if late:
            counted["breached"] += number
        elif state == "met":
            counted["met"] += number
        elif state in ("running", "paused"):
            counted["running"] += number
    found.timers_fired = _count(db, timer, timer.c.state == "fired")
    found.messages_sent = _count(db, outbox, outbox.c.state == "sent", outbox.c.kind == "sms")
    found.messages = _grouped(db, outbox.c.kind, outbox.c.state)
    found.open = _count(db, cases, cases.c.state == "open")
    found.incidents = _count(db, incident, incident.c.closed_at.is_(None))
    found.never_reached = _never_reached(db, gongdan.releases.current(), found.by_process)
    found.waiting = _waiting(db)
    return found


def _never_reached(db: Database, release: Release, started: Iterable[str]) -> list[str]:
    """Elements of the started processes, and of those that they call, that no case ever left as completed."""
    drawn = list(started)
    for process in drawn:
        drawn += {e.calls for e in release.process(process).elements.values() if e.calls} - set(drawn)
    reached: set[tuple[str, str]] = set()
    query = sa.select(cases.c.process, history.c.effects).join(cases, cases.c.id == history.c.case_id)
    with db.read() as connection:
        for process, effects in connection.execute(query.execution_options(yield_per=1000)):
            moves = parse(orjson.loads(effects)).moves
            reached.update(resolve(process, m.element) for m in moves if m.state is State.COMPLETED)
    return sorted(
        f"{process}/{element.id}"
        for process in drawn
        for element in release.process(process).elements.values()
        if element.kind in TASKS | EVENTS and (process, element.id) not in reached
    )


def _waiting(db: Database) -> dict[str, int]:
    """Open cases by what they wait for: the customer, or the open task."""
    reason = cases.c.waiting_customer
    paused = _counts(db, reason, reason.is_not(None), cases.c.state == "open")
    customers = {f"customer: {text}": number for text, number in paused.items()}
    return customers | _counts(db, task.c.name, task.c.state == "open")


def _count(db: Database, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    return int(db.rows(sa.select(sa.func.count()).select_from(table).where(*conditions))[0][0])


def _counts(db: Database, column: sa.Column[Any], *conditions: sa.ColumnElement[bool]) -> dict[str, int]:
    query = sa.select(column, sa.func.count()).where(*conditions).group_by(column).order_by(column)
    return {str(name): int(number) for name, number in db.rows(query)}


def _grouped(
    db: Database, outer: sa.Column[Any], inner: sa.Column[Any], *conditions: sa.ColumnElement[bool]
) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    query = sa.select(outer, inner, sa.func.count()).where(*conditions)
    for name, part, number in db.rows(query.group_by(outer, inner).order_by(outer, inner)):
        found.setdefault(str(name), {})[str(part)] = int(number)
    return found
