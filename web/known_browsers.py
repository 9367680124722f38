"""Browsers in which an account was signed in before: strangers who guess its password cannot keep them out.

A signed cookie names the accounts, each with an id of its own, which counts failures of that browser alone
(engine/people/attempts.py). It lets nobody in.
"""

from __future__ import annotations

import secrets

from flask import Response, after_this_request, request
from itsdangerous import BadData, URLSafeTimedSerializer

from engine.people.attempts import Caller

from . import request_context
from .cookies import host_cookie

MOST = 8  #: accounts of one browser; the one signed in longest ago goes
LASTS = 180 * 24 * 3600  #: seconds since the last sign-in


def caller(name: str) -> Caller:
    """Who tries to be the account ``name``."""
    return Caller(request.remote_addr or "", _known().get(name))


def remember(name: str) -> None:
    """Let this browser, in which ``name`` just signed in, be known."""
    known = _known()
    mine = known.pop(name, None) or secrets.token_urlsafe(12)
    kept = dict([*known.items(), (name, mine)][-MOST:])

    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            host_cookie("gongdan-browser", request_context.settings()),
            str(_signer().dumps(kept)),
            max_age=LASTS,
            secure=request_context.settings().https,
            httponly=True,
            samesite="Lax",
        )
        return response


def _known() -> dict[str, str]:
    cookie = request.cookies.get(host_cookie("gongdan-browser", request_context.settings()), "")
    try:
        found = _signer().loads(cookie, max_age=LASTS)
    except BadData:
        return {}
    return {str(name): str(id) for name, id in found.items()} if isinstance(found, dict) else {}


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(request_context.settings().signing_keys, salt="known browser")
