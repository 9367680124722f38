"""Open and finished user tasks: what inboxes and task pages list."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from engine.case.clocks import BREACHED, PAUSED
from engine.case.effects import resolve
from engine.case.instance import Instance
from engine.people.roles import Duty
from engine.storage.database import Write
from engine.storage.tables import ORDINARY, URGENT, task

from .change import Change

P = sa.bindparam
#: the case data that decision tables and loops set, and which of its values comes first
PRIORITY, FIRST = "priority", "P1"
#: what happens to a clock without its due time being another one, or no longer counting
_STAYS = frozenset({"warned", BREACHED})
_THIS = (task.c.case_id == P("b_id"), task.c.task == P("b_task"))

STATEMENTS = {
    "task_new": sa.insert(task),
    "task_closed": sa.update(task)
    .where(*_THIS)
    .values(state=P("state"), closed_at=P("closed_at"), completed_by=P("completed_by"), due_at=sa.null()),
    "task_claimed": sa.update(task)
    .where(*_THIS)
    .values(claimed_by=P("claimed_by"), claimed_at=P("claimed_at")),
    "task_not_before": sa.update(task).where(*_THIS).values(not_before=P("not_before")),
    "task_rank": sa.update(task).where(*_THIS).values(rank=P("rank")),
    "task_due": sa.update(task).where(*_THIS).values(due_at=P("due_at")),
}


def project(change: Change) -> Iterator[Write]:
    """Tasks opened, claimed and closed, and the due time each shows."""
    instance, effects, at = change.instance, change.effects, change.at
    completed = change.command.get("task") if change.command["type"] == "complete" else None
    for number in effects.get("closed", ()):
        mine = number == completed
        yield (
            "task_closed",
            {
                "b_id": change.case_id,
                "b_task": number,
                "state": "completed" if mine else "cancelled",
                "closed_at": at,
                "completed_by": change.command["actor"] if mine else None,
            },
        )
    opened = {row[0] for row in effects.get("opened", ())}
    for number, ref, duty, not_before in effects.get("opened", ()):
        process, name = resolve(instance.process, ref)
        element = instance.release.element(process, name)
        who = Duty.parse(duty)
        yield (
            "task_new",
            {
                "case_id": change.case_id,
                "task": number,
                "element": name,
                "name": element.name or name,
                "process": process,
                "form": element.properties.get("form"),
                "lane": element.lane,
                "role": who.role,
                "skill": who.skill,
                "department": who.department,
                "opened_at": at,
                "due_at": due_of(instance, number),
                "not_before": not_before,
                "claimed_by": None,
                "claimed_at": None,
                "closed_at": None,
                "completed_by": None,
                "state": "open",
                "rank": _rank(instance, number),
            },
        )
    for number in instance.open if PRIORITY in effects.get("amended", ()) else ():
        yield "task_rank", {"b_id": change.case_id, "b_task": number, "rank": _rank(instance, number)}
    for number, until in effects.get("rescheduled", ()):
        yield "task_not_before", {"b_id": change.case_id, "b_task": number, "not_before": until}
    for number, person in effects.get("claimed", ()):
        yield (
            "task_claimed",
            {
                "b_id": change.case_id,
                "b_task": number,
                "claimed_by": person,
                "claimed_at": at if person else None,
            },
        )
    changed = (state for _, state, _ in effects.get("clock_changes", ()))
    if "clocks" in effects or not _STAYS.issuperset(changed):
        for number in instance.open:
            if number not in opened:
                yield (
                    "task_due",
                    {"b_id": change.case_id, "b_task": number, "due_at": due_of(instance, number)},
                )


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
