"""Cases: finding one, opening one, and everything about one."""

from __future__ import annotations

import secrets
from io import BytesIO

import orjson
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.base.errors import InvalidFile, NotAllowed, NotFound, Rejected, TechnicalFailure
from engine.base.facts import plain
from engine.base.phones import one_form
from engine.case.commands import ClaimTask, PauseClocks, ResumeClocks, StartCase
from engine.case.numbers import parse
from engine.forms import attachments
from engine.people import access_log
from engine.privacy.sealing import lookup_key
from engine.queries import cases, scope, sent, timeline, work
from engine.queries.cases import Case
from web import (
    calling,
    case_data_view,
    damage,
    diagrams,
    errors,
    formatting,
    history_text,
    links,
    report_links,
    request_context,
    sla_view,
)
from web.local_paths import local_path
from web.polling import unchanged
from web.tables import decode_cursor, encode_cursor

bp = Blueprint("cases", __name__, url_prefix="/cases")


@bp.get("/")
def search() -> ResponseReturnValue:
    """Find by number or phone, or leaf through all cases."""
    if not scope.may_search(request_context.person()):
        abort(404)
    text = request.args.get("q", "").strip()
    db, person = request_context.gongdan().db, request_context.person()
    if text:
        number = parse(text) or text
        found, following = (
            cases.find(db, person, number, lookup_key(request_context.settings().lookup_key, one_form(text))),
            None,
        )
    else:
        after = decode_cursor(request.args.get("after"))
        found, following = cases.listed(
            db,
            person,
            state=request.args.get("state") or None,
            process=request.args.get("process") or None,
            waiting=bool(request.args.get("waiting")),
            after=(str(after[0]), str(after[1])) if after and len(after) == 2 else None,
        )
    hidden = scope.hidden_from(db, person, [one.id for one in found], request_context.in_force())
    found = [one for one in found if one.id not in hidden]
    if text and len(found) == 1 and found[0].id == number:
        return redirect(url_for(".show", case_id=number))
    return render_template(
        "cases/search.html",
        q=text,
        found=found,
        next=encode_cursor(following),
        filters={k: v for k, v in request.args.items() if k in ("state", "process", "waiting")},
        processes=request_context.process_names(startable=True),
    )


@bp.get("/new")
def new() -> ResponseReturnValue:
    """Choose what kind of case to open."""
    current = request_context.in_force()
    startable = [
        p
        for p in current.processes.values()
        if p.startable and scope.may_follow(request_context.person(), p.id, current)
    ]
    return render_template(
        "cases/new.html", domains=diagrams.by_domain(startable), submit_key=secrets.token_urlsafe(24)
    )


@bp.post("/new")
def start() -> ResponseReturnValue:
    """Open a case and go straight to its first task, which the opener holds when they may."""
    person, at = request_context.person().name, request_context.now()
    asked = request.form.get("process", "")
    current = request_context.in_force()
    if asked in current.processes and not scope.may_follow(request_context.person(), asked, current):
        abort(403)  # they could never look at it
    key = request.form.get("submit_key")
    command = StartCase(
        process=asked,
        data={},
        actor=person,
        at=at,
        key=f"{person}:{key}" if key else None,
    )
    try:
        receipt = request_context.dispatch(command)
    except TechnicalFailure as failure:  # before there was a case: no incident can record it
        said = gettext(
            "No case was opened, for a step at the beginning of %(process)s failed. Nothing was recorded. Try again; "
            "if it stays so, tell whoever draws the process.",
            process=request_context.all_process_names().get(asked, asked),
        )
        again = {"process": asked, "submit_key": key or secrets.token_urlsafe(24)}
        status = errors.noted(failure)
        return errors.page(
            status, gettext("The case was not opened"), said, formatting.refusal(failure), again
        )
    for task in receipt.opened:
        try:
            request_context.dispatch(ClaimTask(case_id=receipt.case_id, task=task, actor=person, at=at))
        except (NotAllowed, Rejected, TechnicalFailure):  # the case is there, and shows what is the matter
            continue
        return redirect(url_for("tasks.show_task", case_id=receipt.case_id, number=task), 303)
    flash(history_text.opened(receipt.case_id), "ok")
    return redirect(url_for(".show", case_id=receipt.case_id), 303)


