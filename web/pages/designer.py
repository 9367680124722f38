"""The designer room: draw, keep drafts, see findings, publish a release, compare two."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.base.errors import Conflict, Rejected
from engine.base.xml_encoding import declared_utf8
from engine.design import publish_gate
from engine.design.layout import layout_bpmn
from engine.design.lint import Finding
from engine.queries import drafts
from engine.queries.drafts import DiagramDraft
from engine.release import compare, proposals
from engine.release.release import Release
from engine.release.second_person import KINDS
from engine.scenarios import Judgement, path_of, sketch
from web import (
    designer_files,
    designer_overtaken,
    designer_sheet,
    diagrams,
    formatting,
    request_context,
    sure,
)
from web.i18n import locale
from web.numbers import whole

bp = Blueprint("designer", __name__, url_prefix="/designer")


def current() -> Release:
    """The release in force."""
    return request_context.gongdan().releases.current()


def _path() -> str:
    """The file in question; 404 for one that no release and no draft has."""
    path = request.values.get("path", "")
    if path not in current().files and _draft(path) is None:
        abort(404)
    return path


def _draft(path: str) -> DiagramDraft | None:
    return drafts.diagram(request_context.gongdan().db, path, request_context.person().name)


def own_drafts() -> list[DiagramDraft]:
    """The drafts of whoever asks."""
    return drafts.diagrams(request_context.gongdan().db, request_context.person().name)


@bp.get("/")
def room() -> ResponseReturnValue:
    """Files, own drafts with their findings, releases."""
    return drawn_room(publish_gate.lint(current(), {draft.path: draft.body for draft in own_drafts()}))


def drawn_room(findings: list[Finding], judgement: Judgement | None = None) -> str:
    """The room with what stands against the drafts, and what their scenarios said when they were asked."""
    release, mine = current(), own_drafts()
    return render_template(
        "designer/room.html",
        release=release,
        groups=designer_files.groups(release),
        names=designer_files.names(release),
        kind=designer_files.kind_words,
        authors=request_context.gongdan().releases.authors(release.number),
        mine=mine,
        overtaken={
            draft.path for draft in publish_gate.overtaken(request_context.gongdan().releases, release, mine)
        },
        chosen=request.form.getlist("path") or None,
        findings=findings,
        judgement=judgement,
        releases=request_context.gongdan().releases.numbers()[:50],
        proposals=proposals.waiting(request_context.gongdan().db, request_context.person().name),
        guarded=KINDS,
    )


@bp.get("/edit")
def edit() -> ResponseReturnValue:
    """The modeler for a diagram; every file also as text."""
    path, release = _path(), current()
    draft = _draft(path)
    body = draft.body if draft else release.files[path]
    if request.args.get("as") == "text" or not path.endswith(".bpmn"):
        return _text(path, draft, body)
    findings = publish_gate.lint_one(release, path, body)
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
        findings=publish_gate.lint_one(current(), path, body),
        other=other,
        differing=compare.lines(other.body, body) if other else [],
    )


@bp.get("/file")
def file() -> Response:
    """The designer's draft of a file, else the file of the current release; laid out afresh where that is asked."""
    path = _path()
    draft = _draft(path)
    body = draft.body if draft else current().files[path]
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
    base = request.form.get("base", current().number, type=whole)
    if before is not None and before.digest == seen:
        base = max(base, before.base_release)  # the draft was put on a newer release since it was opened here
    request_context.gongdan().releases.get(base)  # 404 for one that never was
    made = DiagramDraft(path, request_context.person().name, declared_utf8(text), base, request_context.now())
    asked_by_script = request.accept_mimetypes.best == "application/json"
    try:
        drafts.save_diagram(request_context.gongdan().db, made, seen)
    except Conflict as error:
        other = _draft(path)
        if other is None:  # thrown away in this very moment
            raise
        if asked_by_script:
            return jsonify(message=formatting.refusal(error), seen=other.digest), 409
        return _text(path, None, made.body, other), 409
    except Rejected as error:
        if asked_by_script:
            return jsonify(message=formatting.refusal(error)), 422
        raise
    if asked_by_script:
        return jsonify(findings=_findings(path, made.body), seen=made.digest)
    flash(gettext("Draft kept."), "ok")
    view: dict[str, Any] = {"path": path, "as": request.form.get("as") or None}
    return redirect(url_for(".edit", **view), 303)


@bp.post("/lint")
def lint() -> ResponseReturnValue:
    """Findings of an unsaved file, as JSON."""
    return jsonify(_findings(_path(), declared_utf8(request.form.get("body", ""))))


def _findings(path: str, body: bytes) -> list[dict[str, object]]:
    return [finding.as_json(locale()) for finding in publish_gate.lint_one(current(), path, body)]


@bp.post("/discard")
@sure.asks(lambda: sure.draft_of(_path()), lambda: url_for(".edit", path=_path()))
def discard() -> ResponseReturnValue:
    """Throw a draft away."""
    drafts.forget_diagram(request_context.gongdan().db, _path(), request_context.person().name)
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
    path, release = _path(), current()
    if request.form.get("onto", type=whole) != release.number:
        flash(gettext("Another release came meanwhile: look again at what it changed."), "warn")
        return redirect(url_for(".overtaken", path=path), 303)
    seen = request.form.get("seen", "")
    drafts.rebase_diagram(
        request_context.gongdan().db, path, request_context.person().name, seen, release.number
    )
    flash(
        gettext("Your text now stands on release %(n)s and replaces what is there.", n=release.number), "ok"
    )
    return redirect(url_for(".edit", path=path), 303)


@bp.post("/scenarios")
def scenarios() -> ResponseReturnValue:
    """To the scenarios of the process in a diagram; a process that has none gets a first one, as a draft."""
    release, path = current(), _path()
    draft = _draft(path)
    drawn = Release(release.number, {**release.files, **({path: draft.body} if draft else {})})
    process = next((process for process in drawn.processes.values() if process.path == path), None)
    if process is None:
        abort(404)
    target = path_of(process.id)
    if target not in release.files and _draft(target) is None:
        body = sketch(drawn, process.id)
        made = DiagramDraft(
            target, request_context.person().name, body, release.number, request_context.now()
        )
        drafts.save_diagram(request_context.gongdan().db, made)
        flash(gettext("A first scenario, as a draft: finish it, then try it out."), "info")
    return redirect(url_for(".edit", path=target), 303)


@bp.get("/compare")
def compare_releases() -> ResponseReturnValue:
    """What differs between two releases: files, and elements of diagrams."""
    releases = request_context.gongdan().releases
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
    release = request_context.gongdan().releases.get(number)
    body = release.files.get(request.args.get("path", ""))
    if body is None:
        abort(404)
    return diagrams.kept(body)
