"""The audit room: a case's history step by step on the diagram of its own release, and its verification."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine import inspection
from engine.inspection import Fault
from engine.queries import cases, timeline
from web import context, damage, diagrams, fields, telling
from web.numbers import whole
from web.tables import decode_cursor, encode_cursor

bp = Blueprint("audit", __name__, url_prefix="/audit")
ROLES = ("auditor", "quality", "supervisor", "manager", "admin")


@bp.get("/")
def listing() -> ResponseReturnValue:
    """Cases to look into, newest first."""
    context.need_role(*ROLES)
    after = decode_cursor(request.args.get("after"))
    state = request.args.get("state")
    rows, following = cases.listed(
        context.gongdan().db,
        context.person(),
        state=state if state in ("open", "closed") else None,
        process=None,
        after=(str(after[0]), str(after[1])) if after and len(after) == 2 else None,
    )
    return render_template("audit/list.html", rows=rows, next=encode_cursor(following), state=state)


@bp.get("/<case_id>")
def show(case_id: str) -> ResponseReturnValue:
    """One step of a case's history: the diagram then, what was done, the data before and after."""
    context.need_role(*ROLES)
    case = context.known_case(case_id)
    damage.of_evidence()
    release = context.release_of(case)
    steps = context.steps_of(case)
    if not steps:
        return render_template("damaged.html", case_id=case_id, rows=[])
    at = min(max(request.args.get("step", len(steps), type=whole), 1), len(steps))
    so_far = steps[:at]
    reading = fields.Reading(release, timeline.given(context.gongdan().db, case_id, so_far))
    told = telling.told(steps, case, reading)
    context.note_view(case_id, "history")
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
    context.need_role(*ROLES)
    context.known_case(case_id)
    verdict = inspection.verify(context.gongdan(), case_id)
    if verdict.state == "identical":
        flash(gettext("Identical: %(number)s commands run again gave the same effects and hashes.",
                      number=verdict.commands), "ok")  # fmt: skip
    elif verdict.state == "erased":
        flash(gettext("Personal data was erased; the chain of %(number)s hashes is whole.",
                      number=verdict.commands), "ok")  # fmt: skip
    else:
        flash(damage.told(Fault(verdict.reason or "", verdict.seq)), "bad")
    return redirect(url_for(".show", case_id=case_id), 303)
