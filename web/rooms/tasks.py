"""The task page: the form, the words to say, every timer and limit on it, the customer's other cases."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from engine import attachments, drafts
from engine.commands import ClaimTask, CompleteTask, ReleaseTask
from engine.desk import Desk, desk
from engine.errors import Conflict, FieldError, InvalidForm, Rejected
from engine.people import Person
from engine.queries import cases, timeline, work
from engine.roles import Duty
from engine.rules import LEADS, RESPONDENT, fits
from web import calling, context, fields, forms_ui, limits, links, offered, report_links, shown
from web.i18n import locale
from web.polling import unchanged
from web.rooms.auth import local_path

bp = Blueprint("tasks", __name__, url_prefix="/tasks/<case_id>/<int:number>")
KEY_LENGTH = 24  #: bytes of the submit key that makes a second click harmless


def _task(case_id: str, number: int) -> tuple[cases.Case, work.Task]:
    case = context.known_case(case_id)
    task = work.one_task(context.gongdan().db, case_id, number)
    if task is None:
        abort(404)
    return case, task


def _desk(task: work.Task) -> Desk | None:
    """The open task, None when it is done, or was done between two reads."""
    if task.state != "open":
        return None
    try:
        return desk(context.gongdan(), task.case_id, task.task, context.person(), locale(), context.now())
    except Rejected:
        return None


def _side(case: cases.Case, task: work.Task) -> dict[str, object]:
    """What the polled part of the page shows."""
    return {
        "case": case,
        "task": task,
        "mine": task.claimed_by == context.person().name,
        "timers": limits.timers(case, only_task=task.task),
        "clocks": [row for row in limits.clocks(case) if row.clock.live],
    }


@bp.get("")
def show_task(case_id: str, number: int) -> ResponseReturnValue:
    """The page of a task."""
    case, task = _task(case_id, number)
    context.note_view(case_id, f"task {number}")
    return _page(case, task)


def _page(
    case: cases.Case,
    task: work.Task,
    values: Mapping[str, Any] | None = None,
    errors: list[FieldError] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    here, person = _desk(task), context.person()
    form = None
    shows = offered.Offer(values or {}, request.form.get(offered.OFFERED_AT) or context.now())
    if here is not None and here.form is not None:
        if values is None:
            kept = drafts.form(context.gongdan().db, case.id, task.task, person.name)
            shows = offered.offer(here.form, kept, here.data, context.now())
        form = forms_ui.render_form(
            here.form,
            shows.values,
            errors or [],
            locale(),
            context.now(),
            context=here.data,
            preview_url=url_for(".preview", case_id=case.id, number=task.task),
        )
    page = render_template(
        "tasks/page.html",
        here=here,
        form=form,
        multipart=bool(here and here.form and forms_ui.needs_multipart(here.form)),
        errors=errors,
        offered=shows,
        waits=calling.waits(case, task, here) if here else [],
        wishes=calling.wishes(case, here) if here else [],
        calls=calling.logged(case),
        submit_key=secrets.token_urlsafe(KEY_LENGTH),
        others=context.others_of(case),
        known=_known(case, here),
        typed=_typed(case, task) if here is None else [],
        files=list(attachments.named(here.data)) if here else [],
        link=report_links.of_case(case),
        linked=links.of_case(case),
        people=_takers(here) if person.roles & LEADS else [],
        leads=bool(person.roles & LEADS),
        **_side(case, task),
    )
    return page, status


def _takers(here: Desk | None) -> list[Person]:
    """Who the task may be given to."""
    return [one for one in context.gongdan().people.all() if here and here.may_be_given_to(one)]


def _typed(case: cases.Case, task: work.Task) -> list[fields.Line]:
    """What the person typed into a task that is not open any more."""
    kept = drafts.form(context.gongdan().db, case.id, task.task, context.person().name)
    release = context.release_of(case)
    form = release.forms.get(task.form or "")
    if not kept or form is None:
        return []
    values, _ = form.parse(MultiDict(kept).getlist)
    return fields.Reading(release, dict.fromkeys(values, task.form)).lines(values)


def _known(case: cases.Case, here: Desk | None) -> list[fields.Line]:
    """Case data already collected, for reading beside the form."""
    if here is None:
        return []
    release = context.release_of(case)
    answered = timeline.answered(context.gongdan().db, case.id)
    return fields.Reading(release, answered).lines(here.data, here.form)


@bp.post("/preview")
def preview(case_id: str, number: int) -> ResponseReturnValue:
    """The form drawn anew while it is being filled in: questions come and go."""
    case, task = _task(case_id, number)
    here = _desk(task)
    if here is None or here.form is None or task.claimed_by not in (None, context.person().name):
        abort(409)
    if here.refusal is not None:
        raise here.refusal
    return forms_ui.render_preview(
        here.form,
        request.form.getlist,
        locale(),
        context.now(),
        context=here.data,
        preview_url=url_for(".preview", case_id=case.id, number=number),
    )


@bp.get("/side")
def side(case_id: str, number: int) -> ResponseReturnValue:
    """Timers, limits and who holds the task; asked every ten seconds."""
    case, task = _task(case_id, number)
    return unchanged("tasks/side.html", **_side(case, task))


@bp.post("/claim")
def claim(case_id: str, number: int) -> ResponseReturnValue:
    """Take the task; says who was faster when somebody was."""
    _task(case_id, number)
    try:
        context.dispatch(
            ClaimTask(case_id=case_id, task=number, actor=context.person().name, at=context.now())
        )
    except Rejected:
        return _conflict(case_id, number)
    return redirect(url_for(".show_task", case_id=case_id, number=number), 303)


@bp.post("/release")
def release(case_id: str, number: int) -> ResponseReturnValue:
    """Give the task back to its queue."""
    _task(case_id, number)
    try:
        context.dispatch(
            ReleaseTask(case_id=case_id, task=number, actor=context.person().name, at=context.now())
        )
    except Rejected:
        return _conflict(case_id, number)
    return redirect(local_path(request.args.get("next")), 303)


@bp.post("/draft")
def keep_draft(case_id: str, number: int) -> ResponseReturnValue:
    """Keep what the holder, or on a free task whoever may take it, typed so far; the page sends it by itself."""
    _, task = _task(case_id, number)
    here = _desk(task)
    if here is None or task.claimed_by not in (None, context.person().name):
        return "", 409
    if here.refusal is not None:
        raise here.refusal
    _keep(case_id, number)
    return "", 204


@bp.post("/draft/forget")
def forget_draft(case_id: str, number: int) -> ResponseReturnValue:
    """Throw away what the person typed and did not send."""
    _task(case_id, number)
    drafts.forget_form(context.gongdan().db, case_id, number, context.person().name)
    return redirect(url_for(".show_task", case_id=case_id, number=number), 303)


_NOT_ANSWERS = frozenset({"csrf_token", "submit_key"})


def _keep(case_id: str, number: int) -> None:
    """Keep what was sent as the person's draft."""
    pairs = [(name, text) for name, text in request.form.items(multi=True) if name not in _NOT_ANSWERS]
    if pairs:
        drafts.save_form(context.gongdan().db, case_id, number, context.person().name, pairs, context.now())


