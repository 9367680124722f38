"""Timers and SLA clocks in words: when, why then, and what will happen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext

from engine.base.errors import NotFound
from engine.base.facts import resolve
from engine.bpmn.diagrams import Element
from engine.queries import work
from engine.queries.cases import Case
from engine.release.release import Release
from engine.sla.durations import Duration
from engine.sla.parameters import Parameter
from engine.sla.time_rules import explain_due
from engine.sla.time_words import length_words

from . import formatting, links, request_context
from .i18n import listed, locale, pick


@dataclass(frozen=True, slots=True)
class TimerLine:
    """A pending timer: ``on`` is the step it guards, ``then`` what it will do."""

    name: str
    element: str
    on: str
    due: str
    paused: bool
    then: str
    mine: bool


@dataclass(frozen=True, slots=True)
class ClockLine:
    """A limit with the lines that explain its date; ``then`` is what its drawn timer will do.

    While it is paused it has no date: ``left`` says in words what is left of it. One that ended because the
    case was handed over ``goes_on_in`` the case that this one opened.
    """

    clock: work.SlaClock
    name: str
    on: str
    why: list[str]
    then: str
    left: str
    goes_on_in: str = ""


def _drawn(release: Release, case: Case, ref: str | None) -> tuple[str, Element] | None:
    if not ref:
        return None
    process, element = resolve(case.process, ref)
    try:
        return process, release.element(process, element)
    except NotFound:
        return None


def _name(release: Release, process: str, element_id: str | None) -> str:
    if not element_id:
        return ""
    drawn = release.processes.get(process)
    element = drawn.elements.get(element_id) if drawn else None
    return (element.name or element_id) if element else element_id


def timers(case: Case, clocks: list[ClockLine], only_task: int | None = None) -> list[TimerLine]:
    """Timers of a case that are no limit (its ``clocks`` tell of theirs), those on ``only_task`` first."""
    db, release = request_context.gongdan().db, request_context.release_of(case)
    limits = {line.clock.clock for line in clocks if line.clock.live}
    found = []
    for row in work.timers(db, case.id):
        drawn = _drawn(release, case, row.element)
        if drawn is None or str(row.timer) in limits:
            continue
        process, element = drawn
        found.append(
            TimerLine(
                name=element.name or element.id,
                element=element.id,
                on=_name(release, process, element.attached_to),
                due=row.due,
                paused=row.state == "paused",
                then=_then(release, process, element),
                mine=row.task == only_task,
            )
        )
    return sorted(found, key=lambda line: (not line.mine, line.due))


def _then(release: Release, process: str, element: Element) -> str:
    """What happens when a timer fires: the next steps, and whether the guarded one ends."""
    flows = [e for e in release.processes[process].elements.values() if e.source == element.id]
    following = listed(_name(release, process, flow.target) for flow in flows)
    if element.attached_to is None:
        return gettext("goes on with: %(steps)s", steps=following)
    if element.interrupting:
        return gettext("ends this step, then: %(steps)s", steps=following)
    return gettext("%(steps)s; this step stays open", steps=following)


def clocks(case: Case) -> list[ClockLine]:
    """All limits of a case with the reason for each date."""
    db, release = request_context.gongdan().db, request_context.release_of(case)
    rows, found = work.clocks(db, case.id), []
    may_pause = any(p.pausable for row in rows if (p := release.parameters.get(row.parameter)))
    stood = work.pauses(db, case.id) if may_pause else {}
    handed_over = _handed_over(case) if any(row.state == "stopped" for row in rows) else {}
    for row in rows:
        parameter = release.parameters.get(row.parameter)
        drawn = _drawn(release, case, row.element)
        on = then = ""
        if drawn is not None:
            process, element = drawn
            on = _name(release, process, element.attached_to or element.id)
            then = _then(release, process, element) if row.state in ("running", "paused") else ""
        why: list[str] = []
        left = ""
        pauses = stood.get(row.clock, [])
        if row.state == "paused":
            left = _left(parameter, pauses)
        elif parameter is not None and release.calendar is not None and _dated(row):
            calendar = release.calendar.provisional if row.provisional else release.calendar
            started, due = datetime.fromisoformat(row.started), datetime.fromisoformat(row.due)
            why = [*explain_due(parameter, started, calendar, locale(), due), *map(_stood, pauses)]
        found.append(
            ClockLine(
                clock=row,
                name=pick(parameter.name) if parameter else row.parameter,
                on=on,
                why=why,
                then=then,
                left=left,
                goes_on_in=handed_over.get((row.parameter, row.started), "")
                if row.state == "stopped"
                else "",
            )
        )
    return found


def _handed_over(case: Case) -> dict[tuple[str, str], str]:
    """Limits that go on in a case which this one opened: (parameter, start) → case, as far as the reader may know."""
    children = links.of_case(case).children
    db = request_context.gongdan().db
    return {
        (clock.parameter, clock.started): child.id
        for child in children
        for clock in work.clocks(db, child.id)
    }


def _dated(row: work.SlaClock) -> bool:
    """Whether the limit has the instants that its explanation needs."""
    return formatting.is_instant(row.started) and formatting.is_instant(row.due)


def _left(parameter: Parameter | None, pauses: list[work.Pause]) -> str:
    """What is left of a limit that is paused."""
    if parameter is None or not pauses:
        return ""
    working = isinstance(parameter.limit, Duration) and parameter.limit.kind == "work"
    return length_words(timedelta(seconds=pauses[-1].left), locale(), working=working)


def _stood(pause: work.Pause) -> str:
    """From when to when, and how long, a limit stood still."""
    until = pause.until or request_context.now()
    seconds = (formatting.parse(until) - formatting.parse(pause.since)) / timedelta(seconds=1)
    return gettext(
        "Paused from %(since)s to %(until)s, for %(span)s: the customer was waited for.",
        since=formatting.local(pause.since),
        until=formatting.local(until),
        span=formatting.span(seconds),
    )
