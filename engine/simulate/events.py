"""What happens on the simulated clock, beside jobs that become ready and people who come with something new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .arrivals import Arrival
from .desk import Job
from .staff import Worker


@dataclass(frozen=True)
class Finished:
    """A person is through with a job."""

    worker: Worker
    job: Job


@dataclass(frozen=True)
class Due:
    """Time does something on a case."""

    case: str


@dataclass(frozen=True)
class Send:
    """The outbox has something to send."""


@dataclass(frozen=True)
class OnDuty:
    """A shift begins."""

    worker: Worker


@dataclass(frozen=True)
class Rhythm:
    """Time for the cases that open by themselves, every week or month."""

    until: datetime


Event = Job | Finished | Due | Send | OnDuty | Rhythm | Arrival