@bp.post("/complete")
def complete(case_id: str, number: int) -> ResponseReturnValue:
    """Check the form and complete the task; a second click gets the first one's answer."""
    case, task = _task(case_id, number)
    key = request.form.get("submit_key", "")
    here = _desk(task)
    if here is None or here.form is None:
        return _after(case, task, key)
    kept = attachments.Folder(context.settings().var, case_id)
    may = here.refusal is None and task.claimed_by in (None, context.person().name)
    answers = here.form.submit(
        request.form.getlist,
        context=here.data,
        now=context.now(),
        files=request.files.getlist,
        store=kept.store if may else None,  # whoever may not send the form leaves no files
        recall=kept.recall,
    )
    if here.form.press_row_button(request.form.getlist, answers.values):
        return _page(case, task, answers.values)
    if answers.errors:
        return _page(case, task, answers.values, answers.errors, 422)
    try:
        receipt = context.dispatch(
            CompleteTask(
                case_id=case_id,
                task=number,
                data=answers.clean,
                actor=context.person().name,
                at=context.now(),
                key=f"{context.person().name}:{key}" if key else None,
            )
        )
    except InvalidForm as error:
        return _page(case, task, answers.values, list(error.errors), 422)
    except Conflict:
        return _too_late(case_id, number)
    except Rejected as error:
        return _not_now(case_id, number, answers.values, error)
    drafts.forget_form(context.gongdan().db, case_id, number, context.person().name)
    flash(gettext("Done: %(task)s", task=task.name), "ok")
    respondent = answers.clean.get(RESPONDENT)
    if isinstance(respondent, str) and not context.gongdan().people.meant_by(respondent):
        flash(
            gettext("No account is called %(name)s: nobody is kept off this case.", name=respondent), "warn"
        )
    return redirect(_onward(receipt.case_id, receipt.opened), 303)


def _after(case: cases.Case, task: work.Task, key: str) -> ResponseReturnValue:
    """The task is done already: by this very submit, sent twice, or by something else."""
    person = context.person().name
    if key:
        asked = CompleteTask(
            case_id=case.id, task=task.task, data={}, actor=person, at=context.now(), key=f"{person}:{key}"
        )
        try:
            receipt = context.dispatch(asked)
        except Rejected:
            return _too_late(case.id, task.task)
        return redirect(_onward(receipt.case_id, receipt.opened), 303)
    return _too_late(case.id, task.task)


def _not_now(case_id: str, number: int, values: Mapping[str, Any], error: Rejected) -> ResponseReturnValue:
    """The task is still there but cannot be completed now: say why and keep what was typed."""
    case, task = _task(case_id, number)
    if task.state != "open":
        return _too_late(case_id, number)
    waits = task.not_before is not None and task.not_before > context.now()
    here = _desk(task) if waits else None
    flash(" ".join(calling.waits(case, task, here)) if here else shown.refusal(error), "bad")
    return _page(case, task, values, status=409)


def _too_late(case_id: str, number: int) -> ResponseReturnValue:
    """A form came too late: it becomes the draft of a sender whose task it was, and they are told what happened."""
    _, task = _task(case_id, number)
    if fits(context.person(), Duty(task.role, task.skill, task.department)):
        try:
            _keep(case_id, number)
        except Rejected as error:
            return _conflict(case_id, number, error)
    return _conflict(case_id, number)


def _conflict(case_id: str, number: int, lost: Rejected | None = None) -> ResponseReturnValue:
    """What happened to the task meanwhile, and the ways on; ``lost``: why what was typed could not be kept."""
    case, task = _task(case_id, number)
    typed = drafts.form(context.gongdan().db, case_id, number, context.person().name)
    files = [file.filename for file in request.files.values() if file.filename]
    return render_template(
        "tasks/conflict.html", case=case, task=task, typed=typed, lost=lost, files=files
    ), 409


def _onward(case_id: str, opened: list[int]) -> str:
    """Where to go after a task: the case's next step when it is the same person's, else the inbox."""
    for number in opened:
        task = work.one_task(context.gongdan().db, case_id, number)
        here = _desk(task) if task else None
        if here is not None and here.refusal is None:
            return url_for(".show_task", case_id=case_id, number=number)
    return url_for("inbox.show")
