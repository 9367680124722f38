"""Publishing in the designer's room: drafts are tried, judged, and made a release, or wait for a second person.

Its views join the designer's room.
"""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.base.errors import NotAllowed
from engine.design import publish_gate
from engine.design.lint import Finding
from engine.queries import drafts
from engine.queries.drafts import DiagramDraft
from engine.release import proposals
from engine.scenarios import publishing
from web import designer_overtaken, formatting, request_context
from web.i18n import locale

from .designer import bp, current, drawn_room, own_drafts


@bp.post("/try")
def try_out() -> ResponseReturnValue:
    """Play the scenarios that the chosen drafts concern; nothing is published."""
    findings, judgement = publishing.judged(current(), {draft.path: draft.body for draft in _chosen()})
    return drawn_room(findings, judgement)


@bp.post("/publish")
def publish() -> ResponseReturnValue:
    """Make a release of the chosen drafts; refused while lint or a scenario has something to say.

    What needs a second person waits for one.
    """
    mine = _chosen()
    note = request.form.get("note", "").strip()
    if not mine or not note:
        flash(gettext("Choose at least one draft and say what changes."), "bad")
        return redirect(url_for(".room"), 303)
    try:
        done = publishing.publish(request_context.gongdan(), _asked(mine, note))
    except NotAllowed as refused:
        flash(gettext("Not published. %(reason)s", reason=formatting.refusal(refused)), "bad")
        return drawn_room(publish_gate.lint(current(), {draft.path: draft.body for draft in mine})), 403
    match done:
        case publishing.Overtaken(draft):
            flash(gettext("Not published: another release changed the same file."), "bad")
            return designer_overtaken.page(draft), 409
        case publishing.Refused(faults, findings, judgement):
            flash(refused_by(faults[0]), "bad")
            return drawn_room(findings, judgement), 422
        case publishing.Waits(number):
            said = gettext("Proposal %(number)s waits: another person has to approve it.", number=number)
            flash(said, "info")
        case publishing.Published(number):
            for draft in mine:
                drafts.forget_diagram(request_context.gongdan().db, draft.path, draft.author)
            flash(in_force(number), "ok")
    return redirect(url_for(".room"), 303)


@bp.post("/proposals/<int:number>/take-back")
def take_back(number: int) -> ResponseReturnValue:
    """Let a proposal of one's own wait no more; its drafts stay."""
    proposals.take_back(
        request_context.gongdan().db,
        number,
        request_context.person().name,
        request_context.by(),
        request_context.now(),
    )
    flash(gettext("Proposal %(number)s is taken back; your drafts are still there.", number=number), "ok")
    return redirect(url_for(".room"), 303)


def in_force(number: int) -> str:
    """What is said when a release came into force."""
    return gettext(
        "Release %(number)s is in force: new cases use it, running ones stay on theirs.", number=number
    )


def refused_by(first: Finding) -> str:
    """What is said when a finding stops a release."""
    return gettext(
        "Not published. %(file)s, %(element)s: %(message)s",
        file=first.file,
        element=first.element or "–",
        message=first.message_in(locale()),
    )


def _asked(mine: list[DiagramDraft], note: str) -> publishing.Asked:
    reason = request.form.get("reason", "").strip()
    return publishing.Asked(
        mine,
        author=request_context.person().name,
        note=note,
        at=request_context.now(),
        by=request_context.by(),
        reason=reason,
        excused=gettext("%(note)s (without scenarios: %(reason)s)", note=note, reason=reason),
    )


def _chosen() -> list[DiagramDraft]:
    paths = set(request.form.getlist("path"))
    return [draft for draft in own_drafts() if draft.path in paths]
