"""The outbox: every message, what became of it, and sending once more where the result is unknown."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.queries import work
from engine.rules import LEADS, SEES_ALL
from web import context
from web.tables import decode_cursor, encode_cursor

bp = Blueprint("outbox", __name__, url_prefix="/outbox")
STATES = ("pending", "sending", "sent", "unknown", "failed", "withdrawn", "cancelled")


@bp.get("/")
def listing() -> ResponseReturnValue:
    """Messages, newest first."""
    context.need_role(*SEES_ALL)
    after = decode_cursor(request.args.get("after"))
    wanted = request.args.get("state", "")
    state = wanted if wanted in (*STATES, "stuck") else None
    rows, following = work.all_messages(
        context.gongdan().db,
        context.person(),
        state=state,
        after=(str(after[0]), str(after[1])) if after and len(after) == 2 else None,
    )
    return render_template(
        "outbox/list.html",
        rows=rows,
        next=encode_cursor(following),
        state=state,
        states=STATES,
        counts=context.gongdan().outbox.counts(),
    )


@bp.post("/again")
def again() -> ResponseReturnValue:
    """Send an entry whose result is unknown, or that failed, once more: a person takes the risk of a double."""
    context.need_role(*LEADS)
    entry = context.gongdan().outbox.entry(request.form.get("id", ""))
    context.known_case(entry.case_id)
    context.gongdan().outbox.send_again(entry.id, datetime.fromisoformat(context.now()))
    flash(gettext("It will be sent once more."), "ok")
    return redirect(url_for(".listing"), 303)
