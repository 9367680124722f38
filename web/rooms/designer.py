"""The designer room: draw, keep drafts, see findings, publish a release, compare two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine import compare, drafts, proposals
from engine.drafts import DiagramDraft
from engine.errors import Conflict, NotAllowed, Rejected
from engine.layout import layout_bpmn
from engine.lint import Finding
from engine.release import Release
from engine.rules import PUBLISHES
from engine.scenarios import Judgement, judge, path_of, sketch
from web import context, designer_files, designer_overtaken, designer_sheet, diagrams, shown, sure
from web.i18n import locale
from web.numbers import whole

bp = Blueprint("designer", __name__, url_prefix="/designer")


@bp.before_request
def only_designers() -> None:
    """The whole room is for those who publish."""
    context.need_role(*PUBLISHES)


def _current() -> Release:
    return context.gongdan().releases.current()


def _path() -> str:
    """The file in question; 404 for one that no release and no draft has."""
    path = request.values.get("path", "")
    if path not in _current().files and _draft(path) is None:
        abort(404)
    return path


def _draft(path: str) -> DiagramDraft | None:
    return drafts.diagram(context.gongdan().db, path, context.person().name)


def _mine() -> list[DiagramDraft]:
    return drafts.diagrams(context.gongdan().db, context.person().name)


@bp.get("/")
def room() -> ResponseReturnValue:
    """Files, own drafts with their findings, releases."""
    return _room(proposals.lint(_current(), {draft.path: draft.body for draft in _mine()}))


def _room(findings: list[Finding], judgement: Judgement | None = None) -> str:
    """The room with what stands against the drafts, and what their scenarios said when they were asked."""
    release, mine = _current(), _mine()
    return render_template(
        "designer/room.html",
        release=release,
        groups=designer_files.groups(release),
        names=designer_files.names(release),
        kind=designer_files.kind_words,
        authors=context.gongdan().releases.authors(release.number),
        mine=mine,
        overtaken={draft.path for draft in proposals.overtaken(context.gongdan().releases, release, mine)},
        chosen=request.form.getlist("path") or None,
        findings=findings,
        judgement=judgement,
        releases=context.gongdan().releases.numbers()[:50],
    )


@bp.get("/edit")
def edit() -> ResponseReturnValue:
    """The modeler for a diagram; every file also as text."""
    path, release = _path(), _current()
    draft = _draft(path)
    body = draft.body if draft else release.files[path]
    if request.args.get("as") == "text" or not path.endswith(".bpmn"):
        return _text(path, draft, body)
    findings = proposals.lint_one(release, path, body)
    return render_template(
        "designer/modeler.html",
        **designer_sheet.opened(path, draft),
        sheet=designer_sheet.sheet(body, path, afresh=request.args.get("draw") == "afresh"),
        findings_json=[finding.as_json(locale()) for finding in findings],
        catalogue=designer_files.catalogue(release),
    )


def _text(path: str, draft: DiagramDraft | None, body: bytes, other: DiagramDraft | None = None) -> str:
    """A file as text; ``other`` is the draft that another window kept while ``body`` was written."""
    text = body.decode("utf-8", "replace")
    return render_template(
        "designer/text.html",
        **designer_sheet.opened(path, other or draft),
        body=text,
        findings=proposals.lint_one(_current(), path, body),
        other=other,
        differing=compare.lines(other.body, body) if other else [],
    )


@bp.get("/file")
def file() -> Response:
    """The designer's draft of a file, else the file of the current release; laid out afresh where that is asked."""
    path = _path()
    draft = _draft(path)
    body = draft.body if draft else _current().files[path]
    if request.args.get("draw") == "afresh":
        body = layout_bpmn(body, path)
    kind = "application/xml" if path.endswith((".bpmn", ".dmn")) else "application/json"
    return Response(body, mimetype=kind)


