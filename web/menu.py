"""The rooms in the top bar, and what every template may ask."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import orjson
from flask import Flask, request
from flask_babel import lazy_gettext
from markupsafe import Markup

from engine.base.facts import Effects, plain
from engine.people.roles import Assignment
from engine.people.rules import fits
from engine.queries.scope import may_search
from web.pages import drafts, notices

from . import doors, formatting, request_context
from .polling import tagged

APPROVALS = "approvals.listing"  #: where nothing waits for a second person, it is no room
#: endpoint, title, icon; whom its door lets in sees it, the search whoever may look cases up
ROOMS: tuple[tuple[str, object, str], ...] = (
    ("inbox.show", lazy_gettext("Inbox"), "inbox"),
    ("cases.new", lazy_gettext("New case"), "plus"),
    ("cases.search", lazy_gettext("Cases"), "case"),
    ("board.show", lazy_gettext("Board"), "board"),
    ("reports.listing", lazy_gettext("Reports"), "chart"),
    ("outbox.listing", lazy_gettext("Outbox"), "message"),
    ("processes.listing", lazy_gettext("Processes"), "flow"),
    ("designer.room", lazy_gettext("Designer"), "pencil"),
    (APPROVALS, lazy_gettext("Approvals"), "check"),
    ("audit.listing", lazy_gettext("Audit"), "history"),
    ("admin.people", lazy_gettext("Administration"), "gear"),
)


def rooms() -> list[tuple[str, object, str]]:
    """The rooms that the person may enter."""
    away = set() if may_search(request_context.person()) else {"cases.search"}
    if not request_context.settings().second_person:
        away.add(APPROVALS)
    return [room for room in ROOMS if room[0] not in away and doors.opens(room[0])]


def typing_keys() -> list[str]:
    """The keys under which this browser keeps what the person typed: pages of anybody else do not have them.

    With the first it keeps; what it kept under a ``SECRET_KEY`` of before opens with one of the others.
    """
    told = b"typed:" + request_context.person().name.encode()
    keys = reversed(request_context.settings().signing_keys)
    return [hmac.new(key.encode(), told, hashlib.sha256).hexdigest() for key in keys]


def install(app: Flask) -> None:
    """Give templates the menu and small helpers."""
    app.jinja_env.globals.update(
        rooms=rooms,
        signed_in=request_context.signed_in,
        done_with=drafts.done_with,
        typing_keys=typing_keys,
        is_here=is_here,
        me=request_context.person,
        process_name=formatting.process_name,
        unread_notices=notices.unread_notices,
        fits_me=lambda row: fits(request_context.person(), Assignment(row.role, row.skill, row.department)),
    )
    app.jinja_env.filters.update(
        tagged=lambda html: Markup(tagged(str(html))),  # noqa: S704 (our own rendered template)
        pretty=pretty,
        merged=lambda values, **more: {k: v for k, v in {**values, **more}.items() if v is not None},
    )


def is_here(endpoint: str) -> bool:
    """Whether the request is in the room that ``endpoint`` opens; "new case" is a room of its own."""
    if "cases.new" in (endpoint, request.endpoint):
        return endpoint == request.endpoint
    return request.blueprint == endpoint.partition(".")[0]


def pretty(value: Any) -> str:
    """Plain data, or facts, as indented JSON."""
    data = plain(value) if isinstance(value, Effects) else value
    return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
