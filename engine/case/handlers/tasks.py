"""Commands on user tasks."""

from __future__ import annotations

from datetime import datetime

from engine.base.errors import Conflict, Rejected
from engine.base.facts import Effects, TaskClaimed, TaskRescheduled
from engine.case.commands import AssignTask, ClaimTask, CompleteTask, ReleaseTask, RescheduleTask
from engine.case.instance import Instance
from engine.forms.calls import is_customers_own

from .receipt import counted_from


def claim(instance: Instance, command: ClaimTask) -> Effects:
    """A person takes an open task that nobody else holds."""
    task, person = command.task, command.actor
    instance.open_task(task)
    holder = instance.claims.get(task)
    if holder not in (None, person):
        raise Conflict(
            "Expected task {task} to be free, but {person} has claimed it", task=task, person=holder
        )
    instance.claims[task] = person
    return Effects(claimed=[TaskClaimed(task, person)])


def release(instance: Instance, command: ReleaseTask) -> Effects:
    """The holder (or a supervisor, which dispatch has checked) gives a task back."""
    task = command.task
    instance.open_task(task)
    if instance.claims.pop(task, None) is None:
        raise Rejected("Expected task {task} to be claimed, but nobody holds it", task=task)
    return Effects(claimed=[TaskClaimed(task, None)])


def assign(instance: Instance, command: AssignTask) -> Effects:
    """A supervisor gives a task to a person."""
    instance.open_task(command.task)
    instance.claims[command.task] = command.to
    return Effects(claimed=[TaskClaimed(command.task, command.to)])


def reschedule(instance: Instance, command: RescheduleTask) -> Effects:
    """A task may be worked on from another instant, or at once."""
    task, until = command.task, command.not_before
    instance.open_task(task)
    if until is None:
        instance.not_before.pop(task, None)
    else:
        instance.not_before[task] = until
    return Effects(rescheduled=[TaskRescheduled(task, until)])


def complete(instance: Instance, command: CompleteTask) -> Effects:
    """Complete an open task with its form."""
    task, at = command.task, command.at
    element = instance.open_task(task)[0]
    holder = instance.claims.get(task)
    if holder not in (None, command.actor):
        raise Conflict(
            "Expected task {task} to be yours or free, but {person} has claimed it", task=task, person=holder
        )
    wait = instance.not_before.get(task)
    if wait is not None and at < wait and not is_customers_own(command.data):
        raise Rejected(
            "Expected to work on task {task} not before {wait}, but it is {at}", task=task, wait=wait, at=at
        )
    instance.done_by[element] = command.actor
    delta = instance.machine.complete(datetime.fromisoformat(at), task, command.data, command.cleared)
    return counted_from(instance, command.data, at, instance.apply(delta, at))
