"""When somebody turns to a task: soon, shortly before its limit, too late; some never."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from engine.case.clocks import PAUSED
from engine.case.instance import Instance
from engine.people.rules import in_quiet_hours

from .behaviour import Behaviour, Customer

LATEST_WAIT = timedelta(days=25)  #: nobody overlooks a task for longer
WARNED = 0.85  #: of the time to a limit: its warning has come


class Pace:
    """The paces of one run, dealt by its behaviour."""

    def __init__(self, behaviour: Behaviour, rng: random.Random) -> None:
        self.behaviour, self.rng = behaviour, rng

    def ready(
        self, instance: Instance, customer: Customer, task: int, now: datetime, *, first: bool
    ) -> datetime | None:
        """When an open task is turned to; ``first``: it is the first of its case that anybody sees.

        A step that only some customers give cause for is taken some time later, or never (None).
        """
        element = instance.element_of(task)
        if element.id in self.behaviour.optional:
            wanted = customer.gives_cause(element.id)
            return now + timedelta(hours=customer.rng.randint(3, 40)) if wanted else None
        if customer.persona.delay_hours and first and instance.seq == 1:
            return now + timedelta(hours=customer.persona.delay_hours)
        earliest = max(now, datetime.fromisoformat(instance.not_before.get(task, now.isoformat())))
        pace = self.behaviour.pace(f"{instance.process}/{element.id}")
        if (limit := self._limit(instance, task, now)) is None:
            return earliest
        if pace == "prompt":
            share = self.rng.uniform(0.1, 0.9) if element.id in self.behaviour.periodic else 0
            return max(earliest, _part(now, limit, share))
        if limit - now > LATEST_WAIT:
            return earliest
        if pace == "warned":
            return max(earliest, _part(now, limit, WARNED))
        return max(earliest, limit + timedelta(minutes=self.rng.randint(5, 90)))

    @staticmethod
    def callable_from(instance: Instance, task: int, at: datetime) -> datetime:
        """``at``, or the end of the quiet hours in which ``at`` lies when the task is a call that must wait for it."""
        data = instance.machine.data_of(task)
        time, planned = instance.release.time, instance.not_before.get(task)
        calls = "not_before" in instance.element_of(task).properties
        if calls and in_quiet_hours(at.isoformat(), planned, data.get("night_call_ok"), time):
            return time.outside_quiet_hours(at)
        return at

    def _limit(self, instance: Instance, task: int, now: datetime) -> datetime | None:
        """The limit that people mind at a task: its own, else what time does next on the case."""
        own = _own(instance, task)
        ahead = [due for due in ([own] if own else instance.machine.due.values()) if due > now.isoformat()]
        return datetime.fromisoformat(min(ahead)) if ahead else None


def _own(instance: Instance, task: int) -> str | None:
    """The earliest running limit of a task, else of the sub-processes of its case."""
    live = [c for c in instance.clocks.live.values() if c.state != PAUSED and c.task is not None]
    own = [c.due for c in live if c.task == task]
    return min(own or [c.due for c in live if c.task not in instance.open], default=None)


def _part(now: datetime, limit: datetime, share: float) -> datetime:
    """``share`` of the way from ``now`` to ``limit``, to the second."""
    return now + timedelta(seconds=round((limit - now).total_seconds() * share))
