"""The script engine SpiffWorkflow is given: plain expressions are decided here, everything else in the sandbox.

There is no ``eval`` and no ``exec``. A plain expression (see :mod:`engine.bpmn.conditions`) costs microseconds; a
script made only of lines ``name = plain expression`` stays here too.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from engine.base.errors import GongdanError
from engine.bpmn.conditions import Condition, ConditionError, NotPlain, compile_condition

from . import sandbox
from .logical_clock import current
from .sandbox import ScriptFailed

Functions = Mapping[str, Callable[..., Any]]


@lru_cache(maxsize=8_192)
def _plain(expression: str) -> Condition | None:
    try:
        return compile_condition(expression)
    except NotPlain:
        return None


@lru_cache(maxsize=2_048)
def _assignments(script: str) -> tuple[tuple[str, Condition, int], ...] | None:
    """The script as plain assignments, or None when it needs the sandbox."""
    if len(script) > sandbox.MAX_SOURCE:
        return None
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found = []
    for line in tree.body:
        if not (
            isinstance(line, ast.Assign) and len(line.targets) == 1 and isinstance(line.targets[0], ast.Name)
        ):
            return None
        source = ast.get_source_segment(script, line.value)
        if source is None or (condition := _plain(source)) is None:
            return None
        found.append((line.targets[0].id, condition, line.lineno))
    return tuple(found)


class ScriptEngine:
    """Answers ``evaluate`` and ``execute`` over task data, with the host functions of a release."""

    def __init__(self, functions: Functions) -> None:
        self.functions = dict(functions)
        self._known = frozenset({*self.functions, "data_get"})

    def _with_data(self, data: dict[str, Any]) -> dict[str, Callable[..., Any]]:
        return {**self.functions, "data_get": data.get}

    def validate(self, expression: str) -> None:
        """Raise ``SyntaxError`` for text that is no expression (the DMN engine asks this way)."""
        ast.parse(expression)

    def evaluate(self, task: Any, expression: str, external_context: Mapping[str, Any] | None = None) -> Any:
        """The value of ``expression`` over the task's data; raises :class:`ScriptFailed` with the element id."""
        data = {**task.data, **external_context} if external_context else task.data
        text = str(expression).strip()
        try:
            plain = _plain(text)
            if plain is not None and not plain.calls <= self._known:  # such as len(): the sandbox has it
                plain = None
            functions = self._with_data(data) if plain is None or plain.calls_data_get else self.functions
            if plain is not None:
                return plain.evaluate(data, functions)
            return sandbox.evaluate(text, data, functions)
        except (ConditionError, ScriptFailed) as error:
            raise _located(error, task, text) from None

    def execute(self, task: Any, script: str, external_context: Mapping[str, Any] | None = None) -> bool:
        """Run ``script`` over the task's data; raises :class:`ScriptFailed` with element id and line."""
        if task.task_spec.name in current().skip:
            return True  # by a supervisor's leave, recorded in the command
        data: dict[str, Any] = task.data
        functions = self._with_data(data)
        lines = _assignments(script)
        line = None
        try:
            if lines is None or not all(condition.calls <= self._known for _, condition, _ in lines):
                sandbox.execute(script, data, functions)
            else:
                for name, condition, line in lines:
                    if name in functions:
                        raise ScriptFailed(
                            f"{name!r} is a function of the engine and cannot be assigned", line=line
                        )
                    data[name] = sandbox.check_plain(condition.evaluate(data, functions))
        except (ConditionError, ScriptFailed) as error:
            raise _located(error, task, script, line) from None
        return True


def _located(error: GongdanError, task: Any, source: str, line: int | None = None) -> ScriptFailed:
    line = getattr(error, "line", None) or line
    where = f"element {task.task_spec.name!r}" + (f", line {line}" if line else "")
    return ScriptFailed(
        f"{where}: {error} (in: {source.strip()[:120]})", element=task.task_spec.name, line=line
    )
