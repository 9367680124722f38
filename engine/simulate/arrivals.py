"""New business that no file brings: calls, orders, wishes; by the hundred to fill a desk, or a whole mixed load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from engine.base.instants import SHANGHAI
from engine.release.release import Release

from .behaviour import Customer
from .stratified import generator

#: How many of each arrive over the time in which complaints come in: enough for every story to be told.
COUNTS = {"cantonese_callback": 48, "number_request_consultation": 40}
REVISIT = "satisfaction_revisit"  #: its cases are about other cases that were closed
REVISITS = 36  #: about so many closed cases are revisited, whatever their number
SHORTEST = timedelta(days=14)  #: they arrive over at least this long
MIX = Path(__file__).with_name("mix.json")
NOT_REVISITED = frozenset({"reports", "shared"})  #: domains whose cases have no customer of their own


@dataclass(frozen=True)
class Arrival:
    """Somebody wants something: the process to open and what is known at once.

    ``again``: it is the customer of a case of this process that is still open, where there is one.
    """

    process: str
    data: Mapping[str, Any] = field(default_factory=dict)
    again: bool = False


Plan = list[tuple[datetime, Arrival]]


@dataclass(frozen=True)
class Business:
    """What arrives when, how many closed cases are revisited, and until when cases of a rhythm are opened."""

    arrivals: Plan
    revisits: int
    scheduled_until: datetime | None = None


@dataclass(frozen=True)
class Load:
    """A mixed load: so many cases of all processes, on local days from ``first`` to ``last``, both included."""

    cases: int
    first: date
    last: date

    @property
    def begins(self) -> datetime:
        """The first instant of the load."""
        return datetime.combine(self.first, time(), SHANGHAI).astimezone(UTC)

    @property
    def ends(self) -> datetime:
        """The first instant after the load."""
        return datetime.combine(self.last + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)


def beside_complaints(seed: str, start: datetime, end: datetime) -> Business:
    """What arrives beside imported complaints between ``start`` and ``end``, spread evenly with some chance."""
    span = max(end - start, SHORTEST)
    plan = []
    for process, number in COUNTS.items():
        rng = generator(seed, f"arrivals/{process}")
        for index in range(number):
            share = (index + rng.random()) / number
            plan.append((start + timedelta(seconds=round(span.total_seconds() * share)), Arrival(process)))
    return Business(plan, REVISITS)


def mixed(seed: str, load: Load, release: Release) -> Business:
    """A mixed load over every process of ``release`` that people may open, by the shares and hours of ``mix.json``.

    More arrives on working days than on others. Revisits are not planned: they follow closed cases.
    """
    told = json.loads(MIX.read_bytes())
    counts = _portions(load.cases, told["shares"], [p.id for p in release.processes.values() if p.startable])
    calendar = release.time.calendar.provisional
    days = [load.first + timedelta(days=number) for number in range((load.last - load.first).days + 1)]
    weights = [told["working_day"] if calendar.day(day).hours else told["day_off"] for day in days]
    hours = {int(hour): weight for hour, weight in told["hours"].items()}
    plan = []
    for process, number in counts.items():
        rng = generator(seed, f"mixed/{process}")
        for day in rng.choices(days, weights, k=number) if process != REVISIT else ():
            hour = rng.choices(list(hours), list(hours.values()))[0]
            moment = time(hour, rng.randrange(60), rng.randrange(60))
            arrival = Arrival(
                process, _known(told, release, process, rng), again=not rng.randrange(told["again"])
            )
            plan.append((datetime.combine(day, moment, SHANGHAI).astimezone(UTC), arrival))
    return Business(plan, counts.get(REVISIT, 0), load.ends + timedelta(days=1))


def _known(told: Mapping[str, Any], release: Release, process: str, rng: Random) -> dict[str, Any]:
    """What is known when somebody comes: by which way; who writes may leave no number but an address."""
    channels = told["channels"].get(process) or told["channels"].get(release.process(process).domain)
    if channels is None:
        return {}
    channel = rng.choices([name for name, _ in channels], [weight for _, weight in channels])[0]
    if channel != "email":
        return {"channel": channel}
    return {"channel": channel, "other_contact": f"customer{rng.randrange(10**6):06d}@example.com"}


def _portions(cases: int, shares: Mapping[str, int], processes: list[str]) -> dict[str, int]:
    """``cases`` divided by ``shares`` among ``processes``, at least one each; what is left goes to the first."""
    whole = sum(shares.get(process, 1) for process in processes)
    counts = {process: max(1, cases * shares.get(process, 1) // whole) for process in processes}
    for process in sorted(processes, key=lambda one: -shares.get(one, 1))[
        : max(0, cases - sum(counts.values()))
    ]:
        counts[process] += 1
    return counts


class Revisits:
    """So many revisits, spread evenly over so many cases in the order in which they close."""

    def __init__(self, wanted: int, among: int) -> None:
        self._wanted, self._among, self._closed = wanted, max(1, among), 0

    def falls_on_next(self) -> bool:
        """Whether the next case that closes is one to revisit."""
        before = self._closed * self._wanted // self._among
        self._closed += 1
        return before < self._wanted and self._closed * self._wanted // self._among > before


def revisit_of(case_id: str, customer: Customer, closed: datetime) -> tuple[datetime, Arrival]:
    """The revisit of a closed case, some days later."""
    data = {
        "related_case_no": case_id,
        "customer_name": customer.name,
        "contact_phone": customer.phone,
        "closed_at": closed.isoformat(),
    }
    after = timedelta(hours=customer.rng.randint(20, 130))
    return closed + after, Arrival(REVISIT, data)
