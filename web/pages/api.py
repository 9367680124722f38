"""Whether the service is well, for load balancers and monitors."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from engine.base.errors import GongdanError
from engine.operations.health import OK, UNWRITABLE, State
from web import request_context

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/health")
def health() -> ResponseReturnValue:
    """200 with the release in force while all is well; else 503 and one word why, for strangers as for anybody.

    What was found in detail goes to the log, and to administrators who are signed in.
    """
    state = request_context.health().look()
    told: dict[str, object] = {"status": state.word}
    if state.word == OK:
        told["release"] = state.release
    elif _asked_by_administrator(state):
        told["found"] = state.found
    return told, 200 if state.word == OK else 503


def _asked_by_administrator(state: State) -> bool:
    """A database that may not even be read is not asked who that is: the answer must come at once."""
    if state.word == UNWRITABLE and state.release is None:
        return False
    try:
        return request_context.has_role("admin")
    except GongdanError:
        return False
