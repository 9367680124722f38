"""What can be asked of a case. A command carries everything it depends on: who, what, and its logical time.

Each class names its ``kind`` (the word in history), turns into plain data with :func:`to_plain`, and comes back from
it with :func:`parse`.
``at`` is ISO 8601 text in UTC. ``key`` is the idempotency key of an outside submit (never in history).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import msgspec

CLOCK = "system:clock"  #: the actor of commands that time itself issues
OUTBOX = "system:outbox"  #: the actor of commands that report what a gateway did

KINDS: dict[str, type[Command]] = {}
_NOT_IN_HISTORY = frozenset({"case_id", "key", "at", "actor"})


class Command(msgspec.Struct, frozen=True, kw_only=True):
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


class Skipping(Command, frozen=True, kw_only=True):
    """Common part of the commands that may pass over automatic steps that failed."""

    skip: tuple[str, ...] = ()  #: elements
    skipped_by: str | None = None  #: the supervisor who allowed it


class StartCase(Command, frozen=True, kw_only=True):
    """Open a case of ``process`` with ``data``; the case number is given by dispatch."""

    kind: ClassVar[str] = "start"
    process: str
    data: Mapping[str, Any]
    external_id: str | None = None
    respondent: str | None = None  #: the person complained about, who may not handle the case
    parent: str | None = None  #: the case that opened this one


class ClaimTask(Command, frozen=True, kw_only=True):
    """Take an open task for oneself."""

    kind: ClassVar[str] = "claim"
    task: int


class ReleaseTask(Command, frozen=True, kw_only=True):
    """Give a claimed task back to its queue."""

    kind: ClassVar[str] = "release"
    task: int


class AssignTask(Command, frozen=True, kw_only=True):
    """Give a task to another person, with a reason (supervisors)."""

    kind: ClassVar[str] = "assign"
    task: int
    to: str
    reason: str


class RescheduleTask(Command, frozen=True, kw_only=True):
    """A task may be worked on from another instant, or at once (None), with a reason (supervisors)."""

    kind: ClassVar[str] = "reschedule"
    since: ClassVar[int] = 2
    task: int
    not_before: str | None = None
    reason: str


class CompleteTask(Skipping, frozen=True, kw_only=True):
    """Complete an open user task with the values of its form."""

    kind: ClassVar[str] = "complete"
    task: int
    data: Mapping[str, Any]
    #: names that an earlier round of the form answered and this one left out; :mod:`.checks` finds them
    cleared: tuple[str, ...] = ()


class FireTimer(Skipping, frozen=True, kw_only=True):
    """A BPMN timer has come due; stamped with its due time."""

    kind: ClassVar[str] = "timer"
    timer: int


class WarnClock(Command, frozen=True, kw_only=True):
    """The warning instant of an SLA clock has come."""

    kind: ClassVar[str] = "warn"
    clock: str


class BreachClock(Command, frozen=True, kw_only=True):
    """The limit of a case-level SLA clock (one with no drawn timer) has passed."""

    kind: ClassVar[str] = "breach"
    clock: str


class PauseClocks(Command, frozen=True, kw_only=True):
    """The case waits for the customer: limits that may pause stop running. A reason is required."""

    kind: ClassVar[str] = "pause"
    reason: str


class ResumeClocks(Command, frozen=True, kw_only=True):
    """The customer answered: paused limits run on."""

    kind: ClassVar[str] = "resume"


class MoveClock(Command, frozen=True, kw_only=True):
    """An SLA clock gets another due time, with a reason: a calendar became known, or a supervisor decided so."""

    kind: ClassVar[str] = "move_clock"
    clock: str
    due: str
    reason: str


class AmendData(Command, frozen=True, kw_only=True):
    """Correct case data, with a reason; shown in history as what it is."""

    kind: ClassVar[str] = "amend"
    data: Mapping[str, Any]
    reason: str


class RecordServiceResult(Command, frozen=True, kw_only=True):
    """What a gateway answered for one outbox entry: sent, failed or unknown."""

    kind: ClassVar[str] = "service_result"
    event: str
    state: str
    detail: str | None = None


class NoteIncident(Command, frozen=True, kw_only=True):
    """A technical failure was opened, retried, skipped or closed on this case."""

    kind: ClassVar[str] = "incident"
    incident: str
    action: str
    detail: str


class EraseCase(Command, frozen=True, kw_only=True):
    """Destroy the key of a closed case (:mod:`engine.case.erasing`). Both texts stay readable: nothing personal."""

    kind: ClassVar[str] = "erase"
    since: ClassVar[int] = 4
    requested_by: str  #: on whose request
    reason: str
    #: table → digest of its rows that stay (:mod:`engine.case.kept_rows`)
    kept: Mapping[str, str] | None = None


GivingData = StartCase | CompleteTask | AmendData  #: the commands by which somebody gives case data


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
    return tuple(name for name in KINDS[kind].__struct_fields__ if name not in _NOT_IN_HISTORY)
