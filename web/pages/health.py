"""Whether the service is well: for load balancers, monitors and Prometheus; and for administrators on a page.

Strangers hear one word. What was looked at, and what is counted, is for who shows the monitor's token and for the
machine itself; of health also for an administrator who is signed in.
"""

from __future__ import annotations

import secrets
from ipaddress import IPv6Address, ip_address
from typing import Any

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from engine.base.errors import GongdanError
from engine.operations import exposition
from engine.operations.checks import Check
from engine.operations.health import State
from web import formatting, request_context

bp = Blueprint("health", __name__)
OK, NOT_OK = "ok", "not ok"
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")


@bp.get("/livez")
def live() -> ResponseReturnValue:
    """200: the process answers. It asks nobody, so that a database that is away starts no process anew."""
    return {"status": OK}


@bp.get("/readyz")
@bp.get("/api/health")
def ready() -> ResponseReturnValue:
    """200 while this process can do its work, else 503; the checks for who may see them. Within two seconds."""
    state = request_context.health().look()
    told: dict[str, Any] = {"status": OK if state.well else NOT_OK}
    if _may_see(state):
        told |= {"release": state.release, "checks": [_check(check) for check in state.checks]}
    return told, 200 if state.well else 503


@bp.get("/metrics")
def measured() -> ResponseReturnValue:
    """What Prometheus reads; for everybody else there is no such page."""
    if not _is_monitor():
        abort(404)
    told = exposition.text(request_context.health().look(), request_context.own_pulse())
    return Response(told, content_type=exposition.CONTENT_TYPE)


def _check(check: Check) -> dict[str, Any]:
    said = [formatting.told(one) for one in check.told]
    return {"name": check.name, "state": check.state, "said": said, "detail": check.detail}


def _may_see(state: State) -> bool:
    """A database that may not even be read is not asked who that is: the answer must come at once."""
    if _is_monitor():
        return True
    if not state.well and state.release is None:
        return False
    try:
        return request_context.may("health")
    except GongdanError:
        return False


def _is_monitor() -> bool:
    """Whether the monitor's token was shown, or the machine itself asks, not somebody through a proxy on it."""
    token = request_context.settings().monitor_token
    shown = request.headers.get("Authorization", "").encode()
    if token and secrets.compare_digest(shown, f"Bearer {token}".encode()):
        return True
    return not any(name in request.headers for name in _FORWARDED) and _is_loopback(request.remote_addr or "")


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:  # as of a socket that has no address
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found.is_loopback
