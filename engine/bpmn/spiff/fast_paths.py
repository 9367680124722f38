"""What SpiffWorkflow does most often, done with fewer calls: prediction, children, relatives of specs.

Each function decides exactly as stock does (``tests/equivalence`` compares every task, predicted ones too); stock
asks a property or a method where these read an attribute. Prediction is a fifth of a completion's time.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.util.task import TaskState as S

_PREDICTED, _DEFINITE, _FINISHED, _FUTURE = S.PREDICTED_MASK, S.DEFINITE_MASK, S.FINISHED_MASK, S.FUTURE


def _relatives(names: str, kept: str) -> property:
    """A property of task specs that looks its neighbours up once, and anew when one was connected since."""

    def get(self: Any) -> list[Any]:
        own = self.__dict__
        found: list[Any] | None = own.get(kept)
        if found is None or len(found) != len(own[names]):
            known = self._wf_spec.task_specs
            found = own[kept] = [known.get(name) for name in own[names]]
            if None in found:  # not connected yet
                del own[kept]
        return found

    def put(self: Any, specs: list[Any]) -> None:
        self.__dict__.pop(kept, None)
        setattr(self, names, [spec.name for spec in specs])

    return property(get, put)


inputs = _relatives("_inputs", "_known_inputs")
outputs = _relatives("_outputs", "_known_outputs")


def predict(
    self: Any, my_task: Any, _seen: Any = None, looked_ahead: int = 0, mask: int = S.PREDICTED_MASK
) -> None:
    """Add what may follow ``my_task``. (Stock also keeps a list of specs seen, and looks for tasks in it.)"""
    if my_task._state & mask:
        self._predict_hook(my_task)
    looked_ahead += 1
    if my_task._state & _DEFINITE or looked_ahead < self.lookahead:
        for child in my_task.children:
            if child._state & mask:
                child.task_spec._predict(child, None, looked_ahead, mask)


def predict_hook(self: Any, my_task: Any) -> None:
    """Children are certain where the task is, else as likely as it."""
    state = my_task._state
    my_task._sync_children(self.outputs, _FUTURE if state & _DEFINITE else state)


def on_complete(self: Any, my_task: Any) -> None:
    """Let what follows a completed task take its turn."""
    self._on_complete_hook(my_task)
    for child in my_task.children:
        if not child._state & _FINISHED:
            child.task_spec._update(child)
    my_task.workflow._task_completed_notify(my_task)


def update(self: Any, my_task: Any) -> None:
    """Something happened that may concern ``my_task``: predict on from it, and make it ready when it may run."""
    if my_task._state & _PREDICTED:
        self._predict(my_task)
    if self._update_hook(my_task):
        my_task._ready()


def sync_children(self: Any, task_specs: list[Any], state: int) -> None:
    """Make the children of a task those that ``task_specs`` name: keep what is there, drop and add the rest."""
    missing = task_specs
    if self._children:
        missing, unneeded = task_specs[:], []
        for child in self.children:
            if child.triggered:
                continue
            if child.task_spec in missing:
                missing.remove(child.task_spec)
                if not child._state & _FINISHED:
                    child._set_state(state)
            elif child._state & _DEFINITE:
                raise WorkflowException(f"removal of non-predicted child {child}", task_spec=self.task_spec)
            else:
                unneeded.append(child.id)
        for child_id in unneeded:
            self.workflow._remove_task(child_id)
    for spec in missing:
        self._add_child(spec, state)
