"""The task page: the form, the words to say, every timer and limit on it, the customer's other cases."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine.base.errors import FieldError, Rejected
from engine.case.commands import ClaimTask, ReleaseTask
from engine.forms import attachments
from engine.operations.task_view import Desk
from engine.people.directory import Person
from engine.queries import cases, drafts, timeline, work
from web import (
    calling,
    case_data_view,
    desks,
    forms_ui,
    links,
    offered,
    report_links,
    request_context,
    sla_view,
    two_drafts,
)
from web.i18n import locale
from web.local_paths import local_path
from web.polling import unchanged

from .drafts import address

bp = Blueprint("tasks", __name__, url_prefix="/tasks/<case_id>/<int:number>")
KEY_LENGTH = 24  #: bytes of the submit key that makes a second click harmless


def _side(case: cases.Case, task: work.Task) -> dict[str, object]:
    """What the polled part of the page shows."""
    limits = sla_view.clocks(case)
    return {
        "case": case,
        "task": task,
        "mine": task.claimed_by == request_context.person().name,
        "may_take": desks.may_take(task),
        "timers": sla_view.timers(case, limits, only_task=task.task),
        "clocks": [row for row in limits if row.clock.live],
    }


@bp.get("")
def show_task(case_id: str, number: int) -> ResponseReturnValue:
    """The page of a task."""
    case, task = desks.task_of(case_id, number)
    request_context.note_view(case_id, f"task {number}")
    return page(case, task)


def page(
    case: cases.Case,
    task: work.Task,
    values: Mapping[str, Any] | None = None,
    errors: list[FieldError] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    """The page of a task; after an answer that was refused with its ``values`` and ``errors``."""
    here, person = desks.desk_of(task), request_context.person()
    drafted = drafts.form(request_context.gongdan().db, case.id, task.task, person.name)
    known = drafted.version if drafted else ""
    form = None
    shows = offered.Offer(values or {}, request.form.get(offered.OFFERED_AT) or request_context.now())
    if here is not None and here.form is not None:
        if values is None:
            shows = offered.offer(
                here.form, drafted.pairs if drafted else None, here.data, request_context.now()
            )
        form = forms_ui.render_form(
            here.form,
            shows.values,
            errors or [],
            locale(),
            request_context.now(),
            context=here.data,
            preview_url=url_for(".preview", case_id=case.id, number=task.task),
        )
    shown_page = render_template(
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
        others=request_context.others_of(case),
        known=_known(case, here),
        drafted=drafted,
        restored=drafted if values is None else None,
        base=known if values is None else two_drafts.base(known),
        answered=status != 200,
        draft_address=address(case.id, task.task),
        typed=two_drafts.lines(case, task, drafted.pairs) if here is None and drafted else [],
        files=list(attachments.named(here.data)) if here else [],
        link=report_links.of_case(case),
        linked=links.of_case(case),
        people=_takers(here) if request_context.may("cases.lead") else [],
        leads=request_context.may("cases.lead"),
        **_side(case, task),
    )
    return shown_page, status


def _takers(here: Desk | None) -> list[Person]:
    """Who the task may be given to."""
    return [one for one in request_context.gongdan().people.all() if here and here.may_be_given_to(one)]


def _known(case: cases.Case, here: Desk | None) -> list[case_data_view.Line]:
    """Case data already collected, for reading beside the form."""
    if here is None:
        return []
    release = request_context.release_of(case)
    answered = timeline.answered(request_context.gongdan().db, case.id)
    return case_data_view.Reading(release, answered).lines(here.data, here.form)


@bp.post("/preview")
def preview(case_id: str, number: int) -> ResponseReturnValue:
    """The form drawn anew while it is being filled in: questions come and go."""
    case, task = desks.task_of(case_id, number)
    here = desks.desk_of(task)
    if here is None or here.form is None or task.claimed_by not in (None, request_context.person().name):
        abort(409)
    if here.refusal is not None:
        raise here.refusal
    return forms_ui.render_preview(
        here.form,
        request.form.getlist,
        locale(),
        request_context.now(),
        context=here.data,
        preview_url=url_for(".preview", case_id=case.id, number=number),
    )


@bp.get("/side")
def side(case_id: str, number: int) -> ResponseReturnValue:
    """Timers, limits and who holds the task; asked every ten seconds."""
    case, task = desks.task_of(case_id, number)
    return unchanged("tasks/side.html", **_side(case, task))


@bp.post("/claim")
def claim(case_id: str, number: int) -> ResponseReturnValue:
    """Take the task; says who was faster when somebody was."""
    desks.task_of(case_id, number)
    try:
        request_context.dispatch(
            ClaimTask(
                case_id=case_id, task=number, actor=request_context.person().name, at=request_context.now()
            )
        )
    except Rejected:
        return conflict(case_id, number)
    return redirect(url_for(".show_task", case_id=case_id, number=number), 303)


@bp.post("/release")
def release(case_id: str, number: int) -> ResponseReturnValue:
    """Give the task back to its queue."""
    desks.task_of(case_id, number)
    try:
        request_context.dispatch(
            ReleaseTask(
                case_id=case_id, task=number, actor=request_context.person().name, at=request_context.now()
            )
        )
    except Rejected:
        return conflict(case_id, number)
    return redirect(local_path(request.args.get("next")), 303)


def conflict(
    case_id: str, number: int, lost: Rejected | None = None, two: two_drafts.Two | None = None
) -> ResponseReturnValue:
    """What happened to the task meanwhile, and the ways on.

    ``lost``: why what was typed could not be kept. ``two``: it is not kept, for another draft is there.
    """
    case, task = desks.task_of(case_id, number)
    typed = drafts.form(request_context.gongdan().db, case_id, number, request_context.person().name)
    files = [file.filename for file in request.files.values() if file.filename]
    return render_template(
        "tasks/conflict.html",
        case=case,
        task=task,
        own=desks.did_it(task),
        happened=desks.happened(task),
        typed=typed,
        lost=lost,
        two=two,
        files=files,
    ), 409
