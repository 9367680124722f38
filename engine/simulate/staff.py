"""Synthetic people at work: who they are, when they are there, how fast they are."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from engine.base.instants import SHANGHAI
from engine.people.directory import Person
from engine.people.roles import CALLER, SYSTEM, Assignment
from engine.sla.calendar import Calendar

EARLY, LATE = (time(8), time(16)), (time(14), time(22))  #: the two shifts of the front line, every day
OFFICE = (time(9), time(18))  #: the back office; half of each duty's people keep the calendar
STAND_IN_RESTS = frozenset(
    {0, 1}
)  #: the other half works on weekends and holidays: off on Monday and Tuesday
CANTONESE = "yue"
NO_PASSWORD = "!"  # noqa: S105 - no hash: synthetic people cannot sign in
LONG_AGO = datetime.min.replace(tzinfo=UTC)
Rests = Callable[[date], bool]  #: whether somebody is off on a local day


@dataclass(eq=False)
class Worker:
    """A synthetic person, on duty or not, busy or idle."""

    person: Person
    shift: tuple[time, time]
    rests: Rests
    pace: float  #: 1 is usual, 2 takes twice as long
    busy: bool = False
    idle_since: datetime = LONG_AGO

    def on_duty(self, at: datetime) -> bool:
        """Whether this person is at work at ``at``."""
        local = at.astimezone(SHANGHAI)
        return not self.rests(local.date()) and self.shift[0] <= local.time() < self.shift[1]

    def next_duty(self, at: datetime) -> datetime:
        """The next beginning of this person's shift after ``at``."""
        day = at.astimezone(SHANGHAI).date()
        while True:
            begin = datetime.combine(day, self.shift[0], SHANGHAI)
            if begin > at and not self.rests(day):
                return begin.astimezone(UTC)
            day += timedelta(days=1)


def hire(
    agents: int, rng: random.Random, lanes: Mapping[str, Assignment], calendar: Calendar, each: int = 2
) -> list[Worker]:
    """``agents`` people of the front line, in two shifts, and ``each`` for every other duty that ``lanes`` ask for.

    Every second one of the back office is off when ``calendar`` is, the others stand in on weekends and holidays.
    """
    office = _kept(calendar)
    workers = []
    for number in range(1, agents + 1):
        # In eight agents two of each shift speak Cantonese.
        speaks = number % 4 in (2, 3) or agents == 1
        skills = frozenset({CANTONESE}) if speaks else frozenset()
        person = Person(f"sim-agent-{number}", f"模拟坐席{number}", frozenset({"agent"}), skills)
        shift = EARLY if number % 2 else LATE
        workers.append(Worker(person, shift, _never, pace=rng.uniform(0.7, 1.6)))
    for duty, lane in _back_office(lanes).items():
        name = "-".join(filter(None, ("sim", duty.role, duty.department, duty.skill)))
        for number in range(1, each + 1):
            person = Person(
                f"{name}-{number}",
                f"模拟{lane}{number}",
                frozenset({duty.role}),
                frozenset(filter(None, (duty.skill,))),
                frozenset(filter(None, (duty.department,))),
            )
            rests = office if number % 2 else _stand_in
            workers.append(Worker(person, OFFICE, rests, pace=rng.uniform(0.8, 1.4)))
    return workers


def _kept(calendar: Calendar) -> Rests:
    """Off on weekends and holidays, at work on make-up days; by weekday in years that the calendar does not know."""
    known = calendar.provisional
    return lambda day: not known.day(day).hours


def _stand_in(day: date) -> bool:
    return day.weekday() in STAND_IN_RESTS


def _never(_: date) -> bool:
    return False


def _back_office(lanes: Mapping[str, Assignment]) -> dict[Assignment, str]:
    """The duties that the front line does not have, each with the first lane that asks for it, in a fixed order."""
    front = (Assignment("agent"), Assignment("agent", CANTONESE))
    asked = {lane: duty for lane, duty in lanes.items() if duty.role not in (CALLER, SYSTEM)}
    found: dict[Assignment, str] = {}
    for lane, duty in sorted(asked.items(), key=lambda item: (_key(item[1]), item[0])):
        if duty not in front:
            found.setdefault(duty, lane)
    return found


def _key(duty: Assignment) -> tuple[str, str, str]:
    return (duty.role, duty.department or "", duty.skill or "")
