"""What a command did: one class for each fact, and :class:`Effects`, which holds those of one command.

History stores them as JSON: a class whose facts are many is a list of its values in the order of its fields, others
are objects. So the order of fields is part of the format: a new field goes to the end, with a new version of
behaviour. Empty kinds are left out; order inside each list is the order in which things happened.

An element is named as :func:`reference` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec

INSTANT, OPENED = "instant", "opened"
#: ISO 8601 in UTC, with offset
Instant = Annotated[str, msgspec.Meta(extra={"is": INSTANT})]
#: a text for a person, sealed in history: a text once it was opened
Text = Annotated[Any, msgspec.Meta(extra={"is": OPENED})]


class State(StrEnum):
    """What became of a task of the workflow."""

    WAITING = "W"
    READY = "R"
    STARTED = "S"
    COMPLETED = "C"
    FAILED = "E"
    CANCELLED = "X"


class ClockState(StrEnum):
    """What happened to an SLA clock."""

    WARNED = "warned"
    BREACHED = "breached"  #: the limit has passed, the work is not done
    MET = "met"
    MISSED = "missed"  #: done, but late
    STOPPED = "stopped"  #: the work fell away
    PAUSED = "paused"
    RESUMED = "resumed"
    MOVED = "moved"  #: to another due time, by a person or a calendar
    RECOUNTED = "recounted"  #: from another first receipt

    @property
    def redated(self) -> bool:
        """Whether the clock has another due time since."""
        return self in _REDATED


_REDATED = {ClockState.RESUMED, ClockState.MOVED, ClockState.RECOUNTED}


class Fact(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """Stored as the list of its values."""


class Moved(Fact, frozen=True):
    """A task of the workflow entered an element (waiting, ready, started) or left it."""

    task: int
    element: str
    state: State


class DataSet(Fact, frozen=True):
    """What a completed step changed in the case's data beyond its form; personal values are sealed."""

    task: int
    put: dict[str, Any]
    gone: list[str]


class TaskOpened(Fact, frozen=True):
    """A user task opened. ``assignment`` says who may do it: role, skill, department (:mod:`engine.people.roles`)."""

    task: int
    element: str
    assignment: str
    not_before: Instant | None


class TimerArmed(Fact, frozen=True):
    """A BPMN timer was armed, or moved. ``attached`` is the task that it guards."""

    timer: int
    element: str
    due: Instant
    attached: int | None


class TaskClaimed(Fact, frozen=True):
    """Who holds a task now; None: nobody."""

    task: int
    person: str | None


class TaskRescheduled(Fact, frozen=True):
    """From when a task may be worked on; None: at once."""

    task: int
    not_before: Instant | None


class ClockStarted(Fact, frozen=True):
    """An SLA clock runs. ``warnings`` are instants to come; ``provisional`` is 1 while its calendar is a guess."""

    clock: str
    parameter: str
    started: Instant
    due: Instant
    warnings: list[str]
    task: int | None
    element: str | None
    provisional: int


class Redated(Fact, frozen=True):
    """The due time that a clock has now, and its warnings to come, earliest first."""

    due: Instant
    warnings: list[str]


class Recounted(Fact, frozen=True):
    """The same for a clock that counts from another instant, ``started``, now."""

    due: Instant
    warnings: list[str]
    started: Instant
    provisional: int


