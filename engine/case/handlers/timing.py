"""Commands that time issues, and those that pause, resume and move SLA clocks."""

from __future__ import annotations

from datetime import datetime

from engine.base.errors import Rejected
from engine.base.facts import Effects
from engine.case.clocks import RUNNING
from engine.case.commands import BreachClock, FireTimer, MoveClock, PauseClocks, ResumeClocks, WarnClock
from engine.case.instance import Instance


def fire_timer(instance: Instance, command: FireTimer) -> Effects:
    """One firing of one BPMN timer; where it draws an SLA clock, the breach of that clock."""
    delta = instance.machine.fire(datetime.fromisoformat(command.at), command.timer)
    return instance.apply(delta, command.at, fired=command.timer)


def warn(instance: Instance, command: WarnClock) -> Effects:
    """A clock has reached its next warning instant."""
    clock = instance.clocks.live.get(command.clock)
    if clock is None or not clock.warnings or clock.warnings[0] > command.at:
        raise Rejected("Expected clock {clock} to be due for a warning, but it is not", clock=command.clock)
    return Effects(clock_changes=[instance.clocks.warn(clock.id)])


def breach(instance: Instance, command: BreachClock) -> Effects:
    """The limit of a case-level clock has passed."""
    clock = instance.clocks.live.get(command.clock)
    if clock is None or clock.timer is not None or clock.state != RUNNING or clock.due > command.at:
        raise Rejected("Expected clock {clock} to be past its limit, but it is not", clock=command.clock)
    return Effects(clock_changes=[instance.clocks.breach(clock.id, command.at)])


def pause(instance: Instance, command: PauseClocks) -> Effects:
    """The case waits for the customer: limits that may pause are held."""
    if not command.reason.strip():
        raise Rejected("Expected a reason for the pause, but it is empty")
    if instance.paused is not None:
        raise Rejected("Expected a running case, but it already waits for the customer")
    instance.paused = command.reason
    return Effects(paused=instance.reason(command.reason), clock_changes=instance.pause_clocks(command.at))


def resume(instance: Instance, command: ResumeClocks) -> Effects:
    """The customer answered: held limits run on."""
    if instance.paused is None:
        raise Rejected("Expected a case that waits for the customer, but it is running")
    instance.paused = None
    return Effects(resumed=True, clock_changes=instance.resume_clocks(command.at))


def move_clock(instance: Instance, command: MoveClock) -> Effects:
    """A running clock gets another due time; its drawn timer follows."""
    clock = instance.clocks.live.get(command.clock)
    if clock is None or clock.state != RUNNING:
        raise Rejected("Expected clock {clock} to be running, but it is not", clock=command.clock)
    if command.due <= command.at:
        raise Rejected("Expected a due time to come, but {due} has passed", due=command.due)
    change = instance.clocks.move(clock.id, command.due, command.at)
    if clock.timer is not None:
        instance.machine.reschedule(clock.timer, clock.due)
    return Effects(clock_changes=[change])