@bp.get("/<case_id>")
def show(case_id: str) -> ResponseReturnValue:
    """Everything about one case."""
    case = request_context.known_case(case_id)
    request_context.note_view(case_id, "case")
    release = request_context.release_of(case)
    told = request_context.steps_of(case)
    data = timeline.data_after(told)
    reading = case_data_view.Reading(release, timeline.given(request_context.gongdan().db, case_id, told))
    values = {
        "case": case,
        "steps": history_text.told(told, case, reading)[::-1],
        "diagrams": diagrams.of_case(case, release, told),
        "data": reading.lines(data),
        "technical": reading.technical(data),
        "files": list(attachments.named(data)),
        "link": report_links.of_case(case),
        "linked": links.of_case(case),
        "others": request_context.others_of(case),
        "calls": calling.logged(case),
        "outcome": history_text.outcome(release, case, case.outcome),
        "views": access_log.of_case(request_context.gongdan().db, case_id, 50)
        if request_context.may("cases.all")
        else [],
        **_state(case),
    }
    return render_template("cases/page.html", **values)


@bp.get("/<case_id>/files/<sha256>")
def file(case_id: str, sha256: str) -> ResponseReturnValue:
    """A file that came with the case. Pictures and sound open in the browser, anything else is downloaded."""
    request_context.known_case(case_id)
    folder = attachments.Folder(request_context.settings().var, case_id)
    try:
        described, body = folder.recall(sha256), folder.content(sha256)
    except InvalidFile:
        return errors.page(500, gettext("The file is not what was given"), gettext(
            "Its bytes were changed after it came. Tell the administrator; `db check` names such files."))  # fmt: skip
    if described is None or body is None:
        return errors.page(404, gettext("There is no such file"), gettext(
            "It never came with this case, was erased with it, or is missing from the store."))  # fmt: skip
    request_context.note_view(case_id, "file")
    opens = described["type"].startswith(("image/", "audio/"))
    return send_file(
        BytesIO(body), mimetype=described["type"], as_attachment=not opens, download_name=described["name"]
    )


def _state(case: Case) -> dict[str, object]:
    db, limits = request_context.gongdan().db, sla_view.clocks(case)
    return {
        "case": case,
        "tasks": [task for task in work.tasks(db, case.id) if task.state == "open"],
        "timers": sla_view.timers(case, limits),
        "clocks": limits,
        "messages": sent.messages(request_context.steps_of(case, sent.HOLDING), work.messages(db, case.id)),
        "incidents": work.incidents(db, case.id),
    }


@bp.get("/<case_id>/state")
def state(case_id: str) -> ResponseReturnValue:
    """Open tasks, limits and timers; asked every ten seconds."""
    return unchanged("cases/state.html", **_state(request_context.known_case(case_id)))


@bp.get("/<case_id>.json")
def download(case_id: str) -> Response:
    """The whole history of the case, for another system or an auditor."""
    case = request_context.known_case(case_id)
    request_context.note_view(case_id, "download")
    damage.of_evidence()
    told = request_context.steps_of(case)
    body = {
        "verdict": damage.as_json(),
        "case": {name: getattr(case, name) for name in Case.__dataclass_fields__ if name != "phone_key"},
        "history": [
            {
                "seq": step.seq, "at": step.at, "recorded_at": step.recorded_at, "actor": step.actor,
                "type": step.kind, "command": step.command, "effects": plain(step.effects), "release": step.release,
                "hash": step.hash,
            }
            for step in told
        ],
        "data": timeline.data_after(told),
    }  # fmt: skip
    answer = Response(orjson.dumps(body, option=orjson.OPT_INDENT_2), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{case_id}.json"'
    return answer


@bp.post("/<case_id>/pause")
def pause(case_id: str) -> ResponseReturnValue:
    """The case waits for the customer: limits that may pause stop, for a reason."""
    request_context.known_case(case_id)
    reason = request.form.get("reason", "").strip()
    if not reason:
        raise Rejected(gettext("Say what the customer is to do: the reason stays in the history."))
    request_context.dispatch(
        PauseClocks(
            case_id=case_id, reason=reason, actor=request_context.person().name, at=request_context.now()
        )
    )
    return redirect(local_path(request.form.get("next")), 303)


@bp.post("/<case_id>/resume")
def resume(case_id: str) -> ResponseReturnValue:
    """The customer answered: paused limits run on."""
    request_context.known_case(case_id)
    request_context.dispatch(
        ResumeClocks(case_id=case_id, actor=request_context.person().name, at=request_context.now())
    )
    return redirect(local_path(request.form.get("next")), 303)


@bp.get("/<case_id>/diagram/<process>.bpmn")
def diagram(case_id: str, process: str) -> Response:
    """A diagram of the release the case runs on."""
    case = request_context.known_case(case_id)
    release = request_context.release_of(case)
    found = release.processes.get(process)
    if found is None:
        raise NotFound(process)
    return diagrams.answer(release, found)
