"""The audit room: a case's history step by step on the diagram of its own release, and its verification."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.operations import inspection
from engine.operations.inspection import Fault
from engine.proof import verifications
from engine.proof.verifications import PAGE, Verification
from engine.queries import cases, scope, timeline
from web import case_data_view, damage, diagrams, finding_words, history_text, request_context
from web.numbers import whole
from web.tables import decode_cursor, encode_cursor

bp = Blueprint("audit", __name__, url_prefix="/audit")
_A_PAGE = 50  #: verifications on a page


@bp.get("/")
def listing() -> ResponseReturnValue:
    """Cases to look into, newest first."""
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


@dataclass(frozen=True, slots=True)
class Verified:
    """A verification as a line of the page. ``cases`` is None where all were verified; ``wrong`` counts findings."""

    id: int
    at: str
    person: str
    on_page: bool
    cases: list[str] | None
    many: int
    against: str | None
    wrong: int
    first: list[str]


@bp.get("/verifications")
def verified() -> ResponseReturnValue:
    """Who verified what, the latest first."""
    after = decode_cursor(request.args.get("after"))
    before = after[0] if after and isinstance(after[0], int) and abs(after[0]) < 1 << 31 else None
    found = verifications.listed(request_context.gongdan().db, _A_PAGE + 1, before)
    rows = [_line(one) for one in found[:_A_PAGE]]
    named = {case for row in rows for case in row.cases or ()}
    hidden = scope.hidden_from(
        request_context.gongdan().db, request_context.person(), named, request_context.in_force()
    )
    following = encode_cursor([rows[-1].id]) if len(found) > _A_PAGE else None
    return render_template("audit/verifications.html", rows=rows, next=following, hidden=hidden)


def _line(one: Verification) -> Verified:
    named, kept = one.scope.get("cases"), one.scope.get("against")
    counts = [one.result.get(name) for name in ("diverged", "faults")]
    many, first = one.scope.get("many"), one.result.get("first")
    at = kept.get("at") if isinstance(kept, dict) else None
    return Verified(
        id=one.id,
        at=one.at,
        person=one.person,
        on_page=one.channel == PAGE,
        cases=[str(case) for case in named] if isinstance(named, list) else None,
        many=many if isinstance(many, int) else 0,
        against=at if isinstance(at, str) else None,
        wrong=sum(count for count in counts if isinstance(count, int)),
        first=[finding_words.told(str(said)) for said in first] if isinstance(first, list) else [],
    )


@bp.get("/<case_id>")
def show(case_id: str) -> ResponseReturnValue:
    """One step of a case's history: the diagram then, what was done, the data before and after."""
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
    request_context.known_case(case_id)
    by, at = request_context.by(), request_context.now()
    verdict, recorded = inspection.verify_for(request_context.gongdan(), case_id, by, at)
    if verdict.state == "identical":
        flash(gettext("Identical: %(number)s commands run again gave the same effects and hashes.",
                      number=verdict.commands), "ok")  # fmt: skip
    elif verdict.state == "erased":
        flash(gettext("Personal data was erased; the chain of %(number)s hashes is whole.",
                      number=verdict.commands), "ok")  # fmt: skip
    else:
        flash(damage.told(Fault(verdict.reason or "", verdict.seq)), "bad")
    if not recorded:
        flash(gettext("Nothing can be written just now: that you verified this was not recorded."), "warn")
    return redirect(url_for(".show", case_id=case_id), 303)
