"""What can be asked of a case. A command carries everything it depends on: who, what, and its logical time.

Each class names its ``kind`` (the word in history), turns into plain data with :func:`to_plain`, and comes back from
it with :func:`parse`.
``at`` is ISO 8601 text in UTC. ``key`` is the idempotency key of an outside submit (never in history).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar

import msgspec

CLOCK = "system:clock"  #: the actor of commands that time itself issues
OUTBOX = "system:outbox"  #: the actor of commands that report what a gateway did

KINDS: dict[str, type[Command]] = {}
_NOT_IN_HISTORY = frozenset({"case_id", "key", "at", "actor"})


@dataclass(frozen=True, kw_only=True)
class Command:
    """Common part of all commands."""

    kind: ClassVar[str]
    since: ClassVar[int] = 1  #: the first version of behaviour that has it (:mod:`engine.case.behaviour`)

    case_id: str = ""
    actor: str
    at: str
    key: str | None = None

    def __init_subclass__(cls) -> None:
        if "kind" in vars(cls):
            KINDS[cls.kind] = cls


@dataclass(frozen=True, kw_only=True)
class GivingData(Command):
    """Common part of the commands by which somebody gives case data."""

    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Skipping(Command):
    """Common part of the commands that may pass over automatic steps that failed."""

    skip: tuple[str, ...] = ()  #: elements
    skipped_by: str | None = None  #: the supervisor who allowed it


@dataclass(frozen=True, kw_only=True)
class StartCase(GivingData):
    """Open a case of ``process`` with ``data``; the case number is given by dispatch."""

    kind: ClassVar[str] = "start"
    process: str
    external_id: str | None = None
    respondent: str | None = None  #: the person complained about, who may not handle the case
    parent: str | None = None  #: the case that opened this one


@dataclass(frozen=True, kw_only=True)
class ClaimTask(Command):
    """Take an open task for oneself."""

    kind: ClassVar[str] = "claim"
    task: int


@dataclass(frozen=True, kw_only=True)
class ReleaseTask(Command):
    """Give a claimed task back to its queue."""

    kind: ClassVar[str] = "release"
    task: int


@dataclass(frozen=True, kw_only=True)
class AssignTask(Command):
    """Give a task to another person, with a reason (supervisors)."""

    kind: ClassVar[str] = "assign"
    task: int
    to: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RescheduleTask(Command):
    """A task may be worked on from another instant, or at once (None), with a reason (supervisors)."""

    kind: ClassVar[str] = "reschedule"
    since: ClassVar[int] = 2
    task: int
    not_before: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class CompleteTask(GivingData, Skipping):
    """Complete an open user task with the values of its form."""

    kind: ClassVar[str] = "complete"
    task: int
    #: names that an earlier round of the form answered and this one left out; :mod:`.checks` finds them
    cleared: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FireTimer(Skipping):
    """A BPMN timer has come due; stamped with its due time."""

    kind: ClassVar[str] = "timer"
    timer: int


@dataclass(frozen=True, kw_only=True)
class WarnClock(Command):
    """The warning instant of an SLA clock has come."""

    kind: ClassVar[str] = "warn"
    clock: str


@dataclass(frozen=True, kw_only=True)
class BreachClock(Command):
    """The limit of a case-level SLA clock (one with no drawn timer) has passed."""

    kind: ClassVar[str] = "breach"
    clock: str


@dataclass(frozen=True, kw_only=True)
class PauseClocks(Command):
    """The case waits for the customer: limits that may pause stop running. A reason is required."""

    kind: ClassVar[str] = "pause"
    reason: str


@dataclass(frozen=True, kw_only=True)
class ResumeClocks(Command):
    """The customer answered: paused limits run on."""

    kind: ClassVar[str] = "resume"


@dataclass(frozen=True, kw_only=True)
class MoveClock(Command):
    """An SLA clock gets another due time, with a reason: a calendar became known, or a supervisor decided so."""

    kind: ClassVar[str] = "move_clock"
    clock: str
    due: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AmendData(GivingData):
    """Correct case data, with a reason; shown in history as what it is."""

    kind: ClassVar[str] = "amend"
    reason: str


@dataclass(frozen=True, kw_only=True)
class RecordServiceResult(Command):
    """What a gateway answered for one outbox entry: sent, failed or unknown."""

    kind: ClassVar[str] = "service_result"
    event: str
    state: str
    detail: str | None = None


@dataclass(frozen=True, kw_only=True)
class NoteIncident(Command):
    """A technical failure was opened, retried, skipped or closed on this case."""

    kind: ClassVar[str] = "incident"
    incident: str
    action: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class EraseCase(Command):
    """Destroy the key of a closed case (:mod:`engine.case.erasing`). Both texts stay readable: nothing personal."""

    kind: ClassVar[str] = "erase"
    since: ClassVar[int] = 4
    requested_by: str  #: on whose request
    reason: str


def to_plain(command: Command) -> dict[str, Any]:
    """The command as plain data for history: ``type``, ``at``, ``actor`` and what its class adds, where it has any."""
    out: dict[str, Any] = {"type": command.kind, "at": command.at, "actor": command.actor}
    for name in _own_names(command.kind):
        if (value := getattr(command, name)) not in (None, ()):
            out[name] = dict(value) if isinstance(value, Mapping) else value
    return out


def parse(plain: Mapping[str, Any]) -> Command:
    """The command in plain data, personal values open.

    Raises :class:`LookupError` for a kind that there is not, :class:`ValueError` for values that no command has.
    """
    return msgspec.convert(plain, KINDS[plain["type"]])


@cache
def _own_names(kind: str) -> tuple[str, ...]:
    """What the class of a kind of command adds to the common part."""
    return tuple(f.name for f in fields(KINDS[kind]) if f.name not in _NOT_IN_HISTORY)
