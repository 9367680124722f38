"""Many accounts at once from a CSV file: first what it would do, then, once more asked, done."""

from __future__ import annotations

import base64
import binascii

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from engine.base.errors import Rejected
from engine.operations import people_file
from engine.operations.people_file import Report
from web import formatting, request_context

from .admin import bp
from .people import tell_handed

DONE = {
    people_file.ADDED: lazy_gettext("added"),
    people_file.CHANGED: lazy_gettext("changed"),
    people_file.SAME: lazy_gettext("as it was"),
    people_file.REFUSED: lazy_gettext("refused"),
}
GIVEN = {
    "display": lazy_gettext("Shown as"),
    "roles": lazy_gettext("Roles"),
    "skills": lazy_gettext("Skills"),
    "departments": lazy_gettext("Departments"),
    "teams": lazy_gettext("Teams"),
    "mail": lazy_gettext("Mail address"),
    "external_id": lazy_gettext("Id elsewhere"),
    "active": lazy_gettext("Account"),
}


@bp.get("/people/file")
def from_file() -> ResponseReturnValue:
    """Choose a file."""
    return _page()


@bp.post("/people/file")
def take_file() -> ResponseReturnValue:
    """Say line by line what the file would do, or, once that was seen, do it: all of it, or nothing."""
    sent = request.form.get("content")
    try:
        content = _chosen() if sent is None else base64.b64decode(sent, validate=True)
    except binascii.Error:
        return _page(error=gettext("Choose the file once more.")), 422
    if not content:
        return _page(error=gettext("Choose a file with something in it.")), 422
    try:
        report = people_file.run(request_context.gongdan(), content, request_context.by(), dry=sent is None)
    except Rejected as refused:
        return _page(error=formatting.refusal(refused)), 422
    tell_handed(report.handed)
    return _page(report, base64.b64encode(content).decode()), 422 if report.refused else 200


def _chosen() -> bytes:
    file = request.files.get("file")
    return file.read(people_file.MOST_BYTES + 1) if file is not None else b""


def _page(report: Report | None = None, content: str = "", error: str | None = None) -> str:
    return render_template(
        "people/file.html",
        report=report,
        content=content,
        error=error,
        columns=people_file.COLUMNS,
        done=DONE,
        given=GIVEN,
        most=people_file.MOST_LINES,
        hours=request_context.settings().one_time_hours,
    )
