"""Drafts of tasks' forms: what was typed is kept before it is sent, and found again after whatever came between."""

from __future__ import annotations

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from engine.base.errors import Conflict, Rejected
from engine.queries import cases, drafts, work
from web import desks, formatting, request_context, sure, two_drafts, unsent

bp = Blueprint("drafts", __name__, url_prefix="/tasks/<case_id>/<int:number>/draft")
ANY = "*"  #: the version of who wants their text kept, whatever draft is there


def address(case_id: str, number: int) -> str:
    """Where the page of a task sends drafts; browsers keep what is typed under this name too."""
    return url_for("drafts.keep", case_id=case_id, number=number)


def _task(case_id: str, number: int) -> str:
    return url_for("tasks.show_task", case_id=case_id, number=number)


@bp.post("")
def keep(case_id: str, number: int) -> ResponseReturnValue:
    """Keep what whoever holds the task, or may take it while it is free, typed so far; the page sends it by itself.

    Of who was overtaken it is kept too, and they are told (409). A draft of theirs that the page did not know of,
    typed in another window, is not overwritten: ``_base`` names the version that the page has.
    """
    _, task = desks.task_of(case_id, number)
    if request.form.get("_by") not in (None, request_context.person().name):
        return _refused(gettext("Somebody else is signed in in this browser now."))
    at_desk = desks.desk_of(task)
    may = at_desk is not None and task.claimed_by in (None, request_context.person().name)
    if may and at_desk is not None and at_desk.refusal is not None:
        raise at_desk.refusal
    if not may and not desks.is_theirs(task):
        return _refused(desks.happened(task))
    pairs = unsent.answers(request.form)
    base = request.form.get("_base", ANY)
    try:
        two_drafts.save(task, pairs, None if base == ANY else base)
    except Conflict as newer:
        said = gettext(
            "A draft of yours of %(at)s, typed in another window, is there already.",
            at=formatting.local(str(newer.values["at"])),
        )
        return _refused(said, newer=True)
    headers = {"Draft-Version": drafts.version(pairs), "Draft-At": request_context.now()}
    if may:
        return Response(status=204, headers=headers)
    said = gettext("What you typed is kept as your draft of this task.")
    return _refused(f"{desks.happened(task)} {said}", kept=True)


def _refused(said: str, *, newer: bool = False, kept: bool = False) -> ResponseReturnValue:
    """``newer``: another draft is in the way. ``kept``: the text is safe although the task is lost."""
    return jsonify(status=409, title="", text=said, newer=newer, kept=kept), 409


@bp.post("/forget")
@sure.asks(sure.what_is_typed, _task)
def forget(case_id: str, number: int) -> ResponseReturnValue:
    """Throw away what the person typed and did not send."""
    desks.task_of(case_id, number)
    forget_here(case_id, number)
    return redirect(_task(case_id, number), 303)


def forget_here(case_id: str, number: int) -> None:
    """The text was sent, or is not wanted: the draft goes, and the browser is told to drop its own copy."""
    drafts.forget_form(request_context.gongdan().db, case_id, number, request_context.person().name)
    session[_DONE] = [*session.get(_DONE, []), address(case_id, number)][-20:]


_DONE = "typed_done"


def done_with() -> list[str]:
    """Drafts that the browser need not keep any more; told once, on the next page."""
    told: list[str] = session.pop(_DONE, [])
    return told


@bp.post("/instead")
def instead(case_id: str, number: int) -> ResponseReturnValue:
    """Of two drafts the person chose this one; a third that came meanwhile is shown first."""
    case, task = desks.task_of(case_id, number)
    if not desks.is_theirs(task):
        flash(desks.happened(task), "warn")
    elif (two := two_drafts.keep(case, task, request.form)) is not None:
        return choose(case, task, two, gettext("A draft of yours changed once more."))
    return redirect(_task(case_id, number), 303)


def choose(
    case: cases.Case, task: work.Task, two: two_drafts.Two, said: str, status: int = 409
) -> ResponseReturnValue:
    """Show both texts and ask which one stays; ``said``: why this is asked."""
    return render_template("tasks/two_drafts.html", case=case, task=task, two=two, said=said), status


@unsent.takes("tasks.complete")
def take_up(form: MultiDict[str, str], said: str, case_id: str, number: int) -> ResponseReturnValue:
    """A task's form that was not taken: it becomes the draft and stands in the task again.

    Where a draft is there that its page did not know of, both are shown: neither replaces the other unasked.
    """
    case, task = desks.task_of(case_id, number)
    if desks.is_theirs(task):
        try:
            two = two_drafts.keep(case, task, form)
        except Rejected as error:
            flash(formatting.refusal(error), "bad")
        else:
            if two is not None:
                return choose(case, task, two, said)
            flash(
                gettext("Nothing is recorded yet. What you typed stands in the form: check it and send it."),
                "warn",
            )
    else:
        flash(desks.happened(task), "warn")
    return redirect(url_for("tasks.show_task", case_id=case_id, number=number), 303)
