"""Workflows that know their READY, WAITING and unfinished tasks instead of walking the tree for them.

Stock walks every task several times per completion and stops at depth 1,000, where it calls an unfinished
case complete. The indexes are dicts kept by three hooks: added, moved, removed.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState as S

from engine.base.errors import Runaway

from .logical_clock import current
from .tasks import in_tree_order

MAX_NESTING = 64  #: sub-processes and calls inside one another
_INDEXED_STATES = {S.READY: "ready", S.WAITING: "waiting", S.NOT_FINISHED_MASK: "unfinished"}


def is_armed_timer(task: Any) -> bool:
    """Whether the task waits on a timer whose due time is already computed."""
    definition = getattr(task.task_spec, "event_definition", None)
    return isinstance(definition, TimerEventDefinition) and "event_value" in task.internal_data


class _Indexed:
    """Index upkeep shared by top workflows and sub-processes."""

    # set by SpiffWorkflow's own constructors
    tasks: dict[int, Any]
    top_workflow: Any
    completed: bool
    task_tree: Any

    def _start_indexes(self) -> None:
        self.ready: dict[int, Any] = {}
        self.waiting: dict[int, Any] = {}
        self.unfinished: dict[int, Any] = {}
        self.by_spec: dict[str, dict[int, Any]] = {}

    # -- upkeep
    def index_added(self, task: Any) -> None:
        """A task was made (or loaded) in its state."""
        state = task._state
        if state < S.COMPLETED:
            self.unfinished[task.id] = task
            if state == S.READY:
                self._note_ready(task)
            elif state == S.WAITING:
                self.waiting[task.id] = task
        self.by_spec.setdefault(task.task_spec.name, {})[task.id] = task
        self.top_workflow.by_id[task.id] = task

    def _note_ready(self, task: Any) -> None:
        self.ready[task.id] = task
        if task.task_spec.manual:
            self.top_workflow.open_tasks[task.id] = task

    def _forget(self, task: Any, state: int) -> None:
        if state == S.READY:
            self.ready.pop(task.id, None)
            self.top_workflow.open_tasks.pop(task.id, None)
        elif state == S.WAITING:
            self.waiting.pop(task.id, None)

    def index_moved(self, task: Any, old: int, new: int) -> None:
        """A task changed state; moves from WAITING on are logged for the effects."""
        if old >= S.WAITING:
            self._forget(task, old)
        if new >= S.COMPLETED:
            self.unfinished.pop(task.id, None)
        else:
            self.unfinished[task.id] = task
            if new == S.READY:
                self._note_ready(task)
            elif new == S.WAITING:
                self.waiting[task.id] = task
        if new >= S.WAITING:
            self.top_workflow.moves.append((task, new))

    def _remove_task(self, task_id: int) -> None:
        top = self.tasks[task_id]
        top.parent._children.remove(task_id)
        todo = [top]
        while todo:
            task = todo.pop()
            todo += task.children
            task._children = []  # cancel() visits removed tasks later
            self._forget(task, task._state)
            self.unfinished.pop(task.id, None)
            self.by_spec[task.task_spec.name].pop(task.id, None)
            del self.tasks[task.id]
            self.tear_down(task)
            self._task_removed_notify(task)  # type: ignore[attr-defined]

    def tear_down(self, task: Any) -> None:
        """End what a removed task leaves behind: stock keeps its timers armed and its sub-process running."""
        top = self.top_workflow
        top.by_id.pop(task.id, None)
        if S.WAITING <= task._state <= S.STARTED:
            top.moves.append((task, S.CANCELLED))
        top.event_manager.tasks.pop(task.id, None)
        top.open_tasks.pop(task.id, None)
        inner = top.subprocesses.pop(task.id, None)
        if inner is not None:
            top.active.pop(task.id, None)
            inner.completed = True
            for below in inner.tasks.values():
                inner.tear_down(below)

    # -- what stock asks
    def update_waiting_tasks(self) -> None:
        """Update what waits, but leave armed timers alone: they fire by their own command only."""
        for task in in_tree_order(self.waiting.values()) if self.waiting else ():
            if task._state == S.WAITING and not is_armed_timer(task):
                task.task_spec._update(task)

    def live_scope(self) -> list[Any]:
        """This workflow and the running sub-processes below it."""
        top = self.top_workflow
        if not top.active:
            return [self]
        return [
            self,
            *(
                sp
                for sp in top.active.values()
                if sp is not self and (self is top or top.is_inside(sp, self))
            ),
        ]

    def get_tasks(self, first_task: Any = None, **criteria: Any) -> list[Any]:
        """As stock; questions by state alone (and ``manual``) are answered from the indexes."""
        index = _INDEXED_STATES.get(criteria.get("state"))
        if first_task is None and index and not criteria.keys() - {"state", "manual"}:
            found = [t for wf in self.live_scope() for t in getattr(wf, index).values()]
            manual = criteria.get("manual")
            return in_tree_order(t for t in found if manual is None or t.task_spec.manual == manual)
        return super().get_tasks(first_task, **criteria)  # type: ignore[misc, no-any-return]

    def is_completed(self) -> bool:
        """Whether nothing is left to do (stock stops looking at depth 1,000 and says yes)."""
        self.completed = self.completed or not self.unfinished
        return self.completed

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        """Nothing: stock walks the tree for log fields nobody reads."""
        return {}


class IndexedSubWorkflow(_Indexed, BpmnSubWorkflow):  # type: ignore[misc]
    """A running sub-process or call activity. ``caller`` is its task, which stays known when it was removed."""

    def __init__(self, spec: Any, caller: Any, top_workflow: Any, **kwargs: Any) -> None:
        self._start_indexes()
        self.caller = caller
        super().__init__(spec, caller.id, top_workflow, **kwargs)


class IndexedWorkflow(_Indexed, BpmnWorkflow):  # type: ignore[misc]
    """A whole case. ``moves`` logs state changes of the running command; ``open_tasks`` are its user tasks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._start_indexes()
        self.moves: list[tuple[Any, int]] = []
        self.open_tasks: dict[int, Any] = {}
        self.active: dict[int, IndexedSubWorkflow] = {}
        self.by_id: dict[int, Any] = {}
        super().__init__(*args, **kwargs)

    def create_subprocess(self, my_task: Any, spec_name: str) -> IndexedSubWorkflow:
        """Stock hard-codes its own class here. Raises :class:`Runaway` for a process that calls itself."""
        if getattr(my_task.workflow, "depth", 0) >= MAX_NESTING:
            raise Runaway(f"calls nested more than {MAX_NESTING} deep: a process calls itself")
        inner = IndexedSubWorkflow(self.subprocess_specs[spec_name], my_task, self)
        self.subprocesses[my_task.id] = self.active[my_task.id] = inner
        return inner

    def get_task_from_id(self, task_id: int) -> Any:
        """The task, wherever it runs (stock asks every sub-process in turn)."""
        found = self.by_id.get(task_id)
        return found if found is not None else super().get_task_from_id(task_id)

    def is_inside(self, inner: Any, outer: Any) -> bool:
        """Whether sub-process ``inner`` runs (directly or not) inside ``outer``."""
        while inner.parent_task_id is not None:
            if inner is outer:
                return True
            inner = inner.parent_workflow
        return False

    def get_active_subprocesses(self) -> list[Any]:
        """Running sub-processes; finished ones are dropped from the live set on the way."""
        if self.active:
            self.active = {k: sp for k, sp in self.active.items() if not sp.completed}
        return list(self.active.values())

    def _do_engine_steps(self, *_callbacks: Any) -> bool:
        active = self.get_active_subprocesses()
        for inner in sorted(active, key=lambda sp: sp.depth, reverse=True):
            while self._step(inner):
                pass
            caller = self.get_task_from_id(inner.parent_task_id)
            caller.task_spec._update(caller)
        stepped = self._step(self)
        return stepped > 0 or len(self.get_active_subprocesses()) > len(active)

    @staticmethod
    def _step(workflow: Any) -> int:
        automatic = [t for wf in workflow.live_scope() for t in wf.ready.values() if not t.task_spec.manual]
        current().count_steps(len(automatic))
        for task in in_tree_order(automatic):
            if task._state == S.READY:  # an earlier one may have cancelled it
                task.run()
        return len(automatic)

    def refresh_timers(self) -> None:
        """Arm new timers. An armed one fires by its own command, never as a by-product."""
        for task in list(self.event_manager.tasks.values()):
            if (
                isinstance(task.task_spec.event_definition, TimerEventDefinition)
                and "event_value" not in task.internal_data
            ):
                task.task_spec._update(task)
