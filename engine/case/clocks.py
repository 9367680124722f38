"""SLA clocks of one case: started, warned, breached, met; paused only while the case waits for the customer.

A clock owns its due time; the boundary timer that draws it follows. What happens to a clock is decided here and
recorded as ``clocks`` and ``clock_changes`` effects, so that history says why each date is what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.base.facts import ClockChanged, ClockStarted, ClockState, Recounted, Redated
from engine.base.instants import iso
from engine.sla.time_rules import TimeRules

RUNNING, PAUSED, BREACHED = "running", "paused", "breached"
RECEIVED = "received_at"  #: the case data that says when the customer was first heard
LIVE = frozenset({RUNNING, PAUSED, BREACHED})


@dataclass(slots=True)
class Clock:
    """One limit running on a case. ``timer`` is its drawn boundary timer, None for a case-level clock."""

    id: str
    parameter: str
    started: str
    due: str
    warnings: list[str]  #: instants still to come, earliest first
    task: int | None
    timer: int | None
    state: str = RUNNING
    remaining: int | None = None  #: seconds left (working or elapsed, by its parameter) while paused

    def dates(self) -> Redated:
        """Its due time and warnings as they now are."""
        return Redated(self.due, list(self.warnings))

    def as_started(self, element: str | None, provisional: int) -> ClockStarted:
        """The fact that it runs, on an ``element`` (None: on the whole case)."""
        return ClockStarted(
            clock=self.id,
            parameter=self.parameter,
            started=self.started,
            due=self.due,
            warnings=list(self.warnings),
            task=self.task,
            element=element,
            provisional=provisional,
        )


class Clocks:
    """The clocks of a case. Methods return the changes to record."""

    def __init__(self, rules: TimeRules) -> None:
        self.rules = rules
        self.live: dict[str, Clock] = {}

    def start(
        self, clock_id: str, parameter: str, started: str, due: str, task: int | None, timer: int | None
    ) -> Clock:
        """Begin a clock whose due time is known."""
        warnings = self._warnings(parameter, started, due)
        clock = Clock(clock_id, parameter, started, due, warnings, task, timer)
        self.live[clock_id] = clock
        return clock

    def _warnings(self, parameter: str, started: str, due: str) -> list[str]:
        instants = self.rules.warn_instants(
            parameter, datetime.fromisoformat(started), datetime.fromisoformat(due)
        )
        return [iso(i) for i in instants]

    def warn(self, clock_id: str) -> ClockChanged:
        """The next warning instant has come."""
        clock = self.live[clock_id]
        return ClockChanged.at(clock_id, ClockState.WARNED, clock.warnings.pop(0))

    def breach(self, clock_id: str, at: str) -> ClockChanged:
        """The limit has passed; the clock stays live until the work is done."""
        clock = self.live[clock_id]
        clock.state, clock.warnings = BREACHED, []
        return ClockChanged.at(clock_id, ClockState.BREACHED, at)

    def finish(self, clock_id: str, at: str, *, done: bool) -> ClockChanged:
        """The work was done (met, or missed when it was late) or fell away (stopped)."""
        clock = self.live.pop(clock_id)
        ended = ClockState.MISSED if clock.state == BREACHED else ClockState.MET
        return ClockChanged.at(clock_id, ended if done else ClockState.STOPPED, at)

    def pause(self, at: str, only: str | None = None) -> list[ClockChanged]:
        """Hold every running clock whose parameter may pause (or just ``only``)."""
        changes: list[ClockChanged] = []
        for clock in self.live.values():
            if clock.state == RUNNING and self.rules.pausable(clock.parameter) and only in (None, clock.id):
                now, due = datetime.fromisoformat(at), datetime.fromisoformat(clock.due)
                clock.remaining = self.rules.remaining(clock.parameter, now, due)
                clock.state = PAUSED
                changes.append(ClockChanged.paused(clock.id, clock.remaining))
        return changes

    def resume(self, at: str) -> list[ClockChanged]:
        """Let paused clocks run on: due again when what remained of them has passed from now."""
        changes: list[ClockChanged] = []
        for clock in self.live.values():
            if clock.state == PAUSED and clock.remaining is not None:
                now = datetime.fromisoformat(at)
                clock.due = iso(self.rules.due_after_pause(clock.parameter, now, clock.remaining))
                still = self._warnings(clock.parameter, clock.started, clock.due)
                clock.warnings = [w for w in still if w > at]
                clock.state, clock.remaining = RUNNING, None
                changes.append(ClockChanged.redated(clock.id, ClockState.RESUMED, clock.dates()))
        return changes

    def move(self, clock_id: str, due: str, at: str) -> ClockChanged:
        """Give a running clock another due time; warnings that are still to come move along."""
        clock = self.live[clock_id]
        clock.due = due
        clock.warnings = [w for w in self._warnings(clock.parameter, clock.started, due) if w > at]
        return ClockChanged.redated(clock_id, ClockState.MOVED, clock.dates())

    def recount(self, received: str, at: str) -> list[ClockChanged]:
        """Let the clocks of the whole case count from its first receipt, an instant that is learned at ``at``.

        What pauses and agreements gave on top stays given; a
        paused clock has so much more or less left.
        """
        changes: list[ClockChanged] = []
        for clock in self.live.values():
            if clock.timer is not None or clock.started == received:
                continue
            was = self.rules.due(clock.parameter, datetime.fromisoformat(clock.started)).due
            found = self.rules.due(clock.parameter, datetime.fromisoformat(received))
            if clock.state == PAUSED and clock.remaining is not None:
                less = self.rules.remaining(clock.parameter, found.due, was)
                more = self.rules.remaining(clock.parameter, was, found.due)
                clock.remaining = max(0, clock.remaining - less + more)
            clock.started, clock.due = received, self._as_far_from(clock, was, found.due)
            still = () if clock.state == BREACHED else self._warnings(clock.parameter, received, clock.due)
            clock.warnings = [w for w in still if w > at]
            now = Recounted(clock.due, list(clock.warnings), received, int(found.provisional))
            changes.append(ClockChanged.redated(clock.id, ClockState.RECOUNTED, now))
        return changes

    def _as_far_from(self, clock: Clock, was: datetime, now: datetime) -> str:
        """The due time of a ``clock`` that would have been due ``was`` by its start, and by another one ``now``."""
        due = datetime.fromisoformat(clock.due)
        if due < was:  # agreed to be earlier: that stands, as long as it is
            return iso(min(due, now))
        given = self.rules.remaining(clock.parameter, was, due)
        return iso(self.rules.due_after_pause(clock.parameter, now, given) if given else now)

    def next_due(self) -> tuple[str, int, str] | None:
        """The earliest warning (rank 0) or case-level breach (rank 1) to come, as (instant, rank, clock)."""
        found = []
        for clock in self.live.values():
            if clock.state == RUNNING:
                if clock.warnings:
                    found.append((clock.warnings[0], 0, clock.id))
                if clock.timer is None:
                    found.append((clock.due, 1, clock.id))
        return min(found, default=None)

    def on_task(self, task: int) -> list[Clock]:
        """Live clocks guarding ``task``."""
        return [c for c in self.live.values() if c.task == task]

    def dump(self) -> list[list[Any]]:
        """The live clocks as plain data."""
        return [
            [c.id, c.parameter, c.started, c.due, c.warnings, c.task, c.timer, c.state, c.remaining]
            for c in self.live.values()
        ]

    def load(self, rows: list[list[Any]]) -> None:
        """Take back what :meth:`dump` gave."""
        for clock_id, parameter, started, due, warnings, task, timer, state, remaining in rows:
            self.live[clock_id] = Clock(
                clock_id, parameter, started, due, warnings, task, timer, state, remaining
            )
