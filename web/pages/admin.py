"""For operators: automatic steps that failed, whether the house is well. People: ``people``, ``people_file``."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.base.errors import GongdanError
from engine.operations.pulse import ENDED
from engine.queries import work
from web import formatting, health_view, request_context

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("/health")
def health() -> ResponseReturnValue:
    """Whether work can be done, what waits, and which processes run."""
    request_context.need_role("admin")
    state = request_context.health().look()
    running = [beat for beat in state.beats if beat.kind != ENDED]
    figures = health_view.figures(state)
    return render_template(
        "admin/health.html", state=state, names=health_view.NAMES, figures=figures, running=running
    )


@bp.get("/incidents")
def incidents() -> ResponseReturnValue:
    """Automatic steps that failed and wait for a person."""
    request_context.need_role("admin", "supervisor", "designer")
    show_all = request.args.get("all") == "1"
    rows = work.all_incidents(request_context.gongdan().db, request_context.person(), open_only=not show_all)
    return render_template("admin/incidents.html", rows=rows, show_all=show_all)


@bp.post("/incidents/<id>/retry")
def retry(id: str) -> ResponseReturnValue:
    """Try the failed step again."""
    request_context.need_role("admin")
    request_context.known_case(request_context.gongdan().incidents.get(id).case_id)
    try:
        request_context.gongdan().incidents.retry(
            id, request_context.person().name, datetime.fromisoformat(request_context.now())
        )
        flash(gettext("The step worked this time."), "ok")
    except GongdanError as error:
        flash(gettext("It failed again: %(reason)s", reason=formatting.refusal(error)), "bad")
    return redirect(url_for(".incidents"), 303)


@bp.post("/incidents/<id>/close")
def close(id: str) -> ResponseReturnValue:
    """Close an incident with what was done about it."""
    request_context.need_role("admin")
    request_context.known_case(request_context.gongdan().incidents.get(id).case_id)
    resolution = request.form.get("resolution", "")
    at = datetime.fromisoformat(request_context.now())
    request_context.gongdan().incidents.close(id, request_context.person().name, resolution, at)
    return redirect(url_for(".incidents"), 303)
