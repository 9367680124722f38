"""Each request has a number that the answer, its error page and every line of the log about it name; and is counted."""

from __future__ import annotations

import re
import secrets
import time
from typing import cast

import structlog
from flask import Flask, Response, g, request

from engine.base import logs, metrics
from engine.base.settings import Settings

HEADER = "X-Request-ID"
_NUMBER = re.compile(r"[A-Za-z0-9-]{8,64}")
_UNLOGGED = frozenset({"static", "health"})  #: rooms that are asked all the time and say nothing of the work
log = structlog.get_logger("gongdan.requests")


def install(app: Flask, settings: Settings) -> None:
    """Number and count every request of ``app``; to be installed first, for what is refused has a number too."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**{logs.REQUEST: request_id(trusted=bool(settings.proxies))})

    @app.after_request
    def count(response: Response) -> Response:
        spent = time.perf_counter() - g.began
        room = request.blueprint or ("static" if request.endpoint == "static" else "none")
        route = request.url_rule.rule if request.url_rule is not None else "none"
        method = request.method if request.method in ("GET", "HEAD", "POST", "OPTIONS") else "other"
        metrics.requests.labels(route, method, str(response.status_code)).inc()
        metrics.request_seconds.labels(room).observe(spent)
        response.headers[HEADER] = request_id()
        if logs.detailed() and room not in _UNLOGGED:
            told = {"route": route, "method": method, "status": response.status_code}
            log.info("request", **told, milliseconds=round(spent * 1000, 1))
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()

    app.jinja_env.globals["request_id"] = request_id


def request_id(*, trusted: bool = False) -> str:
    """The number of this request: that of the proxy in front where one is ``trusted``, else one of our own."""
    if "request_id" not in g:
        given = request.headers.get(HEADER, "") if trusted else ""
        g.request_id = given if _NUMBER.fullmatch(given) else secrets.token_hex(8)
    return cast(str, g.request_id)
