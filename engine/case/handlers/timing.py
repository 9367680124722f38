"""Commands that time issues, and those that hold and release SLA clocks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.base.errors import Rejected
from engine.case.effects import Effects
from engine.case.instance import Instance


def fire_timer(instance: Instance, command: dict[str, Any]) -> Effects:
    """One firing of one BPMN timer; where it draws an SLA clock, the breach of that clock."""
    timer, at = command["timer"], command["at"]
    delta = instance.machine.fire(datetime.fromisoformat(at), timer)
    return instance.absorb(delta, at, fired=timer)


def warn(instance: Instance, command: dict[str, Any]) -> Effects:
    """A clock has reached its next warning instant."""
    clock = instance.clocks.live.get(command["clock"])
    if clock is None or not clock.warnings or clock.warnings[0] > command["at"]:
        raise Rejected(
            "Expected clock {clock} to be due for a warning, but it is not", clock=command["clock"]
        )
    return {"clock_changes": [instance.clocks.warn(clock.id)]}


def breach(instance: Instance, command: dict[str, Any]) -> Effects:
    """The limit of a case-level clock has passed."""
    clock = instance.clocks.live.get(command["clock"])
    if clock is None or clock.timer is not None or clock.state != "running" or clock.due > command["at"]:
        raise Rejected("Expected clock {clock} to be past its limit, but it is not", clock=command["clock"])
    return {"clock_changes": [instance.clocks.breach(clock.id, command["at"])]}


def pause(instance: Instance, command: dict[str, Any]) -> Effects:
    """The case waits for the customer: limits that may pause are held."""
    if not command["reason"].strip():
        raise Rejected("Expected a reason for the pause, but it is empty")
    if instance.paused is not None:
        raise Rejected("Expected a running case, but it already waits for the customer")
    instance.paused = command["reason"]
    return _with_changes({"paused": instance.reason(command["reason"])}, instance.hold(command["at"]))


def resume(instance: Instance, command: dict[str, Any]) -> Effects:
    """The customer answered: held limits run on."""
    if instance.paused is None:
        raise Rejected("Expected a case that waits for the customer, but it is running")
    instance.paused = None
    return _with_changes({"resumed": True}, instance.let_run(command["at"]))


def move_clock(instance: Instance, command: dict[str, Any]) -> Effects:
    """A running clock gets another due time; its drawn timer follows."""
    clock = instance.clocks.live.get(command["clock"])
    if clock is None or clock.state != "running":
        raise Rejected("Expected clock {clock} to be running, but it is not", clock=command["clock"])
    if command["due"] <= command["at"]:
        raise Rejected("Expected a due time to come, but {due} has passed", due=command["due"])
    change = instance.clocks.move(clock.id, command["due"], command["at"])
    if clock.timer is not None:
        instance.machine.reschedule(clock.timer, clock.due)
    return {"clock_changes": [change]}


def _with_changes(effects: Effects, changes: list[list[Any]]) -> Effects:
    return {**effects, "clock_changes": changes} if changes else effects
