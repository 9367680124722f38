"""One case's running workflow: the only door through which SpiffWorkflow is driven.

Each method runs one command's worth of work at a logical instant and answers with a :class:`Delta`: plain facts
of what changed. The delta never reads the data of finished tasks again: changes are copied when a step completes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.end_event import EndEvent
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.util.task import TaskState as S

from engine.base.errors import GongdanError, Rejected, TechnicalFailure
from engine.base.facts import State

from . import logical_clock
from .logical_clock import Counters, Logical
from .parser import Program
from .patches import install
from .tasks import same
from .timers import due_of, fire
from .workflows import IndexedWorkflow

install()

_STATES = {
    S.WAITING: State.WAITING,
    S.READY: State.READY,
    S.STARTED: State.STARTED,
    S.COMPLETED: State.COMPLETED,
    S.ERROR: State.FAILED,
    S.CANCELLED: State.CANCELLED,
}


class Place(Struct):
    """Where a task stands: its element, the process that draws it, and the calls that lead there, outermost first."""

    process: str
    element: str
    calls: list[tuple[str, str]]  #: (process, element) of each call activity above


class Armed(Struct):
    """A timer that was armed or moved. ``attached`` is the task it guards; ``sla`` what ``sla_due`` was asked."""

    timer: int
    place: Place
    due: str
    attached: int | None
    sla: dict[str, Any] | None


class Delta(Struct):
    """What one command changed, in the order it happened."""

    moves: list[tuple[int, Place, State]] = []
    #: (task, names set with their values, names removed, the whole data the values came from)
    data: list[tuple[int, dict[str, Any], list[str], dict[str, Any]]] = []
    #: (task, where, earliest instant to work on it)
    opened: list[tuple[int, Place, str | None]] = []
    closed: list[int] = []
    armed: list[Armed] = []
    ended: list[int] = []
    services: list[dict[str, Any]] = []
    done: bool = False
    ends: list[str] = []  #: end events of the case's own process reached


class Machine:
    """A live workflow with its counters. ``open`` holds open user tasks, ``due`` armed timers by task id."""

    def __init__(self, program: Program, process: str) -> None:
        self.program = program
        self.process = process
        self.counters = Counters()
        self.workflow: IndexedWorkflow | None = None
        self.open: dict[int, None] = {}
        self.due: dict[int, str] = {}
        self.held: set[int] = set()  #: timers that are armed but paused
        self.skip: frozenset[str] = frozenset()  #: automatic steps the running command may pass over

    # ------------------------------------------------------------ driving
    def start(self, now: datetime, data: Mapping[str, Any]) -> Delta:
        """Begin the process with ``data`` at ``now``."""

        def begin() -> None:
            spec = self.program.specs.get(self.process)
            if spec is None:
                raise Rejected(
                    "Expected an executable process, but the release has no {process!r}", process=self.process
                )
            self.workflow = IndexedWorkflow(spec, self.program.inner[self.process], self.program.scripts)
            self.workflow.task_tree.data.update(data)

        return self._run(now, begin)

    def complete(
        self, now: datetime, task_id: int, data: Mapping[str, Any], cleared: Iterable[str] = ()
    ) -> Delta:
        """Complete open user task ``task_id`` with form ``data``; names in ``cleared`` have no value any more."""
        task = self.flow.open_tasks.get(task_id)
        if task is None:
            raise Rejected("Expected to complete task {task_id}, but it is not open", task_id=task_id)

        def finish() -> None:
            for name in cleared:
                task.data.pop(name, None)
            task.data.update(data)
            task.run()

        return self._run(now, finish, task_id=task_id, form=data)

    def fire(self, now: datetime, timer: int) -> Delta:
        """Fire armed timer ``timer``; ``now`` is its due instant or later."""
        task = self.flow.event_manager.tasks.get(timer)
        if task is None or timer not in self.due:
            raise Rejected("Expected to fire timer {timer}, but it is not armed", timer=timer)
        if datetime.fromisoformat(self.due[timer]) > now:
            raise Rejected(
                "Expected to fire timer {timer}, but it is due only at {text}",
                timer=timer,
                text=self.due[timer],
            )
        return self._run(now, lambda: fire(task), firing=timer)

    def amend(self, now: datetime, data: Mapping[str, Any]) -> Delta:
        """Write ``data`` into everything that is still running (open tasks and what waits)."""

        def write() -> None:
            for workflow in self.flow.live_scope():
                for task in workflow.unfinished.values():
                    if task.data:
                        task.data.update(data)
                    if task.state == S.WAITING and hasattr(task.task_spec, "event_definition"):
                        # it takes its data from above once more when it fires
                        task.internal_data.setdefault("amended", {}).update(data)

        return self._run(now, write)

    def reschedule(self, timer: int, due: str | None) -> None:
        """Move an armed timer to ``due``; None holds it until it is moved again."""
        data = self.flow.event_manager.tasks[timer].internal_data
        if due is None:
            data["paused"] = True
            self.due.pop(timer, None)
            self.held.add(timer)
        else:
            data.pop("paused", None)
            self.held.discard(timer)
            data["event_value"] = self.due[timer] = due

    def data_of(self, task_id: int) -> dict[str, Any]:
        """The data an open task sees (not a copy: read only)."""
        task = self.flow.open_tasks.get(task_id)
        if task is None:
            raise Rejected("Expected task {task_id} to be open, but it is not", task_id=task_id)
        return dict(task.data)

    def around(self, task_id: int) -> set[int]:
        """The tasks that an open task is inside of: sub-processes, calls, and rounds of several at once."""
        task: Any = self.flow.open_tasks.get(task_id)
        found: set[int] = set()
        while task is not None:
            outer = task.parent
            while outer is not None and outer.state < S.COMPLETED:  # what goes before a task is completed
                found.add(outer.id)
                outer = outer.parent
            task = task.workflow.caller if task.workflow is not self.workflow else None
            if task is not None:
                found.add(task.id)
        return found

    def any_data(self) -> dict[str, Any]:
        """The most recent data of the case: of its newest open task, else of the workflow's result."""
        newest = max(self.flow.open_tasks, default=None)
        if newest is not None:
            return dict(self.flow.open_tasks[newest].data)
        live = [t for wf in self.flow.live_scope() for t in wf.unfinished.values() if t.data]
        if live:
            return dict(max(live, key=lambda t: t.id).data)
        last = self.flow.last_task
        return dict(self.flow.data or (last.data if last is not None else {}))

    @property
    def can_move(self) -> bool:
        """Whether anything can still happen: a task to be completed, or a timer that fires or is held."""
        return bool(self.open or self.due or self.held)

    def waiting(self) -> list[Place]:
        """Where tokens wait, in the order in which they came there."""
        tasks = [
            task
            for workflow in self.flow.live_scope()
            for task in workflow.unfinished.values()
            if task.state in (S.WAITING, S.READY, S.STARTED) and getattr(task.task_spec, "bpmn_id", None)
        ]
        return [self.place_of(task) for task in sorted(tasks, key=lambda task: task.id)]

    @property
    def flow(self) -> IndexedWorkflow:
        """The running workflow; raises :class:`Rejected` before the start."""
        if self.workflow is None:
            raise Rejected("Expected a started case, but it has not begun")
        return self.workflow

    # ------------------------------------------------------------ one command's worth of work
    def _run(
        self,
        now: datetime,
        action: Callable[[], None],
        *,
        firing: int | None = None,
        task_id: int | None = None,
        form: Mapping[str, Any] | None = None,
    ) -> Delta:
        world = Logical(self.counters, now, firing, self.skip)
        token = logical_clock.enter(world)
        try:
            action()
            self.flow.do_engine_steps()
            delta = self._collect(task_id, form or {})
            delta.services = world.services
            return delta
        except GongdanError:
            raise
        except WorkflowTaskException as error:
            raise TechnicalFailure(str(error), element=error.task_spec.name) from error
        except (
            SpiffWorkflowException,
            RecursionError,
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
        ) as error:
            element = getattr(getattr(error, "task_spec", None), "name", None)
            raise TechnicalFailure(f"{type(error).__name__}: {error}", element=element) from error
        finally:
            logical_clock.leave(token)

    def place_of(self, task: Any) -> Place:
        """Where ``task`` stands, seen from the case's own process."""
        process, calls, workflow = None, [], task.workflow
        if workflow is self.workflow:
            return Place(self.process, task.task_spec.name, [])
        while True:
            name = workflow.spec.name
            if process is None and name in self.program.specs:
                process = name
            if workflow.parent_task_id is None:
                break
            caller = workflow.caller
            workflow = caller.workflow
            if name in self.program.specs:
                calls.append((workflow, caller.task_spec.name))
        found = []
        for flow, element in reversed(calls):
            while flow.spec.name not in self.program.specs:
                flow = flow.caller.workflow
            found.append((flow.spec.name, element))
        return Place(process or self.process, task.task_spec.name, found)

    def _collect(self, task_id: int | None, form: Mapping[str, Any]) -> Delta:
        flow, delta = self.flow, Delta()
        log, flow.moves = flow.moves, []
        last = {task.id: i for i, (task, _) in enumerate(log)}
        for i, (task, state) in enumerate(log):
            if last[task.id] != i or getattr(task.task_spec, "bpmn_id", None) is None:
                continue
            if state != S.CANCELLED and task.id not in task.workflow.tasks:
                continue
            place = self.place_of(task)
            delta.moves.append((task.id, place, _STATES[state]))
            if state == S.COMPLETED:
                if task.workflow is flow and isinstance(task.task_spec, EndEvent):
                    delta.ends.append(task.task_spec.name)
                if task._parent is not None and not isinstance(task.task_spec, UnstructuredJoin):
                    self._note_data(delta, task, form if task.id == task_id else {})
        due = {}
        for timer, task in flow.event_manager.tasks.items():
            if isinstance(task.task_spec.event_definition, TimerEventDefinition) and (at := due_of(task)):
                due[timer] = at
        delta.opened = [
            (n, self.place_of(t), _not_before(t)) for n, t in flow.open_tasks.items() if n not in self.open
        ]
        delta.closed = [n for n in self.open if n not in flow.open_tasks]
        delta.armed = [self._armed(n, at) for n, at in due.items() if self.due.get(n) != at]
        fallen = sorted(n for n in self.held if n not in flow.event_manager.tasks)
        self.held.difference_update(fallen)
        delta.ended = [n for n in self.due if n not in due] + fallen
        self.due, self.open = due, dict.fromkeys(flow.open_tasks)
        delta.done = flow.is_completed()
        return delta

    @staticmethod
    def _note_data(delta: Delta, task: Any, form: Mapping[str, Any]) -> None:
        base, own = task.parent.data, task.data
        if same(own, base):
            return
        put = {
            k: v
            for k, v in own.items()
            if (k not in form or not same(form[k], v)) and (k not in base or not same(base[k], v))
        }
        gone = [k for k in base if k not in own]
        if put or gone:
            delta.data.append((task.id, put, gone, own))

    def _armed(self, timer: int, due: str) -> Armed:
        task = self.flow.event_manager.tasks[timer]
        attached = None
        if isinstance(task.task_spec, BoundaryEvent):
            guarded = [t for t in task.parent.children if not isinstance(t.task_spec, BoundaryEvent)]
            attached = guarded[0].id if guarded else None
        return Armed(timer, self.place_of(task), due, attached, task.internal_data.get("sla"))


def _not_before(task: Any) -> str | None:
    """The earliest instant a task may be worked on, where its diagram names one."""
    expression = (getattr(task.task_spec, "extensions", None) or {}).get("properties", {}).get("not_before")
    if not expression:
        return None
    found = task.workflow.script_engine.evaluate(task, expression)
    return None if found is None else str(found)
