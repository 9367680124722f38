"""The faults of stock SpiffWorkflow that our engine differs by, each shown on stock itself in a process of its own.

``python -m tests.equivalence.faults`` prints ``{fault: whether it is still there}``. When an upgrade mends one, its
test fails, and what we built around it can go.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import SpiffWorkflow.bpmn.specs.event_definitions.timer as spiff_timer
from lxml import etree
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.util.task import TaskState

from tests.bpmn_text import bpmn, script, sub, timer_on, wait

logging.disable(logging.CRITICAL)
FAULTS: dict[str, Callable[[], bool]] = {}


def fault(function: Callable[[], bool]) -> Callable[[], bool]:
    """List a fault by the name of its function."""
    FAULTS[function.__name__] = function
    return function


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class _Clock(datetime, metaclass=_AnyDatetime):
    offset = timedelta()
    stopped: datetime | None = None

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return cls.stopped or datetime.now(tz or UTC) + cls.offset


def start(text: bytes, **data: Any) -> Any:
    """A running stock workflow."""
    _Clock.offset = timedelta()
    parser = SpiffBpmnParser()
    parser.add_bpmn_xml(etree.fromstring(text), "main.bpmn")
    workflow = BpmnWorkflow(parser.get_spec("main"), parser.get_subprocess_specs("main"))
    workflow.task_tree.data.update(data)
    workflow.do_engine_steps()
    return workflow


def ready(workflow: Any) -> list[Any]:
    """Open user tasks, as stock finds them."""
    return list(workflow.get_tasks(state=TaskState.READY, manual=True))


def finish(workflow: Any, element: str, **data: Any) -> None:
    """Complete the open task of ``element``."""
    (task,) = [t for t in ready(workflow) if t.task_spec.name == element]
    task.data.update(data)
    task.run()
    workflow.do_engine_steps()


def pass_time(workflow: Any, **span: float) -> None:
    """Let time pass and let stock refresh its timers."""
    _Clock.offset += timedelta(**span)
    workflow.refresh_timers()
    workflow.do_engine_steps()


LOOP = "start > call > x_again > end; x_again > call: again"


@fault
def an_unfinished_case_counts_as_complete_after_many_rounds() -> bool:
    """Walks end at depth 1,000: the open task is not found."""
    workflow = start(bpmn("main", LOOP))
    for _ in range(520):
        tasks = ready(workflow)
        if not tasks:
            return bool(workflow.is_completed())
        tasks[0].data["again"] = True
        tasks[0].run()
        workflow.do_engine_steps()
    return False


@fault
def a_long_loop_with_a_boundary_timer_ends_in_recursion_error() -> bool:
    """``find_ancestor`` climbs recursively."""
    workflow = start(bpmn("main", f"{LOOP}; t > end_t", timer_on("call", "t", '"PT9H"')))
    try:
        for _ in range(400):
            finish(workflow, "call", again=True)
    except RecursionError:
        return True
    except ValueError:
        return bool(workflow.is_completed())  # the wall came first
    return False


@fault
def a_later_step_rewrites_nested_data_of_a_finished_one() -> bool:
    """Data is copied shallowly."""
    workflow = start(bpmn("main", "start > call > more > look > end", script("more", 'calls[0]["n"] = 9')))
    finish(workflow, "call", calls=[{"n": 1}])
    (done,) = [t for t in workflow.get_tasks(state=TaskState.COMPLETED) if t.task_spec.name == "call"]
    return bool(done.data["calls"] == [{"n": 9}])


@fault
def a_cancelled_task_can_be_run() -> bool:
    """``run`` does not ask for the state."""
    workflow = start(
        bpmn(
            "main", "start > call > end; t > late > end_t", timer_on("call", "t", '"PT1H"', interrupting=True)
        )
    )
    (task,) = ready(workflow)
    pass_time(workflow, hours=2)
    assert task.state == TaskState.CANCELLED
    task.run()
    return bool(task.state == TaskState.COMPLETED)


@fault
def a_parallel_join_in_a_loop_fires_before_its_branches_came() -> bool:
    """It counts branches of earlier rounds: the last to come in round one is enough in round two."""
    flows = "start > x_in > p_a > one > p_b > look > x_again > end; p_a > two > p_b; p_a > three > p_b"
    workflow = start(bpmn("main", f"{flows}; x_again > x_in: again"))
    for element in ("one", "two", "three"):
        finish(workflow, element)
    finish(workflow, "look", again=True)
    finish(workflow, "three")
    return "look" in [t.task_spec.name for t in ready(workflow)]


@fault
def a_timer_does_not_fire_at_its_due_instant() -> bool:
    """Stock asks ``due < now``."""
    workflow = start(bpmn("main", "start > pause > call > end", wait("pause", '"PT1H"')))
    (task,) = workflow.get_tasks(state=TaskState.WAITING)
    _Clock.stopped = datetime.fromisoformat(task.internal_data["event_value"])
    pass_time(workflow)
    _Clock.stopped = None
    return ready(workflow) == []


@fault
def an_overdue_timer_never_fires_when_its_task_is_completed_first() -> bool:
    """Completing does not look at timers."""
    workflow = start(bpmn("main", "start > call > end; t > late > end_t", timer_on("call", "t", '"PT1H"')))
    _Clock.offset += timedelta(hours=9)
    finish(workflow, "call")
    pass_time(workflow, hours=9)
    return bool(workflow.is_completed())


@fault
def missed_rounds_of_a_cycle_fire_together() -> bool:
    """All in one refresh, each with the time of the refresh."""
    workflow = start(
        bpmn("main", "start > call > end; t > chase > end_t", timer_on("call", "t", '"R3/PT1H"', "timeCycle"))
    )
    _Clock.offset += timedelta(hours=9)
    for _ in range(3):
        workflow.refresh_timers()
        workflow.do_engine_steps()
    return len([t for t in ready(workflow) if t.task_spec.name == "chase"]) == 3


@fault
def minus_one_hour_is_an_hour() -> bool:
    """The sign is dropped."""
    parsed = TimerEventDefinition.parse_iso_duration("-PT1H")
    return bool(
        TimerEventDefinition.get_timedelta_from_start(parsed, datetime(2026, 1, 1, tzinfo=UTC)) > timedelta()
    )


@fault
def a_removed_branch_leaves_its_timer_behind() -> bool:
    """``_remove_task`` does not tell the event manager."""
    inner = sub("inside", "start_i > work > end_i; t_in > end_t", timer_on("work", "t_in", '"PT9H"'))
    workflow = start(bpmn("main", "start > before > inside > end", inner))
    finish(workflow, "before")
    (task,) = [t for t in workflow.get_tasks() if t.task_spec.name == "inside"]
    workflow._remove_task(task.id)
    return bool(workflow.event_manager.tasks)


@fault
def scripts_reach_everything() -> bool:
    """``eval`` and ``exec`` with all of Python."""
    workflow = start(bpmn("main", "start > s > look > end", script("s", "import os\nfound = os.getpid()")))
    return bool(workflow.get_tasks(state=TaskState.READY)[0].data.get("found"))


def main() -> None:
    """Print what is still so."""
    spiff_timer.datetime = _Clock
    print(json.dumps({name: function() for name, function in FAULTS.items()}))  # noqa: T201


if __name__ == "__main__":
    main()
