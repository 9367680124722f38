"""What a supervisor does to a task: give it to somebody, let it be worked on earlier or later."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.base.instants import SHANGHAI
from engine.case.commands import AssignTask, RescheduleTask
from web import request_context

bp = Blueprint("leading", __name__, url_prefix="/tasks/<case_id>/<int:number>")


@bp.post("/assign")
def assign(case_id: str, number: int) -> ResponseReturnValue:
    """Give the task to somebody, with a reason."""
    request_context.known_case(case_id)
    to, reason = request.form.get("to", ""), request.form.get("reason", "").strip()
    request_context.dispatch(
        AssignTask(
            case_id=case_id,
            task=number,
            actor=request_context.person().name,
            at=request_context.now(),
            to=to,
            reason=reason,
        )
    )
    flash(gettext("Given to %(name)s.", name=request_context.display_name(to)), "ok")
    return redirect(url_for("tasks.show_task", case_id=case_id, number=number), 303)


@bp.post("/reschedule")
def reschedule(case_id: str, number: int) -> ResponseReturnValue:
    """Let the task be worked on from another time, or at once where none is given; with a reason."""
    request_context.known_case(case_id)
    until, reason = request.form.get("not_before", "").strip(), request.form.get("reason", "").strip()
    request_context.dispatch(
        RescheduleTask(
            case_id=case_id,
            task=number,
            actor=request_context.person().name,
            at=request_context.now(),
            not_before=_instant(until) if until else None,
            reason=reason,
        )
    )
    flash(gettext("The time is changed."), "ok")
    return redirect(url_for("tasks.show_task", case_id=case_id, number=number), 303)


def _instant(text: str) -> str:
    """A local time as an instant; what is none is left as it came, for the engine to refuse by name."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).isoformat()
    except ValueError:
        return text
