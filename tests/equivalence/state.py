"""What two engines are compared by: every task of every running and finished sub-process, its state and its data.

Used on both sides, so it imports neither.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

FINISHED = 64  #: SpiffWorkflow's COMPLETED; ERROR and CANCELLED are higher


def tree(workflow: Any) -> list[Any]:
    """The tasks of a workflow in tree order as ``[depth, element, state, data]``, sub-processes in brackets.

    Data is told as its difference from the data of the task above. Of a finished task's nested values only the kind is
    told: stock rewrites them later (see :mod:`tests.equivalence.faults`); they were compared before it finished.
    """
    found: list[Any] = []
    todo: list[tuple[Any, int, dict[str, Any]]] = [(workflow.task_tree, 0, {})]
    while todo:
        task, depth, above = todo.pop()
        change = _change(above, task.data, nested=task.state < FINISHED)
        found.append([depth, task.task_spec.name, task.state, change])
        inner = workflow.top_workflow.subprocesses.get(task.id)
        if inner is not None:
            found += [["[", inner.completed], *tree(inner), ["]"]]
        todo += [(child, depth + 1, task.data) for child in reversed(task.children)]
    return found


def _change(above: dict[str, Any], data: dict[str, Any], *, nested: bool) -> Any:
    if not data:
        return "none"
    changed = {
        name: value if nested or not isinstance(value, list | dict) else type(value).__name__
        for name, value in data.items()
        if name not in above or (above[name] != value and (nested or not isinstance(value, list | dict)))
    }
    gone = sorted(above.keys() - data.keys())
    return [changed, gone] if changed or gone else "same"


def text(workflow: Any) -> str:
    """:func:`tree` as text."""
    return json.dumps(tree(workflow), sort_keys=True, ensure_ascii=False)


def digest(shown: str) -> str:
    """A short hash of :func:`text`."""
    return sha256(shown.encode()).hexdigest()[:24]
