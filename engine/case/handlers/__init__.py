"""The table of what can be done to a case: class of command → handler. This is the index of the engine.

A handler takes the instance and the command (personal values open), acts, and returns effects.
It runs the same live and replayed: it may look at nothing but its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from engine.base.errors import GongdanError, Rejected
from engine.base.facts import Effects
from engine.case import commands as asked
from engine.case.commands import Command, Skipping
from engine.case.instance import Instance

from . import cases, tasks, timing

#: what executing a command may raise that no code of ours wrote
NONSENSE = (GongdanError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)

Handler = Callable[[Instance, Any], Effects]
C = TypeVar("C", bound=Command)


def _entry(kind: type[C], handler: Callable[[Instance, C], Effects]) -> tuple[type[Command], Handler]:
    """A line of the table: a handler and the class of command that it is written for."""
    return kind, handler


HANDLERS: dict[type[Command], Handler] = dict([
    _entry(asked.StartCase, cases.start),
    _entry(asked.AmendData, cases.amend),
    _entry(asked.RecordServiceResult, cases.service_result),
    _entry(asked.NoteIncident, cases.incident),
    _entry(asked.EraseCase, cases.erase),
    _entry(asked.ClaimTask, tasks.claim),
    _entry(asked.ReleaseTask, tasks.release),
    _entry(asked.AssignTask, tasks.assign),
    _entry(asked.RescheduleTask, tasks.reschedule),
    _entry(asked.CompleteTask, tasks.complete),
    _entry(asked.FireTimer, timing.fire_timer),
    _entry(asked.WarnClock, timing.warn),
    _entry(asked.BreachClock, timing.breach),
    _entry(asked.PauseClocks, timing.pause),
    _entry(asked.ResumeClocks, timing.resume),
    _entry(asked.MoveClock, timing.move_clock),
])  # fmt: skip


#: what is noted on a case that is closed, too
_AFTER_THE_END = (asked.RecordServiceResult, asked.NoteIncident, asked.EraseCase)


def execute(instance: Instance, command: Command, version: int) -> Effects:
    """Run one command by the rules of a ``version`` of behaviour and return its effects.

    Time never runs backwards on a case.
    """
    if command.at < instance.at:
        raise Rejected(
            "Expected an instant not before {last}, but the command says {at}",
            last=instance.at,
            at=command.at,
        )
    if instance.done and not isinstance(command, _AFTER_THE_END):
        raise Rejected("Expected case {case_id} to be open, but it is closed", case_id=instance.case_id)
    instance.follow(version)
    instance.machine.skip = frozenset(command.skip if isinstance(command, Skipping) else ())
    effects = HANDLERS[type(command)](instance, command)
    instance.at = command.at
    return effects
