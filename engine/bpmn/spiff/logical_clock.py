"""The logical world inside one command: its time, its ids, its ticks. SpiffWorkflow sees nothing else.

Live run and replay are the same code with the same inputs (ADR 0002), so nothing below dispatch may read
the wall clock or make a random id. What SpiffWorkflow reads (``uuid4``, ``time``, ``datetime``) is replaced at
import by shims that ask the :class:`Logical` of the running command, and fail loudly outside one.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from datetime import datetime, tzinfo
from typing import Any

from engine.base.errors import Runaway

MAX_STEPS = 1_000  #: automatic steps a command may run
MAX_NEW_TASKS = 5_000  #: tasks a command may create
MAX_COPIED = 16 << 20  #: bytes of case data a command may copy from task to task


class OutsideCommand(RuntimeError):
    """SpiffWorkflow asked for time or an id while no command was running: a programming error."""


class Counters:
    """Per-case counters: the last task id given and the last state-change tick."""

    __slots__ = ("ids", "ticks")

    def __init__(self, ids: int = 0, ticks: int = 0) -> None:
        self.ids = ids
        self.ticks = ticks


class Logical:
    """What one command sees: case counters, instant, the timer that fires, and what the diagram asked for.

    ``now`` is aware, in UTC. ``firing`` is the task id of the timer this command fires; ``skip`` names automatic
    steps that a supervisor allowed to pass over. ``services`` collects what service tasks ask of the outside
    world, ``due_call`` the last ``sla_due`` question until the timer that asked takes it.
    """

    __slots__ = ("copied", "counters", "due_call", "firing", "first_id", "now", "services", "skip", "steps")

    def __init__(
        self, counters: Counters, now: datetime, firing: int | None = None, skip: frozenset[str] = frozenset()
    ) -> None:
        self.counters = counters
        self.first_id = counters.ids
        self.now = now
        self.firing = firing
        self.skip = skip
        self.steps = 0
        self.copied = 0
        self.services: list[dict[str, Any]] = []
        self.due_call: dict[str, Any] | None = None

    def take_due_call(self) -> dict[str, Any] | None:
        """What the last ``sla_due`` was asked and answered, once."""
        asked, self.due_call = self.due_call, None
        return asked

    def count_steps(self, steps: int) -> None:
        """Count automatic steps; raises :class:`Runaway` beyond the caps of a command."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise Runaway(
                f"more than {MAX_STEPS:,} automatic steps in one command: the diagram loops without a person or a timer"
            )

    def count_copied(self, size: int) -> None:
        """Count bytes of data that tasks inherit; raises :class:`Runaway` beyond the cap of a command."""
        self.copied += size
        if self.copied > MAX_COPIED:
            raise Runaway(
                f"more than {MAX_COPIED >> 20} MB of case data copied in one command: too many tasks at once"
            )


_current: ContextVar[Logical] = ContextVar("logical")
_OUTSIDE = "SpiffWorkflow asked for time or an id outside a command"


def current() -> Logical:
    """The logical world of the running command; raises :class:`OutsideCommand` where there is none."""
    try:
        return _current.get()
    except LookupError:
        raise OutsideCommand(_OUTSIDE) from None


def enter(logical: Logical) -> Token[Logical]:
    """Make ``logical`` the running command's world; give the token back to :func:`leave`."""
    return _current.set(logical)


def leave(token: Token[Logical]) -> None:
    """End the world entered with ``token``."""
    _current.reset(token)


def new_id() -> int:
    """The next task id of the case. A parent is always created before its children, so ids grow downwards."""
    try:  # as in current(), without its call: ids and ticks are most of what a command asks
        world = _current.get()
    except LookupError:
        raise OutsideCommand(_OUTSIDE) from None
    counters = world.counters
    counters.ids += 1
    if counters.ids - world.first_id > MAX_NEW_TASKS:  # before they fill the memory, not after
        raise Runaway(f"more than {MAX_NEW_TASKS:,} new tasks in one command")
    return counters.ids


def tick() -> int:
    """A monotone number per state change: SpiffWorkflow orders join merges by it, and only compares."""
    try:
        counters = _current.get().counters
    except LookupError:
        raise OutsideCommand(_OUTSIDE) from None
    counters.ticks += 1
    return counters.ticks


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class LogicalDatetime(datetime, metaclass=_AnyDatetime):
    """Stands for ``datetime`` inside SpiffWorkflow's timers: ``now`` is the command's, instances are ordinary."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The instant of the running command."""
        return current().now
