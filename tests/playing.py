"""Playing a diagram on the machine alone: no database, no rules, a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from engine.base.safe_parsing import load_bpmn, load_dmn
from engine.bpmn.spiff import script_functions
from engine.bpmn.spiff.machine import Delta, Machine
from engine.bpmn.spiff.parser import Program
from engine.bpmn.spiff.serialization import freeze, thaw
from engine.sla.time_rules import TimeRules
from tests.bpmn_text import bpmn, script

BEGIN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  #: a Monday, nine o'clock in Shanghai


def program(
    *diagrams: bytes,
    tables: tuple[bytes, ...] = (),
    functions: Mapping[str, Callable[..., Any]] | None = None,
) -> Program:
    """Compiled diagrams with the host functions of a release that has no calendar."""
    return Program(
        {f"bpmn/d{n}.bpmn": load_bpmn(text) for n, text in enumerate(diagrams)},
        {f"bpmn/decisions/t{n}.dmn": load_dmn(text) for n, text in enumerate(tables)},
        {**script_functions.functions(TimeRules.empty()), **(functions or {})},
    )


class Play:
    """One running case of ``process``; elements are named as drawn."""

    def __init__(self, made: Program, data: Mapping[str, Any] | None = None, process: str = "main") -> None:
        self.machine = Machine(made, process)
        self.now = BEGIN
        self.last: Delta = self.machine.start(self.now, dict(data or {}))

    @property
    def open(self) -> list[str]:
        """Elements of open user tasks, in the order they opened."""
        return [task.task_spec.name.partition(" [")[0] for task in self.machine.flow.open_tasks.values()]

    def task(self, element: str) -> int:
        """The id of the first open task of ``element``."""
        for number, task in self.machine.flow.open_tasks.items():
            if task.task_spec.name.partition(" [")[0] == element:
                return int(number)
        raise AssertionError(f"{element!r} is not open; open are {self.open}")

    def complete(self, element: str, /, **form: Any) -> Delta:
        """Complete the first open task of ``element`` with ``form``."""
        self.last = self.machine.complete(self.now, self.task(element), form)
        return self.last

    @property
    def timers(self) -> dict[str, str]:
        """Armed timers: element → due instant."""
        tasks = self.machine.flow.event_manager.tasks
        return {tasks[number].task_spec.name: due for number, due in self.machine.due.items()}

    def timer(self, element: str) -> int:
        """The id of the armed timer ``element``."""
        tasks = self.machine.flow.event_manager.tasks
        return next(n for n in self.machine.due if tasks[n].task_spec.name == element)

    def fire(self, element: str) -> Delta:
        """Let the armed timer ``element`` fire at its due instant."""
        number = self.timer(element)
        self.now = max(self.now, datetime.fromisoformat(self.machine.due[number]))
        self.last = self.machine.fire(self.now, number)
        return self.last

    def pass_time(self, **span: float) -> datetime:
        """Let time pass (keywords of ``timedelta``); fires nothing."""
        self.now += timedelta(**span)
        return self.now

    @property
    def changed(self) -> dict[str, Any]:
        """Names and values that the steps of the last command set, beyond its form."""
        return {name: value for _, put, _, _ in self.last.data for name, value in put.items()}

    @property
    def data(self) -> dict[str, Any]:
        """The most recent data of the case."""
        return self.machine.any_data()

    def is_done(self) -> bool:
        """Whether the case is over."""
        return self.machine.flow.is_completed()

    def reload(self) -> None:
        """Go on from a snapshot: frozen to JSON text and thawed again, as after a restart."""
        text = orjson.dumps(freeze(self.machine))
        self.machine = thaw(self.machine.program, orjson.loads(text))
        assert orjson.dumps(freeze(self.machine)) == text, "a thawed machine freezes to the same text"


def run_script(text: str, **data: object) -> dict[str, object]:
    """The case data after a script task with ``text``."""
    play = Play(program(bpmn("main", "start > compute > look > end", script("compute", text))), data)
    return play.data
