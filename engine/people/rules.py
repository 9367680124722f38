"""May this actor do this now? Pure functions with one message form; nothing here changes anything.

The same ``may`` decides for buttons on pages and for commands, so what is shown is what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from engine.base.errors import NotAllowed
from engine.sla.time_rules import TimeRules

from .directory import Person
from .rights import may
from .roles import Assignment

RESPONDENT = "complained_staff"  #: the form field that names the person complained about (processes §0.3)


def fits(person: Person, duty: Assignment) -> bool:
    """Whether a person has the role, skill and department a duty asks for."""
    return (
        duty.role in person.roles
        and (duty.skill is None or duty.skill in person.skills)
        and (duty.department is None or duty.department in person.departments)
    )


def check_active(person: Person) -> None:
    """Raise :class:`NotAllowed` for somebody who was switched off."""
    if not person.active:
        raise NotAllowed("Expected an active account, but {person} is switched off", person=person.name)


def check_work(person: Person, duty: Assignment, excluded: Collection[str]) -> None:
    """Raise :class:`NotAllowed` when ``person`` may not do a task of ``duty``.

    ``excluded`` are people whom separation of duties keeps off it (processes §0.3): the person complained
    about, and whoever the diagram excludes, such as the one who asked for what is to be approved.
    """
    check_active(person)
    if not fits(person, duty):
        need = " ".join(filter(None, [duty.role, duty.department, duty.skill]))
        raise NotAllowed(
            "Expected somebody with the duty {duty}, but {person} does not have it",
            duty=need,
            person=person.name,
        )
    if person.name in excluded:
        raise NotAllowed("Expected somebody not involved in the case, but {person} is", person=person.name)


def in_quiet_hours(started: str, planned: str | None, night_call_ok: object, time: TimeRules) -> bool:
    """Whether a call to a customer fell into hours in which they had not agreed to be called (QUIET_HOURS).

    They agreed when they said so (``night_call_ok``), or named a time in those hours, for which the call was
    ``planned``. Instants are ISO 8601.
    """

    def quiet(instant: str) -> bool:
        at = datetime.fromisoformat(instant)
        return time.outside_quiet_hours(at) != at

    return not night_call_ok and quiet(started) and not (planned is not None and quiet(planned))


def check_lead(person: Person) -> None:
    """Raise :class:`NotAllowed` unless ``person`` leads a team."""
    if not may(person, "cases.lead"):
        raise NotAllowed("Expected a supervisor, but {person} is none", person=person.name)


def check_open(person: Person) -> None:
    """Raise :class:`NotAllowed` unless ``person`` may open cases."""
    if not may(person, "cases.open"):
        raise NotAllowed("Expected somebody who takes complaints, but {person} does not", person=person.name)
