"""New business that no file brings: Cantonese calls, wishes for numbers, revisits of closed cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.simulate.behaviour import Customer
from engine.simulate.decks import generator

#: How many of each arrive over the time in which complaints come in: enough for every story to be told.
COUNTS = {"cantonese_callback": 48, "number_request_consultation": 40}
REVISITS = 36  #: about so many closed cases are revisited, whatever their number
SHORTEST = timedelta(days=14)  #: they arrive over at least this long


@dataclass(frozen=True)
class Arrival:
    """Somebody wants something: the process to open and what is known at once."""

    process: str
    data: Mapping[str, Any] = field(default_factory=dict)


def plan_arrivals(seed: str, start: datetime, end: datetime) -> Iterator[tuple[datetime, Arrival]]:
    """When who arrives between ``start`` and ``end``, spread evenly with some chance."""
    span = max(end - start, SHORTEST)
    for process, number in COUNTS.items():
        rng = generator(seed, f"arrivals/{process}")
        for index in range(number):
            share = (index + rng.random()) / number
            yield start + timedelta(seconds=round(span.total_seconds() * share)), Arrival(process)


def revisit_of(case_id: str, customer: Customer, closed: datetime) -> tuple[datetime, Arrival]:
    """The revisit of a closed case, some days later."""
    data = {
        "related_case_no": case_id,
        "customer_name": customer.name,
        "contact_phone": customer.phone,
        "closed_at": closed.isoformat(),
    }
    after = timedelta(hours=customer.rng.randint(20, 130))
    return closed + after, Arrival("satisfaction_revisit", data)
