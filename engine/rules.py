"""May this actor do this now? Pure functions with one message form; nothing here changes anything.

The same ``may`` decides for buttons on pages and for commands, so what is shown is what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection

from .errors import NotAllowed
from .people import Person
from .roles import Duty

#: roles that see every case, and those that may act on any task of their team
SEES_ALL = frozenset({"supervisor", "manager", "auditor", "admin", "quality", "complaint_centre"})
LEADS = frozenset({"supervisor", "admin"})
OPENS_CASES = frozenset({"agent", "senior_agent", "supervisor", "complaint_centre"})
PUBLISHES = frozenset({"designer", "admin"})


def fits(person: Person, duty: Duty) -> bool:
    """Whether a person has the role, skill and department a duty asks for."""
    return (
        duty.role in person.roles
        and (duty.skill is None or duty.skill in person.skills)
        and (duty.department is None or duty.department in person.departments)
    )


def check_work(person: Person, duty: Duty, kept_off: Collection[str]) -> None:
    """Raise :class:`NotAllowed` when ``person`` may not do a task of ``duty``.

    ``kept_off`` are people whom separation of duties keeps off it (processes §0.3): the person complained
    about, and whoever the diagram excludes, such as the one who asked for what is to be approved.
    """
    if not person.active:
        raise NotAllowed(f"Expected an active account, but {person.name} is switched off")
    if not fits(person, duty):
        need = " ".join(filter(None, [duty.role, duty.department, duty.skill]))
        raise NotAllowed(f"Expected somebody with the duty {need!r}, but {person.name} does not have it")
    if person.name in kept_off:
        raise NotAllowed(f"Expected somebody not involved in the case, but {person.name} is")


def check_lead(person: Person, what: str) -> None:
    """Raise :class:`NotAllowed` unless ``person`` leads a team."""
    if not person.roles & LEADS:
        raise NotAllowed(f"Expected a supervisor to {what}, but {person.name} is none")


def check_open(person: Person) -> None:
    """Raise :class:`NotAllowed` unless ``person`` may open cases."""
    if not person.roles & OPENS_CASES:
        raise NotAllowed(f"Expected somebody who takes complaints, but {person.name} does not")
