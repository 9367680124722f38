"""What a view works with: the opened Gongdan, the instant of the request, the person at the screen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from flask import Flask, abort, current_app, g, request
from flask_login import current_user

from engine.app import Gongdan
from engine.base.errors import GongdanError, NotFound
from engine.base.settings import Settings
from engine.case.commands import Command
from engine.case.dispatch import Receipt
from engine.operations.health import Health
from engine.people import rights
from engine.people.directory import Person
from engine.people.security_events import By, Event
from engine.queries import cases, scope, timeline
from engine.queries.cases import Case
from engine.queries.timeline import Step
from engine.release.release import Release

from .i18n import pick

_KEY = "gongdan"
NO_RELEASE = Release(0, {})  #: stands for one that cannot be read


@dataclass(frozen=True)
class _Installed:
    gongdan: Gongdan
    settings: Settings
    health: Health
    pulse: str


def install(app: Flask, gongdan: Gongdan, settings: Settings, health: Health, pulse: str) -> None:
    """Make the accessors below work in ``app``."""
    app.extensions[_KEY] = _Installed(gongdan, settings, health, pulse)


def _installed() -> _Installed:
    return cast(_Installed, current_app.extensions[_KEY])


def gongdan() -> Gongdan:
    """The opened Gongdan of this application."""
    return _installed().gongdan


def settings() -> Settings:
    """The settings of this application."""
    return _installed().settings


def settings_of(app: Flask) -> Settings:
    """The settings of ``app``, before it has a request."""
    return cast(_Installed, app.extensions[_KEY]).settings


def health() -> Health:
    """Whether this process can do its work."""
    return _installed().health


def own_pulse() -> str:
    """The row by which this process says that it lives; empty where it does not."""
    return _installed().pulse


def now() -> str:
    """The instant of this request (ISO 8601, UTC): the same however often it is asked."""
    try:
        return cast(str, g.now)  # asked for in every row of a list
    except AttributeError:
        g.now = gongdan().now()
    return cast(str, g.now)


def person() -> Person:
    """The signed-in person; views behind the sign-in may rely on it."""
    return cast(Person, current_user.person)


def signed_in() -> bool:
    """Whether somebody is signed in."""
    return bool(current_user.is_authenticated)


def may(action: str) -> bool:
    """Whether the signed-in person may do ``action`` (engine/people/rights.py)."""
    return signed_in() and rights.may(person(), action)


def has_role(*roles: str) -> bool:
    """Whether the signed-in person has one of ``roles``."""
    return signed_in() and not set(roles).isdisjoint(person().roles)


def need_role(*roles: str) -> None:
    """403 unless the person has one of ``roles``. For rooms; cases answer 404 instead."""
    if not has_role(*roles):
        abort(403)


def display_name(name: str | None) -> str:
    """How a person (or the system) is called on pages."""
    if not name or name.startswith("system:"):
        return name or ""
    known = cast(dict[str, str], g.setdefault("display_names", {}))
    if name not in known:
        try:
            known[name] = gongdan().people.get(name).display_name
        except NotFound:
            known[name] = name
    return known[name]


def wants_fragment() -> bool:
    """Whether htmx asked for a part of the page only."""
    return request.headers.get("HX-Request") == "true"


def by_script() -> bool:
    """Whether a script of a page asks, not the browser that goes to a page."""
    headers = request.headers
    return wants_fragment() or headers.get("X-Requested-With") == "fetch" or wants_data()


def wants_data() -> bool:
    """Whether the answer should be JSON."""
    return request.accept_mimetypes.best == "application/json"


def known_case(case_id: str) -> Case:
    """The case, when the person may know of it; else 404, as for one that is not there."""
    found = cases.case(gongdan().db, case_id)
    if found is None or not scope.may_know(gongdan().db, person(), case_id, in_force()):
        abort(404)
    g.shown_case = case_id
    return found


def shown_case() -> str | None:
    """The case that this page is about, once it is settled that the person may know of it."""
    return cast(str | None, g.get("shown_case"))


def in_force() -> Release:
    """The release in force; an empty one where it cannot be read, so that pages can say the rest.

    A page is told by one release, whatever is published meanwhile.
    """
    if "in_force" not in g:
        try:
            g.in_force = _readable(gongdan().releases.current())
        except GongdanError:
            g.in_force = NO_RELEASE
    return cast(Release, g.in_force)


def release_of(case: Case) -> Release:
    """The release that a case runs on; an empty one where it cannot be read."""
    try:
        return _readable(gongdan().releases.get(case.release))
    except GongdanError:
        return NO_RELEASE


def _readable(release: Release) -> Release:
    """The release, once what pages ask of it was read."""
    _ = (release.processes, release.forms, release.roles, release.parameters, release.calendar)
    return release


def others_of(case: Case) -> list[Case]:
    """Other cases of the same number that the person may know of, newest first."""
    found = cases.of_phone(gongdan().db, case.phone_key, case.id)
    hidden = scope.hidden_from(gongdan().db, person(), [one.id for one in found], in_force())
    return [one for one in found if one.id not in hidden]


def steps_of(case: Case, holding: Collection[bytes] = ()) -> list[Step]:
    """The history of a case; of it what :func:`engine.queries.timeline.steps` finds ``holding`` these."""
    return timeline.steps(gongdan().db, release_of(case), case.id, holding)


def note_view(case_id: str, what: str) -> None:
    """Note that the person looked at a case (who saw personal data must be known later)."""
    gongdan().access_log.note(person().name, case_id, what, now())


def by() -> By:
    """Who asks, as far as is known, and from which address."""
    return By(person().name if signed_in() else "", request.remote_addr or "")


def note(event: Event, by_whom: By | None = None) -> None:
    """Write ``event`` into the security log; raises :class:`Unavailable`, so that what is asked for does not happen."""
    gongdan().security_log.note(by_whom or by(), event, now())


def note_if_possible(event: Event, by_whom: By | None = None) -> None:
    """The same for what has happened already, whether it can be written or not."""
    gongdan().security_log.note_if_possible(by_whom or by(), event, now())


def dispatch(command: Command) -> Receipt:
    """Send a command; engine errors pass through to :mod:`web.errors`."""
    return gongdan().dispatch(command)


def process_names(*, startable: bool = False) -> dict[str, str]:
    """Process id → name in the current release; with ``startable`` only those that cases are opened of."""
    processes = in_force().processes.values()
    return {
        process.id: pick(process.names)
        for process in processes
        if process.startable or process.rhythm or not startable
    }


def all_process_names() -> dict[str, str]:
    """Process id → name, found once a request."""
    if "process_names" not in g:
        g.process_names = process_names()
    return cast(dict[str, str], g.process_names)
