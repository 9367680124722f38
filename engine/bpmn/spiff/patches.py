"""Puts our parts into SpiffWorkflow, once, and refuses a version the tests have not covered."""

from __future__ import annotations

from importlib.metadata import version
from types import SimpleNamespace

import SpiffWorkflow.bpmn.specs.event_definitions.timer as spiff_timer
import SpiffWorkflow.task as spiff_task
import SpiffWorkflow.workflow as spiff_workflow
from SpiffWorkflow.bpmn.specs.control import _EndJoin
from SpiffWorkflow.bpmn.specs.mixins.parallel_gateway import ParallelGateway
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.bpmn.util.task import BpmnTaskIterator
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.util.task import TaskIterator

from engine.base.errors import ConfigurationError

from . import fast_paths, joins, logical_clock, tasks, timers

TESTED = frozenset({"3.2.0"})  #: versions of SpiffWorkflow that the equivalence tests cover


def check_version(installed: str) -> None:
    """Raise :class:`ConfigurationError` for a SpiffWorkflow the tests have not covered."""
    if installed not in TESTED:
        raise ConfigurationError(
            f"SpiffWorkflow {installed} is installed, but this engine is tested with {', '.join(sorted(TESTED))}; "
            "install that version (the lock file names it) or extend the equivalence tests first"
        )


def install() -> None:
    """Replace clock, ids, tasks, walks, joins, timers and what is called most.

    Called at import of ``engine.bpmn.spiff.machine``.
    """
    check_version(version("SpiffWorkflow"))
    spiff_task.uuid4 = logical_clock.new_id
    spiff_task.time = SimpleNamespace(time=logical_clock.tick)
    spiff_timer.datetime = logical_clock.LogicalDatetime
    spiff_timer.LOCALTZ = spiff_timer.timezone.utc
    spiff_task.Task = spiff_workflow.Task = tasks.IndexedTask
    TaskSpec.inputs, TaskSpec.outputs = fast_paths.inputs, fast_paths.outputs
    TaskSpec._predict, TaskSpec._predict_hook = fast_paths.predict, fast_paths.predict_hook
    TaskSpec._update, TaskSpec._on_complete = fast_paths.update, fast_paths.on_complete
    tasks.IndexedTask._sync_children = fast_paths.sync_children
    TaskIterator._next = BpmnTaskIterator._next = joins.next_task
    ParallelGateway._check_threshold_unstructured = joins.parallel_may_fire
    _EndJoin._check_threshold_unstructured = joins.end_may_fire
    UnstructuredJoin._update_hook = joins.join_update
    UnstructuredJoin._run_hook = joins.join_run
    spiff_timer.TimeDateEventDefinition.has_fired = timers.date_has_fired
    spiff_timer.DurationTimerEventDefinition.has_fired = timers.duration_has_fired
    spiff_timer.CycleTimerEventDefinition.cycle_complete = timers.cycle_complete
