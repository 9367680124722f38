"""A SpiffWorkflow task that keeps its workflow's indexes true, copies data deeply and climbs without recursion."""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from copy import deepcopy
from functools import cmp_to_key
from typing import Any

import SpiffWorkflow.task as spiff_task
from SpiffWorkflow.util.deep_merge import DeepMerge
from SpiffWorkflow.util.task import TaskState as S

from .logical_clock import current, new_id, tick


def plain_copy(value: Any) -> Any:
    """A deep copy of plain data (marshal is several times faster than ``deepcopy``; its format 2 the fastest)."""
    try:
        return marshal.loads(marshal.dumps(value, 2))  # noqa: S302 - our own bytes, made in this line
    except ValueError:
        return deepcopy(value)


def _handed_down(data: dict[str, Any]) -> Any:
    """A deep copy of a task's data for the next one, counted: many tasks with much data fill the memory.

    Counted in marshal's format 2, which writes a value as often as it stands there: later formats write what is
    shared once, and what is shared differs between a live case and a reloaded one.
    """
    try:
        body = marshal.dumps(data, 2)
    except ValueError:
        return deepcopy(data)
    current().count_copied(len(body))
    return marshal.loads(body)  # noqa: S302 - our own bytes, made above


def same(a: Any, b: Any) -> bool:
    """Whether plain values are equal in type and key order too (``1 == True == 1.0``, but not as text)."""
    if a is b or a != b:
        return a is b
    try:
        return marshal.dumps(a, 2) == marshal.dumps(b, 2)
    except ValueError:
        return True


class IndexedTask(spiff_task.Task):  # type: ignore[misc]
    """``SpiffWorkflow.task.Task`` with integer ids, logical ticks, deep inheritance and index upkeep."""

    def __init__(
        self,
        workflow: Any,
        task_spec: Any,
        parent: Any = None,
        state: int = S.MAYBE,
        id: int | None = None,
    ) -> None:
        self.id = id or new_id()
        workflow.tasks[self.id] = self
        self.workflow = workflow
        self.task_spec = task_spec
        self._parent = None if parent is None else parent.id
        self._children: list[int] = []
        self._state = state
        self.triggered = False
        self.thread_id = 0
        self.data: dict[str, Any] = {}
        self.internal_data: dict[str, Any] = {}
        self.last_state_change = 0 if id else tick()
        workflow.index_added(self)
        if parent is not None:
            parent._children.append(self.id)

    @property
    def children(self) -> list[Any]:
        """The tasks below this one, in order (stock's walk asks this more than anything else)."""
        return list(map(self.workflow.tasks.get, self._children)) if self._children else []

    def _set_state(self, value: int) -> None:
        old = self._state
        if value != old:
            self.last_state_change = tick()
            self._state = value
            workflow = self.workflow
            if workflow.tasks.get(self.id) is self:
                workflow.index_moved(self, old, value)

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        """Nothing: stock walks the tree for log fields nobody reads."""
        return {}

    def is_descendant_of(self, task: Any) -> bool:
        """Whether ``task`` is above this one (stock recurses: RecursionError after ~240 loop rounds)."""
        at: Any = self
        tasks, wanted = self.workflow.tasks, task.id
        while at is not None and at.id > wanted:  # a parent is always older than its children
            at = tasks.get(at._parent)
        return at is task and at is not self

    def find_ancestor(self, spec_name: str) -> Any:
        """The nearest ancestor made from ``spec_name``, or None."""
        tasks, at = self.workflow.tasks, self.parent
        while at is not None and at.task_spec.name != spec_name:
            at = tasks.get(at._parent)
        return at

    def _inherit_data(self) -> None:
        # Stock copies shallowly: a later step could then rewrite nested data of a finished one.
        above = self.parent.data
        if not self.data:
            self.data = _handed_down(above)
        elif self.data != above:
            self.data = DeepMerge.merge(self.data, _handed_down(above))
        if "amended" in self.internal_data:  # a correction made while this event waited (see Machine.amend)
            self.data.update(plain_copy(self.internal_data["amended"]))

    def _drop_children(self, force: bool = False) -> None:
        todo = [self]
        while todo:
            for child in todo.pop().children:
                if force or child._state & S.NOT_FINISHED_MASK:
                    self.workflow._remove_task(child.id)
                else:
                    todo.append(child)


def _above(task: Any) -> Any:
    if task._parent is not None:
        return task.parent
    return task.workflow.top_workflow.get_task_from_id(task.workflow.parent_task_id)


def _older(x: Any, y: Any) -> bool:
    """Whether ``x`` cannot be above ``y``'s branch, so that ``y`` is the one to climb."""
    if x.workflow is y.workflow:
        return bool(x.id < y.id)
    return bool(x.workflow.depth < y.workflow.depth)


def _compare(a: Any, b: Any) -> int:
    """Depth-first tree order of two tasks, climbing only to their nearest common ancestor."""
    if a is b:
        return 0
    x, y, below_x, below_y = a, b, None, None
    while x is not y:
        if _older(x, y):
            below_y, y = y, _above(y)
        else:
            below_x, x = x, _above(x)
    if below_x is None:
        return -1
    if below_y is None:
        return 1
    x_inside, y_inside = below_x.workflow is not x.workflow, below_y.workflow is not x.workflow
    if x_inside or y_inside:  # a sub-process comes before the children of its task
        return -1 if x_inside else 1
    return -1 if x._children.index(below_x.id) < x._children.index(below_y.id) else 1


_tree_key = cmp_to_key(_compare)


def in_tree_order(tasks: Iterable[Any]) -> list[Any]:
    """The tasks in the order stock's depth-first walk would find them."""
    found = list(tasks)
    return found if len(found) < 2 else sorted(found, key=_tree_key)
