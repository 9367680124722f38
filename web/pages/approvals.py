"""Releases that wait for a second person: who may look at what would change, and approves or refuses."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.base.errors import GongdanError, NotAllowed, Rejected
from engine.design import publish_gate
from engine.release import proposals
from engine.release.release import Release
from engine.release.second_person import KINDS
from engine.scenarios import publishing
from web import designer_files, designer_overtaken, diagrams, formatting, request_context

from .publishing import in_force, refused_by

bp = Blueprint("approvals", __name__, url_prefix="/approvals")


@bp.get("/")
def listing() -> ResponseReturnValue:
    """What waits, and what was decided."""
    db = request_context.gongdan().db
    return render_template(
        "approvals/list.html", waiting=proposals.waiting(db), settled=proposals.settled(db), kinds=KINDS
    )


@bp.get("/<int:number>")
def show(number: int) -> ResponseReturnValue:
    """A proposal: who, why, what was judged, and each file beside the one in force."""
    return _page(number)


@bp.get("/<int:number>/file")
def file(number: int) -> Response:
    """A file as it is proposed."""
    db = request_context.gongdan().db
    path = request.args.get("path", "")
    found = next((one for one in proposals.files(db, proposals.get(db, number)) if one.path == path), None)
    if found is None:
        abort(404)
    return diagrams.kept(found.body)


@bp.post("/<int:number>/approve")
def approve(number: int) -> ResponseReturnValue:
    """Publish the proposal as it was looked at; what it is judged by now may still keep it waiting."""
    try:
        done = publishing.approve(
            request_context.gongdan(),
            number,
            request.form.get("digest", ""),
            request_context.by(),
            request_context.now(),
            request_context.person(),
        )
    except (NotAllowed, Rejected) as error:
        return _refusal(number, error)
    match done:
        case publishing.Overtaken():
            flash(gettext("Not published: another release changed the same file."), "bad")
            return _page(number), 409
        case publishing.Refused(faults, _, _):
            flash(refused_by(faults[0]), "bad")
            return _page(number), 422
        case publishing.Published(release):
            flash(in_force(release), "ok")
    return redirect(url_for(".listing"), 303)


@bp.post("/<int:number>/refuse")
def refuse(number: int) -> ResponseReturnValue:
    """Refuse it; whoever made it hears why and keeps the drafts."""
    try:
        proposals.refuse(
            request_context.gongdan().db,
            number,
            request.form.get("digest", ""),
            request_context.person().name,
            request.form.get("why", ""),
            request_context.by(),
            request_context.now(),
        )
    except (NotAllowed, Rejected) as error:
        return _refusal(number, error)
    flash(gettext("Proposal %(number)s is refused; its author hears why.", number=number), "ok")
    return redirect(url_for(".listing"), 303)


def _refusal(number: int, error: NotAllowed | Rejected) -> ResponseReturnValue:
    """The page of the proposal as it is by now, with what was refused and why."""
    flash(formatting.refusal(error), "bad")
    return _page(number), 403 if isinstance(error, NotAllowed) else 409


def _page(number: int) -> str:
    """The page of a proposal, held against the release in force."""
    gongdan, release = request_context.gongdan(), request_context.gongdan().releases.current()
    proposal = proposals.get(gongdan.db, number)
    try:
        drafts, damaged = publishing.drafts_of(gongdan, proposal), ""
    except GongdanError as error:  # it can still be refused
        drafts, damaged = [], str(error)
    before = gongdan.releases.get(proposal.base) if not proposal.waits else release
    names = designer_files.names(release)
    return render_template(
        "approvals/show.html",
        proposal=proposal,
        damaged=damaged,
        kinds=KINDS,
        mine=request_context.person().name in proposal.authors,
        overtaken=publish_gate.overtaken(gongdan.releases, release, drafts) if proposal.waits else [],
        sides=[
            {"path": one.path}
            | designer_overtaken.side(
                names.get(one.path, one.path), before, Release(0, {one.path: one.body}), one.path
            )
            for one in drafts
        ],
        why=request.form.get("why", ""),
    )
