"""The outside world: gateways that answer, refuse, are slow, lose answers; and what customers really received."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN, Answer, Entry
from engine.delivery.outbox import LEASE

from .record import Call, Record

#: what may become of a call → how often, in one run or another
OUTSIDE: tuple[dict[str, int], ...] = (
    {"sent": 1},
    {"sent": 60, "failed": 8, "retry": 10, "away": 4, "lost": 5, "silent": 4, "slow": 5, "stopped": 4},
    {"sent": 2, "failed": 2, "retry": 1},
    {"sent": 1, "retry": 4, "away": 2},
    {"sent": 1, "lost": 1, "silent": 1, "slow": 2, "stopped": 2},
)


class Surroundings(Protocol):
    """What a gateway needs of the world around it."""

    record: Record
    rng: random.Random

    @property
    def outside(self) -> dict[str, int]:
        """What may become of a call, and how often."""

    def pass_time(self, span: timedelta) -> None:
        """Let time pass."""

    def meanwhile(self) -> None:
        """Let others do something."""

    def stop(self, place: str) -> None:
        """The process at work ends here."""

    def hear(self, words: str) -> None:
        """Write a line of the trace."""

    @property
    def round(self) -> int:
        """When the step at work began."""


class Door:
    """The gateways as one process reaches them."""

    def __init__(self, world: Surroundings, clock: Callable[[], datetime]) -> None:
        self._world, self._clock = world, clock

    def send(self, entry: Entry) -> Answer:
        """Send ``entry``; what really happened is written down."""
        world = self._world
        call = Call(entry.id, entry.case_id, entry.kind, world.record.next(), world.round, self._clock())
        world.record.calls.append(call)
        (habit,) = world.rng.choices(list(world.outside), list(world.outside.values()))
        world.meanwhile()
        if habit == "slow":  # longer than the lease: somebody else has given the message up
            world.pass_time(LEASE + timedelta(seconds=world.rng.randrange(1, 90)))
            world.meanwhile()
        call.delivered = habit in ("sent", "lost", "slow") or (
            habit == "stopped" and world.rng.random() < 0.5
        )
        if habit == "stopped":
            world.hear(f"the gateway is asked for {entry.id}: no answer is heard")
            world.stop("gateway.answer")
        if habit == "silent":  # as long as anybody waits
            world.pass_time(timedelta(seconds=world.rng.randrange(10, 60)))
        call.answer = {
            "failed": Answer(FAILED, "number not in use"),
            "retry": Answer(RETRY, "busy"),
            "away": Answer(RETRY, "no connection", away=True),
            "lost": Answer(UNKNOWN, "no answer in time"),
            "silent": Answer(UNKNOWN, "no answer in time"),
        }.get(habit, Answer(SENT, "taken"))
        world.hear(f"the gateway is asked for {entry.id}: {habit}")
        return call.answer
