"""Addresses that programs look for under the same name everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue

from web import request_context

bp = Blueprint("well_known", __name__)
HOLDS = timedelta(
    days=90
)  #: a contact is what the settings say as long as the service answers; RFC 9116 wants an end


@bp.get("/.well-known/security.txt")
def security_txt() -> ResponseReturnValue:
    """Whom to tell of a weakness (RFC 9116); there is no such page while the settings name nobody."""
    contact = request_context.settings().security_contact
    if not contact:
        abort(404)
    now = datetime.fromisoformat(request_context.gongdan().now()).astimezone(UTC)
    until = (now + HOLDS).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [f"Contact: {contact}", f"Expires: {until:%Y-%m-%dT%H:%M:%SZ}", "Preferred-Languages: zh, en", ""]
    return Response("\n".join(lines), content_type="text/plain; charset=utf-8")
