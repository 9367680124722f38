"""Open and finished user tasks: what inboxes and task pages list."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from engine.base.facts import ClockState, resolve
from engine.case.clocks import PAUSED
from engine.case.commands import CompleteTask
from engine.case.instance import Instance
from engine.people.roles import Assignment
from engine.storage.statements import Statement, Write
from engine.storage.tables import ORDINARY, URGENT, task

from .change import Change

P = sa.bindparam
#: the case data that decision tables and loops set, and which of its values comes first
PRIORITY, FIRST = "priority", "P1"
#: what happens to a clock without its due time being another one, or no longer counting
_STAYS = frozenset({ClockState.WARNED, ClockState.BREACHED})
_THIS = (task.c.case_id == P("b_id"), task.c.task == P("b_task"))

NEW = Statement(sa.insert(task))
CLOSED = Statement(
    sa.update(task)
    .where(*_THIS)
    .values(state=P("state"), closed_at=P("closed_at"), completed_by=P("completed_by"), due_at=sa.null()),
)
CLAIMED = Statement(
    sa.update(task).where(*_THIS).values(claimed_by=P("claimed_by"), claimed_at=P("claimed_at")),
)
NOT_BEFORE = Statement(sa.update(task).where(*_THIS).values(not_before=P("not_before")))
RANKED = Statement(sa.update(task).where(*_THIS).values(rank=P("rank")))
DUE = Statement(sa.update(task).where(*_THIS).values(due_at=P("due_at")))


def project(change: Change) -> Iterator[Write]:
    """Tasks opened, claimed and closed, and the due time each shows."""
    instance, effects, at = change.instance, change.effects, change.at
    completed = change.command.task if isinstance(change.command, CompleteTask) else None
    for number in effects.closed:
        mine = number == completed
        yield CLOSED(
            b_id=change.case_id,
            b_task=number,
            state="completed" if mine else "cancelled",
            closed_at=at,
            completed_by=change.command.actor if mine else None,
        )
    for opened in effects.opened:
        process, name = resolve(instance.process, opened.element)
        element = instance.release.element(process, name)
        who = Assignment.parse(opened.assignment)
        yield NEW(
            case_id=change.case_id,
            task=opened.task,
            element=name,
            name=element.name or name,
            process=process,
            form=element.properties.get("form"),
            lane=element.lane,
            role=who.role,
            skill=who.skill,
            department=who.department,
            opened_at=at,
            due_at=due_of(instance, opened.task),
            not_before=opened.not_before,
            claimed_by=None,
            claimed_at=None,
            closed_at=None,
            completed_by=None,
            state="open",
            rank=_rank(instance, opened.task),
        )
    for number in instance.open if PRIORITY in (effects.amended or ()) else ():
        yield RANKED(b_id=change.case_id, b_task=number, rank=_rank(instance, number))
    for moved in effects.rescheduled:
        this = {"b_id": change.case_id, "b_task": moved.task}
        yield NOT_BEFORE(**this, not_before=moved.not_before)
    for claimed in effects.claimed:
        yield CLAIMED(
            b_id=change.case_id,
            b_task=claimed.task,
            claimed_by=claimed.person,
            claimed_at=at if claimed.person else None,
        )
    new = {opened.task for opened in effects.opened}
    if effects.clocks or not _STAYS.issuperset(changed.state for changed in effects.clock_changes):
        for number in instance.open:
            if number not in new:
                yield DUE(b_id=change.case_id, b_task=number, due_at=due_of(instance, number))


def due_of(instance: Instance, number: int) -> str | None:
    """The earliest limit that an open task is under: its own, those of what it is inside of, those of the whole case.

    One that has passed counts until the work it is about is done; one that is paused does not.
    """
    live = [clock for clock in instance.clocks.live.values() if clock.state != PAUSED]
    if any(clock.task not in (None, number) for clock in live):
        under = {None, number, *instance.machine.around(number)}
        live = [clock for clock in live if clock.task in under]
    return min((clock.due for clock in live), default=None)


def _rank(instance: Instance, number: int) -> int:
    """Urgent: a case to be handled again first (seed 004:425, 531) or of the first priority (seed 004:362)."""
    return URGENT if instance.machine.data_of(number).get(PRIORITY) == FIRST else ORDINARY
