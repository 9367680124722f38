"""The outbox: every message, what became of it, and sending once more where the result is unknown."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.queries import work
from web import request_context
from web.tables import decode_cursor, encode_cursor

bp = Blueprint("outbox", __name__, url_prefix="/outbox")
STATES = ("pending", "sending", "sent", "unknown", "failed", "withdrawn", "cancelled")


@bp.get("/")
def listing() -> ResponseReturnValue:
    """Messages, newest first."""
    after = decode_cursor(request.args.get("after"))
    wanted = request.args.get("state", "")
    state = wanted if wanted in (*STATES, "stuck") else None
    rows, following = work.all_messages(
        request_context.gongdan().db,
        request_context.person(),
        state=state,
        after=(str(after[0]), str(after[1])) if after and len(after) == 2 else None,
    )
    return render_template(
        "outbox/list.html",
        rows=rows,
        next=encode_cursor(following),
        state=state,
        states=STATES,
        counts=request_context.gongdan().outbox.counts(),
    )


@bp.post("/again")
def again() -> ResponseReturnValue:
    """Send an entry whose result is unknown, or that failed, once more: a person takes the risk of a double."""
    entry = request_context.gongdan().outbox.entry(request.form.get("id", ""))
    request_context.known_case(entry.case_id)
    request_context.gongdan().outbox.send_again(entry.id, datetime.fromisoformat(request_context.now()))
    flash(gettext("It will be sent once more."), "ok")
    return redirect(url_for(".listing"), 303)
