"""What goes wrong, as HTTP: the only place that knows status codes of engine errors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import structlog
from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from werkzeug.exceptions import BadRequest, HTTPException

from engine.base.errors import (
    Conflict,
    GongdanError,
    InvalidFile,
    InvalidForm,
    NotAllowed,
    NotFound,
    Rejected,
    TechnicalFailure,
    Unavailable,
    UnknownYear,
)

from . import damage, formatting, request_context, tracing
from .bounds import TooLarge

log = structlog.get_logger("gongdan.pages")
MOST_DROPPED = 128 * 1024 * 1024  #: bytes of a request that is too large that are read before it is answered
STATUS: dict[type[GongdanError], int] = {
    NotFound: 404,
    NotAllowed: 403,
    Conflict: 409,
    Rejected: 409,
    InvalidForm: 422,
    InvalidFile: 422,
    UnknownYear: 422,
    TechnicalFailure: 500,
    Unavailable: 503,
    GongdanError: 500,
}


def install(app: Flask) -> None:
    """Answer errors with a page that says what happened and offers a way back."""
    app.register_error_handler(GongdanError, refused)
    app.register_error_handler(HTTPException, _http)


def status_of(error: GongdanError) -> int:
    """The HTTP status of an engine error: that of its nearest listed ancestor."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def page(
    status: int, title: str, text: str, detail: str = "", again: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    """The error page. ``again``: the fields with which the same form can be sent once more from it."""
    if request.path.startswith("/api/"):
        return {
            "status": status,
            "title": title,
            "detail": detail or text,
            "request": tracing.request_id(),
        }, status
    if request_context.wants_data():
        return {
            "status": status,
            "title": title,
            "text": detail or text,
            "request": tracing.request_id(),
        }, status
    drawn = partial(
        render_template, "error.html", status=status, title=title, text=text, detail=detail, again=again or {}
    )
    try:  # who it is is asked here, not in the template: an error may come before anybody is known
        return drawn(known=bool(getattr(current_user, "is_authenticated", False))), status
    except GongdanError:  # what failed before fails for the head of the page, too
        return drawn(known=False), status


def noted(error: GongdanError) -> int:
    """The status of ``error``; a failure is in the log: whoever watches the house must see it, not only who met it."""
    status = status_of(error)
    if status >= 500:
        log.error("page not served", path=request.path, reason=str(error))
    return status


def refused(error: GongdanError) -> ResponseReturnValue:
    """The answer to what the engine refused or could not do."""
    status = status_of(error)
    if status not in (403, 409, 422) and (page_on_damage := damage.answer(error)) is not None:
        return page_on_damage
    noted(error)
    if status == 404:
        return page(404, gettext("Not found"), gettext("There is no such thing here, or it is not for you."))
    if isinstance(error, Rejected) and not isinstance(error, Conflict):
        sent = request.method not in ("GET", "HEAD")  # who only looked has nothing to lose
        kept = gettext("Nothing was recorded.") if sent else ""
        return page(status, gettext("That does not fit here"), kept, formatting.refusal(error))
    if status == 500:
        return page(status, *_failed(error), formatting.refusal(error))
    title, text = {
        403: (gettext("Not allowed"), gettext("Your role does not allow this.")),
        409: (
            gettext("Somebody was faster"),
            gettext("The case changed meanwhile. Nothing of yours was recorded."),
        ),
        422: (gettext("Cannot be used as it is"), gettext("The input has a mistake.")),
        503: (
            gettext("That did not work"),
            gettext(
                "Nothing can be recorded or shown just now. Wait a minute, then try again; if it stays so, "
                "tell the administrator."
            ),
        ),
    }[status]
    # What a driver says names hosts and files, in English: it is in the log.
    return page(status, title, text, "" if isinstance(error, Unavailable) else formatting.refusal(error))


def _failed(error: GongdanError) -> tuple[str, str]:
    """The heading of a failure and what became of it: only what an incident records can be retried there."""
    if isinstance(error, TechnicalFailure) and error.incident is not None:
        return gettext("A step failed"), gettext(
            "Nothing was recorded. The failure is listed under incidents; operators can retry it."
        )
    if request.method in ("GET", "HEAD"):
        return gettext("That did not work"), gettext(
            "This cannot be shown. Try again; if it stays so, tell the administrator."
        )
    return gettext("That did not work"), gettext(
        "Nothing was recorded. Try again; if it stays so, tell the administrator."
    )


def _drop_rest() -> None:
    """Read what is still coming, up to a bound: a browser shows no answer before it has sent all of its form."""
    left, body = MOST_DROPPED, request.environ["wsgi.input"]
    try:
        while left > 0 and (piece := body.read(min(left, 1 << 16))):
            left -= len(piece)
    except OSError:  # the sender is gone, and needs no page
        return


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error.get_response()
    if error.code == 413:
        _drop_rest()
    title, text = {
        400: (gettext("Cannot be used as it is"), gettext("The input has a mistake.")),
        403: (gettext("Not allowed"), gettext("Your role does not allow this.")),
        404: (gettext("Not found"), gettext("There is no such thing here, or it is not for you.")),
        413: (gettext("Too large"), gettext("Files and forms may have 32 MB together.")),
    }.get(error.code, (gettext("That did not work"), ""))
    if isinstance(error, TooLarge):
        text = str(error.description)
    # What the library says is English; what a page says of a wrong address is in the reader's language.
    own = error.code == 400 and error.description != BadRequest.description
    return page(error.code, title, text, str(error.description or "") if own else "")
