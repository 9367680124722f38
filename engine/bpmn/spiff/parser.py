"""From the files of a release to executable specifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lxml import etree
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.defaults import StartEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.dmn.parser.DMNParser import DMNParser
from SpiffWorkflow.dmn.specs.model import DecisionTable
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser, SpiffProcessParser

from engine.base.errors import InvalidFile

from .scripts import Functions, ScriptEngine
from .services import OutboxTask, OutboxTaskParser
from .start_events import StartParser


class _Process(SpiffProcessParser):  # type: ignore[misc]
    """Conditions are asked in the order of the flows in the file; stock asks by height in the drawing."""

    def get_position(self, node_id: str) -> dict[str, float]:
        return {"x": 0.0, "y": 0.0}


class _Parser(SpiffBpmnParser):  # type: ignore[misc]
    PROCESS_PARSER_CLASS = _Process
    OVERRIDE_PARSER_CLASSES: ClassVar[dict[str, Any]] = {
        **SpiffBpmnParser.OVERRIDE_PARSER_CLASSES,
        full_tag("serviceTask"): (OutboxTaskParser, OutboxTask),
        full_tag("startEvent"): (StartParser, StartEvent),
    }


class Decisions:
    """The decision tables of a release, for decisions asked outside a diagram (triage, for one)."""

    def __init__(self, tables: Mapping[str, DecisionTable], scripts: ScriptEngine) -> None:
        self._tables = dict(tables)
        self._scripts = scripts

    def decide(self, decision: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs of the first rule of ``decision`` that matches ``data``; ``{}`` where none does.

        Raises :class:`InvalidFile` for an unknown table.
        """
        from SpiffWorkflow.dmn.engine.DMNEngine import DMNEngine

        table = self._tables.get(decision)
        if table is None:
            raise InvalidFile(f"there is no decision table {decision!r} in this release")
        return dict(DMNEngine(table).result(_Question(dict(data), self._scripts)))


class _Question:
    """What SpiffWorkflow's DMN engine needs of a task: its data and a script engine."""

    def __init__(self, data: dict[str, Any], scripts: ScriptEngine) -> None:
        self.data = data
        self.workflow = self
        self.script_engine = scripts
        self.task_spec = self
        self.name = "decision"


class Program:
    """All executable processes of a release, parsed."""

    def __init__(
        self,
        diagrams: Mapping[str, etree._Element],
        tables: Mapping[str, etree._Element],
        functions: Functions,
    ) -> None:
        """Parse ``diagrams`` (BPMN) and ``tables`` (DMN), each path → root element.

        Raises :class:`InvalidFile` naming the file that cannot be used.
        """
        self.scripts = ScriptEngine(functions)
        parser = _Parser()
        for path, root in tables.items():
            _guard(path, lambda root=root, path=path: parser.add_dmn_xml(root, path))
        for path, root in diagrams.items():
            _guard(path, lambda root=root, path=path: parser.add_bpmn_xml(root, path))
        self.specs: dict[str, Any] = {}
        self.inner: dict[str, dict[str, Any]] = {}
        for process in parser.get_process_ids():
            self.specs[process] = _guard(process, lambda p=process: parser.get_spec(p))
            self.inner[process] = _guard(process, lambda p=process: parser.get_subprocess_specs(p))
        self.decisions = Decisions(
            {k: _guard(k, lambda p=p: _table(p)) for k, p in parser.dmn_parsers.items()}, self.scripts
        )
        for spec in [*self.specs.values(), *(s for inner in self.inner.values() for s in inner.values())]:
            _connect_instances(spec)


def _table(parser: DMNParser) -> DecisionTable:
    if parser.decision is None:
        parser.parse()
    return parser.decision.decisionTables[0]


def _guard(path: str, parse: Any) -> Any:
    try:
        return parse()
    except ValidationException as error:
        raise InvalidFile(f"{path}: {error}") from None
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise InvalidFile(f"{path}: cannot be read as a diagram ({type(error).__name__}: {error})") from error


def _connect_instances(spec: Any) -> None:
    """Stock connects multi-instance children lazily: a snapshot loaded in a fresh process would never merge."""
    for task_spec in spec.task_specs.values():
        if isinstance(task_spec, LoopTask):
            completed = spec.task_specs[task_spec.task_spec].completed_event
            if not completed.is_connected(task_spec.merge_child):
                completed.connect(task_spec.merge_child)
