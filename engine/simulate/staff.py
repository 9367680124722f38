"""Synthetic people at work: who they are, when they are there, how fast they are."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.people import Person

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = (
    time(9),
    time(18),
)  #: back office; of two people one works Monday to Friday, one Wednesday to Sunday
WEEKEND, MONDAY_AND_TUESDAY = frozenset({5, 6}), frozenset({0, 1})
EARLY, LATE = (time(8), time(16)), (time(14), time(22))  #: the two shifts of the front line, every day
LONG_AGO = datetime.min.replace(tzinfo=UTC)
SKILLED_EVERY = 4  #: every fourth agent of the front line speaks Cantonese, the second one first
NO_PASSWORD = "!"  # noqa: S105 - no hash: synthetic people cannot sign in

#: (name, what people read, roles, departments) of those who come with any front line
BACK_OFFICE: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("sim-senior-1", "模拟高级坐席一", ("senior_agent", "agent"), ()),
    ("sim-senior-2", "模拟高级坐席二", ("senior_agent", "agent"), ()),
    ("sim-dispatch-1", "模拟派单员一", ("dispatcher",), ()),
    ("sim-dispatch-2", "模拟派单员二", ("dispatcher",), ()),
    ("sim-om-1", "模拟运维一", ("specialist",), ("om",)),
    ("sim-om-2", "模拟运维二", ("specialist",), ("om",)),
    ("sim-billing-1", "模拟计费一", ("specialist",), ("billing", "finance")),
    ("sim-billing-2", "模拟计费二", ("specialist",), ("billing", "finance")),
    ("sim-vas-1", "模拟增值业务一", ("specialist",), ("vas", "other")),
    ("sim-vas-2", "模拟增值业务二", ("specialist",), ("vas", "other")),
    ("sim-centre-1", "模拟投诉中心一", ("complaint_centre",), ()),
    ("sim-centre-2", "模拟投诉中心二", ("complaint_centre",), ()),
    ("sim-supervisor-1", "模拟值班长一", ("supervisor",), ()),
    ("sim-supervisor-2", "模拟值班长二", ("supervisor",), ()),
    ("sim-manager-1", "模拟分管领导一", ("manager",), ()),
    ("sim-manager-2", "模拟分管领导二", ("manager",), ()),
    ("sim-quality-1", "模拟质检一", ("quality",), ()),
    ("sim-quality-2", "模拟质检二", ("quality",), ()),
)


@dataclass(eq=False)
class Worker:
    """A synthetic person, on duty or not, busy or idle."""

    person: Person
    shift: tuple[time, time]
    rest: frozenset[int]  #: days off, Monday is 0
    pace: float  #: 1 is usual, 2 takes twice as long
    busy: bool = False
    idle_since: datetime = LONG_AGO

    def on_duty(self, at: datetime) -> bool:
        """Whether this person is at work at ``at``."""
        local = at.astimezone(ZONE)
        return local.weekday() not in self.rest and self.shift[0] <= local.time() < self.shift[1]

    def next_duty(self, at: datetime) -> datetime:
        """The next beginning of this person's shift after ``at``."""
        day = at.astimezone(ZONE).date()
        while True:
            begin = datetime.combine(day, self.shift[0], ZONE)
            if begin > at and begin.weekday() not in self.rest:
                return begin.astimezone(at.tzinfo)
            day += timedelta(days=1)


def hire(agents: int, rng: random.Random) -> list[Worker]:
    """``agents`` people of the front line, in two shifts, and the back office that goes with them."""
    workers = []
    for number in range(1, agents + 1):
        skills = frozenset({"yue"}) if number % SKILLED_EVERY in (2, 3) or agents == 1 else frozenset()
        person = Person(f"sim-agent-{number}", f"模拟坐席{number}", frozenset({"agent"}), skills)
        shift = EARLY if number % 2 else LATE
        workers.append(Worker(person, shift, frozenset(), pace=rng.uniform(0.7, 1.6)))
    for name, shown, roles, departments in BACK_OFFICE:
        person = Person(name, shown, frozenset(roles), departments=frozenset(departments))
        rest = MONDAY_AND_TUESDAY if name.endswith("-2") else WEEKEND
        workers.append(Worker(person, OFFICE, rest, pace=rng.uniform(0.8, 1.4)))
    return workers
