"""The table of what can be done to a case: command kind → handler. This is the index of the engine.

A handler takes the instance and the command's plain data (personal values open), acts, and returns effects.
It runs the same live and replayed: it may look at nothing but its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.base.errors import GongdanError, Rejected
from engine.case.effects import Effects
from engine.case.instance import Instance

from . import cases, tasks, timing

#: what executing a command may raise that no code of ours wrote
NONSENSE = (GongdanError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)

Handler = Callable[[Instance, dict[str, Any]], Effects]

HANDLERS: dict[str, Handler] = {
    "start": cases.start,
    "amend": cases.amend,
    "service_result": cases.service_result,
    "incident": cases.incident,
    "claim": tasks.claim,
    "release": tasks.release,
    "assign": tasks.assign,
    "reschedule": tasks.reschedule,
    "complete": tasks.complete,
    "timer": timing.fire_timer,
    "warn": timing.warn,
    "breach": timing.breach,
    "pause": timing.pause,
    "resume": timing.resume,
    "move_clock": timing.move_clock,
}


def execute(instance: Instance, command: dict[str, Any], version: int) -> Effects:
    """Run one command by the rules of a ``version`` of behaviour and return its effects.

    Time never runs backwards on a case.
    """
    if command["at"] < instance.at:
        raise Rejected(
            "Expected an instant not before {last}, but the command says {at}",
            last=instance.at,
            at=command["at"],
        )
    if instance.done and command["type"] not in ("service_result", "incident"):
        raise Rejected("Expected case {case_id} to be open, but it is closed", case_id=instance.case_id)
    instance.follow(version)
    instance.machine.skip = frozenset(command.get("skip", ()))
    effects = HANDLERS[command["type"]](instance, command)
    instance.at = command["at"]
    return effects
