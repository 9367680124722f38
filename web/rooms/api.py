"""Whether the service is well, for load balancers and monitors."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from engine.errors import NotFound
from web import context

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/health")
def health() -> ResponseReturnValue:
    """200 with the release in force; 503 while there is none. Says nothing about cases or people."""
    try:
        number = context.gongdan().releases.current().number
    except NotFound:
        return {"status": "no release is published"}, 503
    return {"status": "ok", "release": number}
