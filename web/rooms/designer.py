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
from engine.errors import NotAllowed
from engine.lint import Finding
from engine.release import Release
from engine.rules import PUBLISHES
from engine.scenarios import FOLDER as SCENARIOS
from engine.scenarios import Judgement, judge, path_of, sketch
from web import context, diagrams, shown
from web.i18n import listed, locale, pick
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
    release = _current()
    return render_template(
        "designer/room.html",
        release=release,
        groups=_groups(release),
        names=_names(release),
        authors=context.gongdan().releases.authors(release.number),
        mine=_mine(),
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
    as_text = request.args.get("as") == "text" or not path.endswith(".bpmn")
    findings = proposals.lint_one(release, path, body)
    return render_template(
        "designer/text.html" if as_text else "designer/modeler.html",
        path=path,
        name=_names(release).get(path, path),
        draft=draft,
        base=draft.base_release if draft else release.number,
        body=body.decode("utf-8", "replace"),
        findings=findings,
        findings_json=[finding.as_json(locale()) for finding in findings],
        catalogue=_catalogue(release),
    )


def _names(release: Release) -> dict[str, str]:
    """What a file is called: its processes, its form's title, its text's key."""
    found: dict[str, str] = {}
    for process in release.processes.values():
        found[process.path] = listed([found.get(process.path, ""), pick(process.names)])
        found[path_of(process.id)] = pick(process.names)
    found |= {f"forms/{key}.json": pick(form.title) for key, form in release.forms.items()}
    return found | {
        f"bpmn/templates/{key}.json": pick(template.text)[:40] for key, template in release.templates.items()
    }


def _groups(release: Release) -> list[tuple[str, list[str]]]:
    """Files by kind, diagrams first."""
    kinds = {
        "diagrams": gettext("Diagrams"),
        "tables": gettext("Decision tables"),
        "forms": gettext("Forms"),
        "texts": gettext("Texts"),
        "scenarios": gettext("Scenarios"),
        "others": gettext("Other files"),
    }
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for path in sorted(release.files):
        found[_kind(path)].append(path)
    return [(kinds[kind], paths) for kind, paths in found.items()]


def _kind(path: str) -> str:
    if path.endswith((".bpmn", ".dmn")):
        return "diagrams" if path.endswith(".bpmn") else "tables"
    folders = {"forms/": "forms", "bpmn/templates/": "texts", SCENARIOS: "scenarios"}
    return next((kind for folder, kind in folders.items() if path.startswith(folder)), "others")


def _catalogue(release: Release) -> dict[str, list[dict[str, str]]]:
    """What the properties panel offers to choose from."""
    tables = (path for path in release.files if path.startswith("bpmn/decisions/") and path.endswith(".dmn"))
    return {
        "forms": [{"id": key, "name": pick(form.title)} for key, form in release.forms.items()],
        "processes": [{"id": p.id, "name": pick(p.names)} for p in release.processes.values()],
        "decisions": [{"id": path.rpartition("/")[2].removesuffix(".dmn"), "name": ""} for path in tables],
        "parameters": [{"id": id, "name": pick(one.name)} for id, one in release.parameters.items()],
    }


@bp.get("/file")
def file() -> Response:
    """The designer's draft of a file, else the file of the current release."""
    path = _path()
    draft = _draft(path)
    kind = "application/xml" if path.endswith((".bpmn", ".dmn")) else "application/json"
    return Response(draft.body if draft else _current().files[path], mimetype=kind)


@bp.post("/file")
def save() -> ResponseReturnValue:
    """Keep a draft; scripts get the findings as JSON, browsers without scripts the page again."""
    path = _path()
    text = request.form.get("body", "").replace("\r\n", "\n")
    base = request.form.get("base", _current().number, type=whole)
    made = DiagramDraft(path, context.person().name, text.encode(), base, context.now())
    drafts.save_diagram(context.gongdan().db, made)
    if request.accept_mimetypes.best == "application/json":
        return _found(path, made.body)
    flash(gettext("Draft kept."), "ok")
    view: dict[str, Any] = {"path": path, "as": request.form.get("as") or None}
    return redirect(url_for(".edit", **view), 303)


@bp.post("/lint")
def lint() -> ResponseReturnValue:
    """Findings of an unsaved file, as JSON."""
    return _found(_path(), request.form.get("body", "").encode())


def _found(path: str, body: bytes) -> Response:
    return jsonify([finding.as_json(locale()) for finding in proposals.lint_one(_current(), path, body)])


@bp.post("/discard")
def discard() -> ResponseReturnValue:
    """Throw a draft away."""
    drafts.forget_diagram(context.gongdan().db, _path(), context.person().name)
    flash(gettext("Draft thrown away."), "info")
    return redirect(url_for(".room"), 303)


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


def _published(mine: Sequence[DiagramDraft], note: str) -> int | _Refused | None:
    """The release made of the drafts; None when another one came in while they were judged, so that they are again.

    What was played is what is published: two designers' changes of different files meet in a judgement.
    """
    release = _current()
    changed = {draft.path: draft.body for draft in mine}
    findings, judgement = _judged(release, changed)
    reason = request.form.get("reason", "").strip()
    faults = [f for f in findings if f.grave] if judgement is None else judgement.against(reason)
    if faults:
        return _Refused(faults, findings, judgement)
    if judgement is not None and judgement.unproved:
        note = gettext("%(note)s (without scenarios: %(reason)s)", note=note, reason=reason)
    base = min(draft.base_release for draft in mine)
    return context.gongdan().releases.publish_on(
        release.number, dict(changed), context.person().name, note, context.now(), base
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
