"""The audit room: a case's history step by step on the diagram of its own release, and its verification."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.operations import inspection
from engine.operations.inspection import Fault
from engine.queries import cases, timeline
from web import case_data_view, damage, diagrams, history_text, request_context
from web.numbers import whole
from web.tables import decode_cursor, encode_cursor

bp = Blueprint("audit", __name__, url_prefix="/audit")
ROLES = ("auditor", "quality", "supervisor", "manager", "admin")


@bp.get("/")
def listing() -> ResponseReturnValue:
    """Cases to look into, newest first."""
    request_context.need_role(*ROLES)
    after = decode_cursor(request.args.get("after"))
    state = request.args.get("state")
    rows, following = cases.listed(
        request_context.gongdan().db,
        request_context.person(),
        state=state if state in ("open", "closed") else None,
        process=None,
        after=(str(after[0]), str(after[1])) if after and len(after) == 2 else None,
    )
    return render_template("audit/list.html", rows=rows, next=encode_cursor(following), state=state)


@bp.get("/<case_id>")
def show(case_id: str) -> ResponseReturnValue:
    """One step of a case's history: the diagram then, what was done, the data before and after."""
    request_context.need_role(*ROLES)
    case = request_context.known_case(case_id)
    damage.of_evidence()
    release = request_context.release_of(case)
    steps = request_context.steps_of(case)
    if not steps:
        return render_template("damaged.html", case_id=case_id, rows=[])
    at = min(max(request.args.get("step", len(steps), type=whole), 1), len(steps))
    so_far = steps[:at]
    reading = case_data_view.Reading(release, timeline.given(request_context.gongdan().db, case_id, so_far))
    told = history_text.told(steps, case, reading)
    request_context.note_view(case_id, "history")
    values = {
        "case": case,
        "steps": told,
        "at": at,
        "step": told[at - 1],
        "raw": steps[at - 1],
        "sheets": diagrams.at_step(case, release, so_far),
        "data": reading.lines(timeline.data_after(so_far)),
        "technical": reading.technical(timeline.data_after(so_far)),
    }
    return render_template("audit/page.html", **values)


@bp.post("/<case_id>/verify")
def verify(case_id: str) -> ResponseReturnValue:
    """Run the case again from its history alone and compare."""
    request_context.need_role(*ROLES)
    request_context.known_case(case_id)
    verdict = inspection.verify(request_context.gongdan(), case_id)
    if verdict.state == "identical":
        flash(gettext("Identical: %(number)s commands run again gave the same effects and hashes.",
                      number=verdict.commands), "ok")  # fmt: skip
    elif verdict.state == "erased":
        flash(gettext("Personal data was erased; the chain of %(number)s hashes is whole.",
                      number=verdict.commands), "ok")  # fmt: skip
    else:
        flash(damage.told(Fault(verdict.reason or "", verdict.seq)), "bad")
    return redirect(url_for(".show", case_id=case_id), 303)
