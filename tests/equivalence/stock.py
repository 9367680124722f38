"""The other side: SpiffWorkflow as it comes, in a process of its own. Nothing of it is replaced but the timers' clock.

``python -m tests.equivalence.stock WALKS`` reads walks (see :mod:`tests.equivalence.walks`), repeats each and prints,
per walk, the digests of the states after each step; with a walk's number as second argument, the states themselves.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

import SpiffWorkflow.bpmn.specs.event_definitions.timer as spiff_timer
from lxml import etree
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.specs.defaults import StartEvent
from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.parser.task_spec import SpiffTaskParser
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.bpmn.spiff import logical_clock, script_functions
from engine.bpmn.spiff.start_events import StartParser
from engine.sla.calendar import Calendar
from engine.sla.time_rules import TimeRules, load_parameters
from tests.equivalence.state import digest, text

logging.disable(logging.CRITICAL)
sys.setrecursionlimit(20_000)


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class Clock(datetime, metaclass=_AnyDatetime):
    """``datetime`` for stock's timers: ``now`` is the walk's instant."""

    at = ""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The walk's instant."""
        return _Now.fromisoformat(cls.at)


class _Now(Clock):
    """Stock asks ``due < now`` and so never fires at the due instant itself; here what is due counts as due."""

    def __gt__(self, other: object) -> bool:
        return datetime.__ge__(self, other)  # type: ignore[operator]


class Silent(BpmnSpecMixin):  # type: ignore[misc]
    """A service task that asks what it would send, and sends nothing (stock wants an operator)."""

    def __init__(
        self, wf_spec: Any, name: str, properties: dict[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(wf_spec, name, **kwargs)
        self.properties = properties or {}

    def _run_hook(self, my_task: Any) -> bool:
        for name in ("template", "to", "event"):
            if name in self.properties:
                my_task.workflow.script_engine.evaluate(my_task, self.properties[name])
        return True


class SilentParser(SpiffTaskParser):  # type: ignore[misc]
    """Makes :class:`Silent` of a service task."""

    def create_task(self) -> Silent:
        """The specification."""
        properties = self.parse_extensions().get("properties", {})
        return Silent(self.spec, self.bpmn_id, properties=properties, **self.bpmn_attributes)


class Parser(SpiffBpmnParser):  # type: ignore[misc]
    """Stock's parser, with service tasks that call nobody, and cases that their schedule has opened."""

    OVERRIDE_PARSER_CLASSES = {
        **SpiffBpmnParser.OVERRIDE_PARSER_CLASSES,
        full_tag("serviceTask"): (SilentParser, Silent),
        full_tag("startEvent"): (StartParser, StartEvent),
    }


class Environment(TaskDataEnvironment):  # type: ignore[misc]
    """Stock's own ``eval`` and ``exec``, with the functions a release gives its diagrams."""

    def evaluate(self, expression: str, context: dict[str, Any], external_context: Any = None) -> Any:
        """As stock."""
        return super().evaluate(expression, context, {**(external_context or {}), "data_get": context.get})

    def execute(self, script: str, context: dict[str, Any], external_context: Any = None) -> bool:
        """As stock."""
        context["data_get"] = context.get
        try:
            done: bool = super().execute(script, context, external_context)
        finally:
            context.pop("data_get", None)
        return done


@cache
def parsed(files: tuple[str, ...]) -> Parser:
    """Stock's parser with diagrams and tables read."""
    parser = Parser()
    for path in files:
        add = parser.add_dmn_xml if path.endswith(".dmn") else parser.add_bpmn_xml
        add(etree.parse(path).getroot(), path)
    return parser


@cache
def specifications(files: tuple[str, ...], process: str) -> tuple[Any, Any]:
    """A process and what it calls."""
    parser = parsed(files)
    return parser.get_spec(process), parser.get_subprocess_specs(process)


@cache
def time_rules(files: tuple[str, ...]) -> TimeRules:
    """Limits and calendar."""
    if not files:
        return TimeRules.empty()
    table, calendar = (Path(path).read_bytes() for path in files)
    return TimeRules(load_parameters(table), Calendar.load(calendar))


class Walker:
    """One walk on stock."""

    def __init__(self, walk: dict[str, Any]) -> None:
        self.walk = walk
        engine = PythonScriptEngine(Environment(script_functions.functions(time_rules(tuple(walk["rules"])))))
        self.workflow = BpmnWorkflow(
            *specifications(tuple(walk["files"]), walk["process"]), script_engine=engine
        )

    def states(self) -> list[str]:
        """The state after each step; a step that fails ends the walk."""
        found = []
        for kind, argument, at in self.walk["steps"]:
            try:
                self.step(kind, argument, at)
            except Exception as error:  # noqa: BLE001 - whatever stock raises, the step failed
                found.append("failed")
                print(f"walk {self.walk['number']}, step {len(found)}: {error!r}", file=sys.stderr)  # noqa: T201
                break
            found.append(text(self.workflow))
        return found

    def step(self, kind: str, argument: Any, at: str) -> None:
        """Repeat one step of the walk."""
        if kind == "start":
            self.workflow.task_tree.data.update(argument)
            self.settle(at)
        elif kind == "complete":
            number, data = argument
            task = self.workflow.get_tasks(state=TaskState.READY, manual=True)[number]
            task.data.update(data)
            with _instant(at):
                task.run()
            self.settle(at)
        else:
            for instant in argument:
                self.settle(instant)

    def settle(self, at: str) -> None:
        """Automatic steps until nothing moves (an exhausted cycle needs more than one pass)."""
        with _instant(at):
            for _ in range(4):
                self.workflow.do_engine_steps()
                self.workflow.refresh_timers()
            self.workflow.do_engine_steps()


class _instant:  # noqa: N801 - reads like a function
    """The walk's instant, for timers and for the functions of scripts."""

    def __init__(self, at: str) -> None:
        self.at = at

    def __enter__(self) -> None:
        Clock.at = self.at
        now = datetime.fromisoformat(self.at).astimezone(UTC)
        self.token = logical_clock.enter(logical_clock.Logical(logical_clock.Counters(), now))

    def __exit__(self, *_: object) -> None:
        logical_clock.leave(self.token)


def main(path: str, only: str = "") -> None:
    """Repeat the walks in the file ``path``."""
    assert Task.__module__ == "SpiffWorkflow.task", "this process must see SpiffWorkflow as it comes"
    assert "engine.bpmn.spiff.machine" not in sys.modules
    spiff_timer.datetime = Clock
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        walk = json.loads(line)
        if only and walk["number"] != int(only):
            continue
        states = Walker(walk).states()
        shown = states if only else [s if s == "failed" else digest(s) for s in states]
        print(json.dumps({"number": walk["number"], "states": shown}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
