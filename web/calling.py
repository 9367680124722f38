"""Calls on pages: why one has to wait, and those that were logged."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext

from engine.forms import calls
from engine.operations.task_view import Desk
from engine.queries import calls as logs
from engine.queries import work
from engine.queries.cases import Case

from . import case_data_view, formatting, request_context

_WISHES = ("preferred_contact_window", "preferred_language")  #: mandarin is what everybody speaks
_HEADING = (calls.CALLED_AT, "direction", "result")


@dataclass(frozen=True, slots=True)
class Line:
    """A logged call as read: its ``facts`` are everything but when, which way and how it ended."""

    at: str
    logged_at: str
    by: str
    heading: list[str]
    facts: list[case_data_view.Line]


def waits(case: Case, task: work.Task, here: Desk) -> list[str]:
    """What to know before calling: the instant to wait for with its true reason, and quiet hours that run now."""
    now, planned = request_context.now(), task.not_before
    waiting = planned is not None and planned > now
    if not calls.logs_call(here.element, here.form):
        return (
            [gettext("Not to be done before %(at)s.", at=formatting.local(planned or ""))] if waiting else []
        )
    time = request_context.release_of(case).time
    quiet = calls.quiet_until(now, planned, here.data, time)
    told = []
    if waiting and planned is not None:
        reason, at = calls.why_wait(planned, here.data, time), formatting.local(planned)
        if reason == "promise":
            told.append(gettext("The customer is to be called at the agreed time, not before %(at)s.", at=at))
        elif reason == "gap":
            told.append(gettext("Calls keep a gap: do not call again before %(at)s.", at=at))
        elif reason is None:
            told.append(gettext("Not to be done before %(at)s.", at=at))
        elif quiet is None:
            told.append(gettext("Quiet hours: do not call before %(at)s.", at=at))
    if quiet is not None:
        told.append(gettext("Quiet hours: do not call before %(at)s.", at=formatting.local(quiet)))
    if told:
        told.append(gettext("A call from the customer may be logged at once."))
    return told


def wishes(case: Case, here: Desk) -> list[case_data_view.Line]:
    """When and in which language the customer wants to be called, where they said so."""
    if not calls.logs_call(here.element, here.form):
        return []
    release = request_context.release_of(case)
    asked = {name: here.data[name] for name in _WISHES if here.data.get(name) not in (None, "mandarin")}
    return case_data_view.Reading(release, dict.fromkeys(asked)).lines(asked)


def logged(case: Case) -> list[Line]:
    """The calls of a case, the last one made first."""
    release = request_context.release_of(case)
    found = []
    for call in logs.logged(request_context.gongdan().db, release, case.id):
        reading = case_data_view.Reading(release, dict.fromkeys(call.data, call.form))
        heading = [reading.text(name, call.data[name]) for name in _HEADING[1:] if name in call.data]
        facts = reading.lines({name: value for name, value in call.data.items() if name not in _HEADING})
        found.append(Line(call.at, call.logged_at, call.by, heading, facts))
    return found