@bp.post("/file")
def save() -> ResponseReturnValue:
    """Keep a draft; scripts get the findings as JSON, browsers without scripts the page again.

    409 when another window of the same designer kept something else: both are shown, and one is chosen.
    """
    path, before = _path(), _draft(_path())
    text, seen = request.form.get("body", "").replace("\r\n", "\n"), request.form.get("seen", "")
    base = request.form.get("base", _current().number, type=whole)
    if before is not None and before.digest == seen:
        base = max(base, before.base_release)  # the draft was put on a newer release since it was opened here
    context.gongdan().releases.get(base)  # 404 for one that never was
    made = DiagramDraft(path, context.person().name, text.encode(), base, context.now())
    asked_by_script = request.accept_mimetypes.best == "application/json"
    try:
        drafts.save_diagram(context.gongdan().db, made, seen)
    except Conflict as error:
        other = _draft(path)
        if other is None:  # thrown away in this very moment
            raise
        if asked_by_script:
            return jsonify(message=shown.refusal(error), seen=other.digest), 409
        return _text(path, None, made.body, other), 409
    except Rejected as error:
        if asked_by_script:
            return jsonify(message=shown.refusal(error)), 422
        raise
    if asked_by_script:
        return jsonify(findings=_findings(path, made.body), seen=made.digest)
    flash(gettext("Draft kept."), "ok")
    view: dict[str, Any] = {"path": path, "as": request.form.get("as") or None}
    return redirect(url_for(".edit", **view), 303)


@bp.post("/lint")
def lint() -> ResponseReturnValue:
    """Findings of an unsaved file, as JSON."""
    return jsonify(_findings(_path(), request.form.get("body", "").encode()))


def _findings(path: str, body: bytes) -> list[dict[str, object]]:
    return [finding.as_json(locale()) for finding in proposals.lint_one(_current(), path, body)]


@bp.post("/discard")
@sure.asks(lambda: sure.draft_of(_path()), lambda: url_for(".edit", path=_path()))
def discard() -> ResponseReturnValue:
    """Throw a draft away."""
    drafts.forget_diagram(context.gongdan().db, _path(), context.person().name)
    flash(gettext("Draft thrown away."), "info")
    return redirect(url_for(".room"), 303)


@bp.get("/overtaken")
def overtaken() -> ResponseReturnValue:
    """A draft whose file another release changed: what that changed, what the draft changes, and the ways on."""
    draft = _draft(_path())
    if draft is None:
        abort(404)
    return designer_overtaken.page(draft)


@bp.post("/rebase")
def rebase() -> ResponseReturnValue:
    """Let a draft stand on the release in force, its text as it is."""
    path, release = _path(), _current()
    if request.form.get("onto", type=whole) != release.number:
        flash(gettext("Another release came meanwhile: look again at what it changed."), "warn")
        return redirect(url_for(".overtaken", path=path), 303)
    seen = request.form.get("seen", "")
    drafts.rebase_diagram(context.gongdan().db, path, context.person().name, seen, release.number)
    flash(
        gettext("Your text now stands on release %(n)s and replaces what is there.", n=release.number), "ok"
    )
    return redirect(url_for(".edit", path=path), 303)


@bp.post("/scenarios")
def scenarios() -> ResponseReturnValue:
    """To the scenarios of the process in a diagram; a process that has none gets a first one, as a draft."""
    release, path = _current(), _path()
    draft = _draft(path)
    drawn = Release(release.number, {**release.files, **({path: draft.body} if draft else {})})
    process = next((process for process in drawn.processes.values() if process.path == path), None)
    if process is None:
        abort(404)
    target = path_of(process.id)
    if target not in release.files and _draft(target) is None:
        body = sketch(drawn, process.id)
        made = DiagramDraft(target, context.person().name, body, release.number, context.now())
        drafts.save_diagram(context.gongdan().db, made)
        flash(gettext("A first scenario, as a draft: finish it, then try it out."), "info")
    return redirect(url_for(".edit", path=target), 303)


@bp.post("/try")
def try_out() -> ResponseReturnValue:
    """Play the scenarios that the chosen drafts concern; nothing is published."""
    changed = {draft.path: draft.body for draft in _chosen()}
    findings, judgement = _judged(_current(), changed)
    return _room(findings, judgement)


