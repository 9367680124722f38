"""Joins and tree walks: stock's decisions, taken from the indexes, without recursion or a depth limit.

One decision differs on purpose (ADR 0008): a parallel join inside a loop looks only at its current round. Stock
counts a cancelled sibling of an earlier round and fires early.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.util.task import BpmnTaskIterator
from SpiffWorkflow.util.deep_merge import DeepMerge
from SpiffWorkflow.util.task import TaskState as S

from .tasks import plain_copy


def _this_round(spec: Any, my_task: Any) -> tuple[list[Any], bool]:
    """Tasks of this join since it last completed above ``my_task``, newest first, and whether it did so.

    Those are the tasks below that completed one: a cancelled sibling of the earlier round may be younger than it.
    """
    found: list[Any] = []
    for task in reversed(my_task.workflow.by_spec.get(spec.name, {}).values()):
        if task is not my_task and task._state == S.COMPLETED and my_task.is_descendant_of(task):
            return [t for t in found if t.is_descendant_of(task)], True
        found.append(task)
    return found, False


def _inputs_from_itself(spec: Any) -> set[Any]:
    """The incoming elements that a token leaving ``spec`` can reach: its back edges, and branches split after it."""
    seen: set[Any] = set()
    todo = list(spec.outputs)
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += at.outputs
    return seen & set(spec.inputs)


def parallel_may_fire(self: Any, my_task: Any) -> bool:
    """Whether every incoming branch of a parallel join has arrived in this round."""
    tasks, again = _this_round(self, my_task)
    awaited = _inputs_from_itself(self) if again else set(self.inputs)
    for task in tasks:
        if task.is_descendant_of(my_task):
            at = task
            while (
                at is not my_task and at.task_spec not in awaited
            ):  # stock climbs on to the root, recursively
                at = at.parent
            awaited.discard(at.task_spec)
        elif my_task.is_descendant_of(task):
            continue
        elif task.parent.state == S.COMPLETED:
            awaited.discard(task.parent.task_spec)
    return not awaited


def join_update(self: Any, my_task: Any) -> bool:
    """Fire the join or make it wait; only one task of a join waits at a time."""
    may_fire = bool(self._check_threshold_unstructured(my_task))
    for other in [t for t in my_task.workflow.waiting.values() if t.task_spec is self and t is not my_task]:
        other.cancel()
    if may_fire:
        my_task._inherit_data()
    else:
        my_task._set_state(S.WAITING)
    return may_fire


def join_run(self: Any, my_task: Any) -> bool:
    """Merge what the branches brought, in the order they arrived."""
    others = [
        t
        for t in _this_round(self, my_task)[0]
        if t is not my_task and t._state & S.FINISHED_MASK and not my_task.is_descendant_of(t)
    ]
    for task in sorted(others, key=lambda t: t.last_state_change):
        DeepMerge.merge(my_task.data, plain_copy(task.parent.data))
        if task._state == S.COMPLETED:
            task._drop_children(force=True)
    my_task._inherit_data()
    return True


def end_may_fire(self: Any, my_task: Any) -> bool:
    """Whether nothing but this process end is left unfinished."""
    return all(
        t is my_task or (t.parent is not None and t.parent.task_spec is self)
        for t in my_task.workflow.unfinished.values()
    )


def next_task(self: Any) -> Any:
    """One step of stock's tree walk, without its depth limit."""
    if not self.task_list:
        raise StopIteration
    task = self.task_list.pop() if self.depth_first else self.task_list.pop(0)
    inner = None
    if isinstance(self, BpmnTaskIterator):
        inner = task.workflow.top_workflow.subprocesses.get(task.id)
    if (
        inner is not None or (task._children and task._state >= self.min_state)
    ) and task.task_spec.name != self.end_at_spec:
        skip = inner is None or self.skip_subprocesses
        skip = skip or (task._state >= S.FINISHED_MASK and self.task_filter.state <= S.FINISHED_MASK)
        below = [] if skip or inner is None else [inner.task_tree]
        if self.depth_first:
            self.task_list += reversed(below + task.children)
        else:
            self.task_list += task.children + below
    return task
