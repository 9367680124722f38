"""A machine as plain data and back. Without the specification: the release has it.

Each task's data is kept as its difference from its parent's, in key order (SpiffWorkflow needs parents before
children). A snapshot is a cache: when it cannot be read, history is replayed.
"""

from __future__ import annotations

from typing import Any

from .machine import Machine
from .parser import Program
from .tasks import IndexedTask, plain_copy, same
from .workflows import IndexedSubWorkflow, IndexedWorkflow


def freeze(machine: Machine) -> dict[str, Any]:
    """The machine as JSON-able data."""
    flow = machine.flow
    return {
        "process": machine.process,
        "ids": machine.counters.ids,
        "ticks": machine.counters.ticks,
        "due": list(machine.due.items()),
        "open": list(machine.open),
        "events": list(flow.event_manager.tasks),
        "open_order": list(flow.open_tasks),
        "flows": [_freeze_flow(flow), *(_freeze_flow(inner) for inner in flow.subprocesses.values())],
    }


def _freeze_flow(flow: Any) -> dict[str, Any]:
    return {
        "root": flow.task_tree.id,
        "last": flow.last_task and flow.last_task.id,
        "success": flow.success,
        "completed": flow.completed,
        "data": flow.data,
        "correlations": flow.correlations,
        "parent": flow.parent_task_id,
        "tasks": [_freeze_task(task) for task in flow.tasks.values()],
    }


def _freeze_task(task: Any) -> list[Any]:
    parent = task.parent
    base, own = (parent.data if parent is not None else {}), task.data
    change = None
    if not same(own, base):
        put = {k: v for k, v in own.items() if k not in base or not same(base[k], v)}
        order = list(own)
        change = [put, None if order == list(base) else order]
    return [
        task.id,
        task._parent,
        task._children,
        task.task_spec.name,
        task._state,
        task.triggered,
        task.last_state_change,
        task.internal_data,
        change,
    ]


def thaw(program: Program, frozen: dict[str, Any]) -> Machine:
    """The machine that :func:`freeze` described, on ``program``."""
    machine = Machine(program, frozen["process"])
    machine.counters.ids, machine.counters.ticks = frozen["ids"], frozen["ticks"]
    machine.due = dict(frozen["due"])
    machine.open = dict.fromkeys(frozen["open"])
    inner_specs = program.inner[machine.process]
    flow = machine.workflow = IndexedWorkflow(
        program.specs[machine.process], inner_specs, program.scripts, deserializing=True
    )
    for part in frozen["flows"]:
        _thaw_flow(flow, part)
    for task_id in frozen["events"]:
        flow.event_manager.add_task(task := flow.get_task_from_id(task_id))
        if task.internal_data.get("paused"):
            machine.held.add(task_id)
    flow.open_tasks = {n: flow.get_task_from_id(n) for n in frozen["open_order"]}
    flow.moves = []
    return machine


def _thaw_flow(top: IndexedWorkflow, part: dict[str, Any]) -> None:
    flow: Any = top
    if part["parent"] is not None:
        caller = top.get_task_from_id(part["parent"])
        flow = IndexedSubWorkflow(
            top.subprocess_specs[caller.task_spec.spec], caller, top, deserializing=True
        )
        top.subprocesses[caller.id] = flow
        flow.completed_event.connect(caller.task_spec._on_subworkflow_completed, caller)
        if not part["completed"]:
            top.active[caller.id] = flow
    for task_id, parent, children, name, state, triggered, changed, internal, change in part["tasks"]:
        task = IndexedTask(flow, flow.spec.task_specs[name], None, state, task_id)
        task._parent, task._children, task.triggered = parent, children, triggered
        task.last_state_change, task.internal_data = changed, internal
        base = flow.tasks[parent].data if parent is not None else {}
        task.data = _thaw_data(base, change)
    flow.task_tree, flow.last_task = flow.tasks[part["root"]], flow.tasks.get(part["last"])
    flow.success, flow.completed = part["success"], part["completed"]
    flow.data, flow.correlations = part["data"], part["correlations"]


def _thaw_data(base: dict[str, Any], change: list[Any] | None) -> dict[str, Any]:
    if change is not None:
        put, order = change
        base = {k: put[k] if k in put else base[k] for k in (base if order is None else order)}
    copied: dict[str, Any] = plain_copy(base) if base else {}
    return copied
