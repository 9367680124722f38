"""The task that a page is about, the desk of whoever looks at it, and what became of it."""

from __future__ import annotations

from flask import abort
from flask_babel import gettext

from engine.base.errors import Rejected
from engine.operations.task_view import Desk, desk, refusal
from engine.people.roles import Assignment
from engine.people.rules import fits
from engine.queries import cases, work

from . import formatting, request_context
from .i18n import locale


def task_of(case_id: str, number: int) -> tuple[cases.Case, work.Task]:
    """A case that the person may know of and its task; else 404."""
    case = request_context.known_case(case_id)
    task = work.one_task(request_context.gongdan().db, case_id, number)
    if task is None:
        abort(404)
    return case, task


def desk_of(task: work.Task) -> Desk | None:
    """The open task, None when it is done, or was done between two reads."""
    if task.state != "open":
        return None
    try:
        return desk(
            request_context.gongdan(),
            task.case_id,
            task.task,
            request_context.person(),
            locale(),
            request_context.now(),
        )
    except Rejected:
        return None


def may_take(task: work.Task) -> bool:
    """Whether the person may take the task: what is offered must not be refused."""
    if task.state != "open" or task.claimed_by is not None:
        return False
    try:
        return refusal(request_context.gongdan(), task.case_id, task.task, request_context.person()) is None
    except Rejected:
        return False


def is_theirs(task: work.Task) -> bool:
    """Whether the task is, or was, of the person's queues: what they typed for it may then be kept as theirs."""
    return fits(request_context.person(), Assignment(task.role, task.skill, task.department))


def did_it(task: work.Task) -> bool:
    """Whether the reader completed ``task``: nobody else was faster."""
    return task.state == "completed" and task.completed_by == request_context.person().name


def happened(task: work.Task) -> str:
    """What became of a task that one wanted to write on."""
    if did_it(task):
        return gettext(
            "You completed this task yourself %(at)s, in another window.", at=formatting.local(task.closed_at)
        )
    if task.state == "completed":
        return gettext(
            "%(name)s completed this task %(at)s.",
            name=formatting.who(task.completed_by),
            at=formatting.local(task.closed_at),
        )
    if task.state == "cancelled":
        return gettext(
            "The process went another way; this task was withdrawn %(at)s.",
            at=formatting.local(task.closed_at),
        )
    if task.claimed_by:
        return gettext(
            "%(name)s took this task %(at)s.",
            name=formatting.who(task.claimed_by),
            at=formatting.local(task.claimed_at),
        )
    return gettext("The case changed meanwhile.")