class ClockChanged(Fact, frozen=True):
    """What happened to an SLA clock. ``detail`` is for each state another one: the accessors below read it."""

    clock: str
    state: ClockState
    detail: str | int | list[Any]

    @classmethod
    def at(cls, clock: str, state: ClockState, instant: Instant) -> ClockChanged:
        """Warned, breached, met, missed or stopped at an instant."""
        return cls(clock, state, instant)

    @classmethod
    def paused(cls, clock: str, remaining: int) -> ClockChanged:
        """Paused with ``remaining`` seconds (working or elapsed, by its parameter)."""
        return cls(clock, ClockState.PAUSED, remaining)

    @classmethod
    def redated(cls, clock: str, state: ClockState, now: Redated | Recounted) -> ClockChanged:
        """Resumed, moved or recounted."""
        return cls(clock, state, msgspec.to_builtins(now))

    @property
    def instant(self) -> str:
        """When it was warned, breached, met, missed or stopped."""
        return msgspec.convert(self.detail, str)

    @property
    def remaining(self) -> int:
        """Of a paused one: the seconds that are left."""
        return msgspec.convert(self.detail, int)

    @property
    def now(self) -> Redated | Recounted:
        """Of a resumed, moved or recounted one: its dates now."""
        if self.state is ClockState.RECOUNTED:
            return msgspec.convert(self.detail, Recounted)
        return msgspec.convert(self.detail, Redated)


class ServiceAnswered(Fact, frozen=True):
    """What a gateway answered for a message or a case to be opened."""

    event: str
    state: str
    detail: Any


class IncidentNoted(Fact, frozen=True):
    """A technical failure was opened, retried or closed."""

    incident: str
    action: str


class MessageRequested(msgspec.Struct, frozen=True, kw_only=True):
    """What the outbox is to send, once for its ``event``. ``to`` is a person or number, or a role of the house."""

    event: str
    service: str
    to: Any
    template: str
    text: Text
    not_before: Instant
    level: str | None = None


class CaseLinked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A case to be opened after this command, once for its ``event``, with the data that it begins with."""

    event: str
    process: str
    data: dict[str, Any]
    respondent: str | None = None


class Effects(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything that one command did."""

    moves: list[Moved] = []
    data: list[DataSet] = []
    opened: list[TaskOpened] = []
    closed: list[int] = []  #: user tasks that are open no more
    armed: list[TimerArmed] = []
    ended: list[int] = []  #: BPMN timers that are pending no more
    claimed: list[TaskClaimed] = []
    clocks: list[ClockStarted] = []
    clock_changes: list[ClockChanged] = []
    requests: list[MessageRequested] = []
    linked: list[CaseLinked] = []
    suppressed: list[str] = []  #: events: sends asked for again under a key already used
    withdrawn: list[str] = []  #: events: messages taken back before they were sent
    service: ServiceAnswered | None = None
    rescheduled: list[TaskRescheduled] = []
    paused: Text | None = None  #: the reason: the case waits for the customer
    resumed: bool = False  #: it waits no more
    amended: list[str] | None = None  #: names of case data that a person corrected
    incident: IncidentNoted | None = None
    release: str | None = (
        None  #: the digest of the release that the case runs on (:mod:`engine.release.digest`)
    )
    erased: bool = False  #: the key of the case was destroyed: nothing personal in it can be read again
    stuck: list[str] = []  #: elements at which the case stands, in which nothing can happen any more
    done: str | None = None  #: the outcome with which the case closed


KINDS: Final = Effects.__struct_fields__  #: the words of history for what commands do

#: values of case data that JSON has no form for are refused when history is written, not turned into texts here
_AS_THEY_ARE = (bytes, bytearray, datetime, date, time, timedelta, UUID, Decimal)


def plain(effects: Effects) -> dict[str, Any]:
    """The facts as plain data, as history stores them."""
    found: dict[str, Any] = msgspec.to_builtins(effects, builtin_types=_AS_THEY_ARE)
    return found


def parse(stored: Mapping[str, Any]) -> Effects:
    """The facts in plain data. Raises :class:`ValueError` for what the engine never wrote."""
    return msgspec.convert(stored, Effects)


def reference(own_process: str, process: str, element: str) -> str:
    """How history names an element: alone in the case's own process, else ``process/element``."""
    return element if process == own_process else f"{process}/{element}"


def resolve(own_process: str, ref: str) -> tuple[str, str]:
    """(process, element) of a :func:`reference`."""
    process, slash, element = ref.partition("/")
    return (process, element) if slash else (own_process, ref)
