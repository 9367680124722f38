"""The board: where work piles up, what is late, who is loaded."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from engine.queries import board as query
from web import request_context
from web.i18n import pick
from web.polling import unchanged
from web.tables import decode_cursor, encode_cursor

bp = Blueprint("board", __name__, url_prefix="/board")


@bp.get("/")
def show() -> ResponseReturnValue:
    """The figures; htmx asks for them alone."""
    release = request_context.in_force()
    values = {
        "figures": query.figures(
            request_context.gongdan().db, request_context.person(), request_context.now()
        ),
        "processes": {id: pick(process.names) for id, process in release.processes.items()},
        "parameters": release.parameters,
    }
    if request_context.wants_fragment():
        return unchanged("board/figures.html", **values)
    return render_template("board/page.html", **values)


@bp.get("/limits")
def limits() -> ResponseReturnValue:
    """The limits behind a figure of the board: those of one parameter in one state."""
    gongdan = request_context.gongdan()
    parameter, state = request.args.get("parameter", ""), request.args.get("state", "")
    if state not in query.LIVE:
        abort(404)
    after = decode_cursor(request.args.get("after"))
    cursor = (str(after[0]), str(after[1]), str(after[2])) if after and len(after) == 3 else None
    rows, following = query.limits(gongdan.db, request_context.person(), parameter, state, cursor)
    release = request_context.in_force()
    known = release.parameters.get(parameter)
    return render_template(
        "board/limits.html",
        rows=rows,
        next=encode_cursor(following),
        name=pick(known.name) if known else parameter,
        state=state,
    )
