"""The simulated clock: events in time order; at one instant in the order they were planned."""

from __future__ import annotations

import heapq
from datetime import datetime
from itertools import count
from typing import Generic, TypeVar

E = TypeVar("E")


class Schedule(Generic[E]):
    """A heap of events. Time only moves forward, to the next event."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self._heap: list[tuple[datetime, int, E]] = []
        self._numbers = count()

    def plan(self, at: datetime, event: E) -> None:
        """Have ``event`` happen at ``at``, or now when that is past."""
        heapq.heappush(self._heap, (max(at, self.now), next(self._numbers), event))

    def next(self, until: datetime) -> E | None:
        """The next event not after ``until``, with the clock moved to it; None when there is none."""
        if not self._heap or self._heap[0][0] > until:
            self.now = max(self.now, until)
            return None
        self.now, _, event = heapq.heappop(self._heap)
        return event

    def __len__(self) -> int:
        return len(self._heap)
