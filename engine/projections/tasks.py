"""Open and finished user tasks: what inboxes and task pages list."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from engine.db.database import Write
from engine.db.tables import ORDINARY, URGENT, task
from engine.effects import resolve
from engine.instance import Instance
from engine.roles import Duty

from .change import Change

P = sa.bindparam
#: the case data that decision tables and loops set, and which of its values comes first
PRIORITY, FIRST = "priority", "P1"
_THIS = (task.c.case_id == P("b_id"), task.c.task == P("b_task"))

STATEMENTS = {
    "task_new": sa.insert(task),
    "task_closed": sa.update(task)
    .where(*_THIS)
    .values(state=P("state"), closed_at=P("closed_at"), completed_by=P("completed_by"), due_at=sa.null()),
    "task_claimed": sa.update(task)
    .where(*_THIS)
    .values(claimed_by=P("claimed_by"), claimed_at=P("claimed_at")),
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
                "due_at": instance.due_of_task(number),
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
    if "clocks" in effects or "clock_changes" in effects:
        for number in instance.open:
            if number not in opened:
                yield (
                    "task_due",
                    {"b_id": change.case_id, "b_task": number, "due_at": instance.due_of_task(number)},
                )


def _rank(instance: Instance, number: int) -> int:
    """Urgent: a case to be handled again first (seed 004:425, 531) or of the first priority (seed 004:362)."""
    return URGENT if instance.machine.data_of(number).get(PRIORITY) == FIRST else ORDINARY