@bp.post("/publish")
def publish() -> ResponseReturnValue:
    """Make a release of the chosen drafts; refused while lint or a scenario has something to say."""
    mine = _chosen()
    note = request.form.get("note", "").strip()
    if not mine or not note:
        flash(gettext("Choose at least one draft and say what changes."), "bad")
        return redirect(url_for(".room"), 303)
    releases = context.gongdan().releases
    try:  # before a minute of scenarios, and once more by whoever writes the release
        releases.check_rights(
            releases.current_number(), {d.path: d.body for d in mine}, context.person().name
        )
        done = releases.on_current(lambda _: _published(mine, note))
    except NotAllowed as refused:
        flash(gettext("Not published. %(reason)s", reason=shown.refusal(refused)), "bad")
        return _room(proposals.lint(_current(), {draft.path: draft.body for draft in mine})), 403
    if isinstance(done, DiagramDraft):
        flash(gettext("Not published: another release changed the same file."), "bad")
        return designer_overtaken.page(done), 409
    if isinstance(done, _Refused):
        first = done.faults[0]
        flash(gettext("Not published. %(file)s, %(element)s: %(message)s", file=first.file,
                      element=first.element or "–", message=first.message_in(locale())), "bad")  # fmt: skip
        return _room(done.findings, done.judgement), 422
    for draft in mine:
        drafts.forget_diagram(context.gongdan().db, draft.path, draft.author)
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
    release = _current()
    if late := proposals.overtaken(context.gongdan().releases, release, mine):
        return late[0]
    changed = {draft.path: draft.body for draft in mine}
    findings, judgement = _judged(release, changed)
    reason = request.form.get("reason", "").strip()
    faults = [f for f in findings if f.grave] if judgement is None else judgement.against(reason)
    if faults:
        return _Refused(faults, findings, judgement)
    if judgement is not None and judgement.unproved:
        note = gettext("%(note)s (without scenarios: %(reason)s)", note=note, reason=reason)
    return context.gongdan().releases.publish_on(
        release.number, dict(changed), context.person().name, note, context.now()
    )


def _chosen() -> list[DiagramDraft]:
    paths = set(request.form.getlist("path"))
    return [draft for draft in _mine() if draft.path in paths]


def _judged(release: Release, changed: Mapping[str, bytes]) -> tuple[list[Finding], Judgement | None]:
    """What lint says of the drafts on top of ``release`` and, where it has nothing grave to say, their scenarios."""
    findings = proposals.lint(release, changed)
    if any(finding.grave for finding in findings):
        return findings, None
    judgement = judge(release.files, {**release.files, **changed}, changed.keys())
    return [*findings, *judgement.findings], judgement


@bp.get("/compare")
def compare_releases() -> ResponseReturnValue:
    """What differs between two releases: files, and elements of diagrams."""
    releases = context.gongdan().releases
    numbers = [info.number for info in releases.numbers()]
    new = request.args.get("new", numbers[0], type=whole)
    old = request.args.get("old", max(new - 1, 1), type=whole)
    before, after = releases.get(old), releases.get(new)
    files = compare.files(before, after)
    path = request.args.get("path") or next((f.path for f in files if f.path.endswith(".bpmn")), None)
    changes = compare.elements(before, after, path) if path and path.endswith(".bpmn") else []
    return render_template(
        "designer/compare.html",
        numbers=numbers,
        old=old,
        new=new,
        files=files,
        path=path,
        changes=changes,
        text=compare.text(before, after, path) if path and not path.endswith(".bpmn") else [],
        marks={
            side: {change.element: change.kind for change in changes if change.kind != hidden}
            for side, hidden in (("old", "added"), ("new", "removed"))
        },
    )


@bp.get("/releases/<int:number>/file")
def released(number: int) -> Response:
    """A file of a release."""
    release = context.gongdan().releases.get(number)
    body = release.files.get(request.args.get("path", ""))
    if body is None:
        abort(404)
    return diagrams.kept(body)
