"""A task's form is sent: completed, refused with what was typed, or told what came first.

Files that came with it stay only with a command that was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.base.errors import Conflict, GongdanError, InvalidForm, Rejected, Unavailable
from engine.case.commands import CompleteTask
from engine.case.dispatch import Receipt
from engine.forms import attachments
from engine.people.rules import RESPONDENT
from engine.queries import cases, work
from web import calling, desks, errors, formatting, request_context, two_drafts
from web.i18n import listed

from .drafts import choose, forget_here
from .tasks import bp, conflict, page


@bp.post("/complete")
def complete(case_id: str, number: int) -> ResponseReturnValue:
    """Check the form and complete the task; a second click gets the first one's answer."""
    case, task = desks.task_of(case_id, number)
    key = request.form.get("submit_key", "")
    here = desks.desk_of(task)
    if here is None or here.form is None:
        return _after(case, task, key)
    folder = attachments.Folder(request_context.settings().var, case_id)
    incoming = folder.incoming(request_context.now())
    answers = here.form.submit(
        request.form.getlist,
        context=here.data,
        now=request_context.now(),
        files=request.files.getlist,
        store=incoming.read,
        recall=folder.recall,
    )
    values = _without_files(answers.values, incoming)
    if here.form.press_row_button(request.form.getlist, values):
        _files_again(incoming)
        return page(case, task, values)
    if answers.errors:
        _files_again(incoming)
        return page(case, task, values, answers.errors, 422)
    asked = CompleteTask(
        case_id=case_id,
        task=number,
        data=answers.clean,
        actor=request_context.person().name,
        at=request_context.now(),
        key=f"{request_context.person().name}:{key}" if key else None,
    )
    try:
        receipt = _recorded(asked, incoming)
    except InvalidForm as error:
        _files_again(incoming)
        return page(case, task, values, list(error.errors), 422)
    except Conflict:
        return _too_late(case_id, number)
    except Rejected as error:
        return _not_now(case_id, number, values, error, incoming)
    except GongdanError as error:
        _files_again(incoming)
        two = _keep_after_failure(case, task)
        if two is None:
            raise
        told = errors.noted(error)
        return choose(case, task, two, gettext("That did not work."), told)
    forget_here(case_id, number)
    flash(gettext("Done: %(task)s", task=task.name), "ok")
    respondent = answers.clean.get(RESPONDENT)
    if isinstance(respondent, str) and not request_context.gongdan().people.meant_by(respondent):
        flash(
            gettext("No account is called %(name)s: nobody is kept off this case.", name=respondent), "warn"
        )
    return redirect(_onward(receipt.case_id, receipt.opened), 303)


def _recorded(asked: CompleteTask, incoming: attachments.Incoming) -> Receipt:
    """Complete the task with its files: they wait on the disk before a case may name them, and stay only if one does.

    Where nobody can tell whether the command was recorded, they go on waiting: the history will say.
    """
    incoming.wait(asked.data)
    try:
        receipt = request_context.dispatch(asked)
    except Unavailable:
        raise
    except GongdanError:
        incoming.drop()
        raise
    if receipt.already:  # by the first of two equal submits, with files of its own
        incoming.drop()
    else:
        incoming.keep()
    return receipt


def _without_files(values: Mapping[str, Any], incoming: attachments.Incoming) -> dict[str, Any]:
    """Values to show again: files that came with this form are not kept, so none is offered as if it were."""
    return {
        name: [one for one in value if not (attachments.describes_file(one) and incoming.has(one["sha256"]))]
        if isinstance(value, list)
        else value
        for name, value in values.items()
    }


def _files_again(incoming: attachments.Incoming) -> None:
    """Say which files must be chosen once more: a form that is not recorded keeps none."""
    if incoming.names:
        said = gettext("Files have to be chosen again: %(names)s.", names=listed(incoming.names))
        flash(said, "warn")


def _keep_after_failure(case: cases.Case, task: work.Task) -> two_drafts.Two | None:
    """Whatever failed, what was typed waits as a draft of whose task it is, if anything can be kept at all.

    Where another draft of theirs would be overwritten, nothing is kept, and both are handed back to be shown.
    """
    if not desks.is_theirs(task):
        return None
    try:
        if (two := two_drafts.keep(case, task, request.form)) is not None:
            return two
    except GongdanError:
        return None
    flash(gettext("What you typed is kept as your draft of this task."), "info")
    return None


def _after(case: cases.Case, task: work.Task, key: str) -> ResponseReturnValue:
    """The task is done already: by this very submit, sent twice, or by something else."""
    person = request_context.person().name
    if key:
        asked = CompleteTask(
            case_id=case.id,
            task=task.task,
            data={},
            actor=person,
            at=request_context.now(),
            key=f"{person}:{key}",
        )
        try:
            receipt = request_context.dispatch(asked)
        except Rejected:
            return _too_late(case.id, task.task)
        forget_here(case.id, task.task)
        return redirect(_onward(receipt.case_id, receipt.opened), 303)
    return _too_late(case.id, task.task)


def _not_now(
    case_id: str, number: int, values: Mapping[str, Any], error: Rejected, incoming: attachments.Incoming
) -> ResponseReturnValue:
    """The task is still there but cannot be completed now: say why and keep what was typed."""
    case, task = desks.task_of(case_id, number)
    if task.state != "open":
        return _too_late(case_id, number)
    waits = task.not_before is not None and task.not_before > request_context.now()
    here = desks.desk_of(task) if waits else None
    flash(" ".join(calling.waits(case, task, here)) if here else formatting.refusal(error), "bad")
    _files_again(incoming)
    return page(case, task, values, status=409)


def _too_late(case_id: str, number: int) -> ResponseReturnValue:
    """A form came too late: it becomes the draft of a sender whose task it was, and they are told what happened.

    Another draft of theirs is not overwritten: both are shown.
    """
    case, task = desks.task_of(case_id, number)
    if desks.is_theirs(task):
        try:
            two = two_drafts.keep(case, task, request.form)
        except Rejected as error:
            return conflict(case_id, number, error)
        return conflict(case_id, number, two=two)
    return conflict(case_id, number)


def _onward(case_id: str, opened: list[int]) -> str:
    """Where to go after a task: the case's next step when it is the same person's, else the inbox."""
    for number in opened:
        task = work.one_task(request_context.gongdan().db, case_id, number)
        here = desks.desk_of(task) if task else None
        if here is not None and here.refusal is None:
            return url_for("tasks.show_task", case_id=case_id, number=number)
    return url_for("inbox.show")
