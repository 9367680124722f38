"""Publishing in the designer's room: drafts are tried, judged, and made a release.

Its views join the designer's room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.base.errors import NotAllowed
from engine.design import publish_gate
from engine.design.lint import Finding
from engine.queries import drafts
from engine.queries.drafts import DiagramDraft
from engine.release.release import Release
from engine.scenarios import Judgement, judge
from web import designer_overtaken, formatting, request_context
from web.i18n import locale

from .designer import bp, current, drawn_room, own_drafts


@bp.post("/try")
def try_out() -> ResponseReturnValue:
    """Play the scenarios that the chosen drafts concern; nothing is published."""
    changed = {draft.path: draft.body for draft in _chosen()}
    findings, judgement = _judged(current(), changed)
    return drawn_room(findings, judgement)


@bp.post("/publish")
def publish() -> ResponseReturnValue:
    """Make a release of the chosen drafts; refused while lint or a scenario has something to say."""
    mine = _chosen()
    note = request.form.get("note", "").strip()
    if not mine or not note:
        flash(gettext("Choose at least one draft and say what changes."), "bad")
        return redirect(url_for(".room"), 303)
    releases = request_context.gongdan().releases
    try:  # before a minute of scenarios, and once more by whoever writes the release
        releases.check_rights(
            releases.current_number(), {d.path: d.body for d in mine}, request_context.person().name
        )
        done = releases.on_current(lambda _: _published(mine, note))
    except NotAllowed as refused:
        flash(gettext("Not published. %(reason)s", reason=formatting.refusal(refused)), "bad")
        return drawn_room(publish_gate.lint(current(), {draft.path: draft.body for draft in mine})), 403
    if isinstance(done, DiagramDraft):
        flash(gettext("Not published: another release changed the same file."), "bad")
        return designer_overtaken.page(done), 409
    if isinstance(done, _Refused):
        first = done.faults[0]
        flash(gettext("Not published. %(file)s, %(element)s: %(message)s", file=first.file,
                      element=first.element or "–", message=first.message_in(locale())), "bad")  # fmt: skip
        return drawn_room(done.findings, done.judgement), 422
    for draft in mine:
        drafts.forget_diagram(request_context.gongdan().db, draft.path, draft.author)
    flash(
        gettext(
            "Release %(number)s is in force: new cases use it, running ones stay on theirs.", number=done
        ),
        "ok",
    )
    return redirect(url_for(".room"), 303)


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why the drafts make no release: ``faults`` are those of the findings that stop it."""

    faults: list[Finding]
    findings: list[Finding]
    judgement: Judgement | None


def _published(mine: Sequence[DiagramDraft], note: str) -> int | _Refused | DiagramDraft | None:
    """The release made of the drafts, or the first draft that another release overtook.

    None when another release came in while they were judged, so that they are again: what was played is what is
    published, and two designers' changes of different files meet in a judgement.
    """
    release = current()
    if late := publish_gate.overtaken(request_context.gongdan().releases, release, mine):
        return late[0]
    changed = {draft.path: draft.body for draft in mine}
    findings, judgement = _judged(release, changed)
    reason = request.form.get("reason", "").strip()
    faults = [f for f in findings if f.grave] if judgement is None else judgement.against(reason)
    if faults:
        return _Refused(faults, findings, judgement)
    if judgement is not None and judgement.unproved:
        note = gettext("%(note)s (without scenarios: %(reason)s)", note=note, reason=reason)
    return request_context.gongdan().releases.publish_on(
        release.number,
        dict(changed),
        request_context.person().name,
        note,
        request_context.now(),
        by=request_context.by(),
    )


def _chosen() -> list[DiagramDraft]:
    paths = set(request.form.getlist("path"))
    return [draft for draft in own_drafts() if draft.path in paths]


def _judged(release: Release, changed: Mapping[str, bytes]) -> tuple[list[Finding], Judgement | None]:
    """What lint says of the drafts on top of ``release`` and, where it has nothing grave to say, their scenarios."""
    findings = publish_gate.lint(release, changed)
    if any(finding.grave for finding in findings):
        return findings, None
    judgement = judge(release.files, {**release.files, **changed}, changed.keys())
    return [*findings, *judgement.findings], judgement
