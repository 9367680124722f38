"""Who is signed in at this request, and what somebody must do first who is.

The browser's cookie holds a token and the account's name; everything else about the session is in the database
(engine/people/sessions.py), so whatever ends it there has ended it at the next request.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog
from flask import Flask, abort, g, request, session
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user
from ua_parser import parse

from engine.base import metrics
from engine.base.errors import Rejected
from engine.operations.credentials import needs_second_step
from engine.people.attempts import TooMany
from engine.people.directory import Person
from engine.people.sessions import Session

from . import known_browsers, request_context
from .doors import DOORS, STRANGERS

OPEN_ENDPOINTS = {endpoint for endpoint, needed in DOORS.items() if needed == STRANGERS}
PASSWORD, SECOND = "password", "second step"  #: what somebody must see to first
#: what to do first → the page on which it is done
FIRST = {PASSWORD: "account.own", SECOND: "account.second_step"}
_MOST_READ = 400  #: characters of what a browser calls itself


class Account(UserMixin):  # type: ignore[misc]  # flask_login has no types
    """A signed-in person, and what their browser keeps."""

    def __init__(self, person: Person, token: str, here: Session) -> None:
        self.person = person
        self.token = token
        self.here = here

    def get_id(self) -> str:
        """What the cookie keeps: token and name."""
        return f"{self.token}:{self.person.name}"


class Accounts(LoginManager):  # type: ignore[misc]  # flask_login has no types
    """Who is signed in, by the session alone: nobody is given a cookie that outlives it, so none is believed."""

    def _load_user_from_remember_cookie(self, _: str) -> None:
        return None


def install(
    app: Flask, ask: Callable[..., ResponseReturnValue], ask_first: Callable[[str], ResponseReturnValue]
) -> None:
    """Everything but the sign-in page is for people who are signed in (else ``ask``) and have done what comes first."""
    manager = Accounts(app, add_context_processor=False)  # templates ask `me()`, and error pages nobody
    manager.user_loader(_load)
    manager.session_protection = "basic"
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(
        hours=request_context.settings_of(app).session_most_hours
    )

    @app.before_request
    def let_through() -> ResponseReturnValue | None:
        if request.endpoint in OPEN_ENDPOINTS:
            return None
        if not current_user.is_authenticated:
            if request.endpoint is None:
                abort(404)
            return ask(trusted=True)
        if (
            request.method != "GET" or not request_context.by_script()
        ):  # what a page asks by itself is nobody's doing
            request_context.gongdan().door.sessions.touch(here(), request_context.now())
        first = to_do_first()
        if first is None or request.blueprint == "account" or request.endpoint == "auth.sign_out":
            return None
        return ask_first(first)


def _load(kept: str) -> Account | None:
    token, _, name = kept.partition(":")
    found = request_context.gongdan().door.sessions.find(token, request_context.now())
    if found is None or found[0].name != name:
        return None
    structlog.contextvars.bind_contextvars(actor=name)  # of every line of the log from here on
    return Account(found[0], token, found[1])


def here() -> Session:
    """The session of this request."""
    found: Session = current_user.here
    return found


def refused(error: Rejected | None) -> int:
    """The status of an answer to somebody who was not let in: ``error``, or (None) wrong words; both are counted."""
    limited = isinstance(error, TooMany)
    metrics.sign_ins.labels("limited" if limited else "wrong").inc()
    return 429 if limited else 401


def let_in(person: Person, means: str) -> None:
    """Sign ``person`` in at this browser; nothing of a session begun before survives it.

    ``means``: how they showed who they are, as the security log tells it.
    """
    address, at = request.remote_addr or "", request_context.now()
    door = request_context.gongdan().door
    browser = browser_name(request.headers.get("User-Agent", ""))
    token, begun = door.open(person, address, browser, at, means)
    metrics.sign_ins.labels("ok").inc()
    session.clear()
    g.pop("to_do_first", None)
    login_user(Account(person, token, begun))
    session.permanent = True
    known_browsers.remember(person.name)


def to_do_first() -> str | None:
    """What the person has to do before anything else: one of :data:`FIRST`, or nothing."""
    if "to_do_first" not in g:
        person, gongdan = request_context.person(), request_context.gongdan()
        g.to_do_first = None
        if person.must_change:
            g.to_do_first = PASSWORD
        elif needs_second_step(gongdan, person.roles) and gongdan.door.steps.state(person.name) is None:
            g.to_do_first = SECOND
    found: str | None = g.to_do_first
    return found


def browser_name(agent: str) -> str:
    """Browser and system as people know them, of what a browser calls itself: "Chrome 141, Windows"; empty: unknown."""
    found = parse(agent[:_MOST_READ])
    browser, system = found.user_agent, found.os
    names = [
        " ".join(filter(None, [browser.family, browser.major])) if browser else "",
        system.family if system else "",
    ]
    return ", ".join(filter(None, names))
