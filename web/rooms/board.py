"""The board: where work piles up, what is late, who is loaded."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from engine.queries.board import figures
from web import context
from web.i18n import pick
from web.polling import unchanged

bp = Blueprint("board", __name__, url_prefix="/board")
ROLES = ("supervisor", "manager", "admin", "complaint_centre", "quality")


@bp.get("/")
def show() -> ResponseReturnValue:
    """The figures; htmx asks for them alone."""
    context.need_role(*ROLES)
    release = context.gongdan().releases.current()
    values = {
        "figures": figures(context.gongdan().db, context.now()),
        "processes": {id: pick(process.names) for id, process in release.processes.items()},
        "parameters": release.parameters,
    }
    if context.wants_fragment():
        return unchanged("board/figures.html", **values)
    return render_template("board/page.html", **values)
