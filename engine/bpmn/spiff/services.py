"""Service tasks: what a diagram asks of the outside world. The asking is an effect; the doing comes after commit."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.spiff.parser.task_spec import SpiffTaskParser

from engine.base.errors import InvalidFile
from engine.base.sending import CASE
from engine.base.services import SERVICES

from .logical_clock import current


class OutboxTask(BpmnSpecMixin):  # type: ignore[misc]
    """``bpmn:serviceTask``: evaluates its properties and leaves a request for the outbox (never calls out itself)."""

    prescript = postscript = None  # stock asks for them where the task is repeated

    def __init__(
        self, wf_spec: Any, name: str, properties: dict[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(wf_spec, name, **kwargs)
        self.properties = properties or {}

    def _run_hook(self, my_task: Any) -> bool:
        if self.name in current().skip:
            return True  # by a supervisor's leave, recorded in the command
        service = self.properties.get("service", "")
        if service not in SERVICES:
            raise InvalidFile(
                f"service task {self.name!r}: service is {service!r}; it must be one of {', '.join(sorted(SERVICES))}"
            )
        request = {"service": service, "element": self.name, "level": self.properties.get("level", "info")}
        for part in ("template", "to", "event"):
            text = self.properties.get(part)
            request[part] = None if text is None else my_task.workflow.script_engine.evaluate(my_task, text)
        if taken_back := self.properties.get("withdraws"):
            found = my_task.workflow.script_engine.evaluate(my_task, taken_back)
            request["withdraws"] = [str(key) for key in (found if isinstance(found, list) else [found])]
        request["event"] = request["event"] or f"{self.name}-{my_task.id}"
        if service == CASE:
            names = (name.strip() for name in self.properties.get("carries", "").split(","))
            request["process"] = self.properties.get("process", "")
            request["carries"] = [name for name in names if my_task.data.get(name) is not None]
        request["data"] = my_task.data
        current().services.append(request)
        return True


class OutboxTaskParser(SpiffTaskParser):  # type: ignore[misc]
    """Reads a ``serviceTask`` with our properties (stock wants an operator element)."""

    def create_task(self) -> OutboxTask:
        """The specification of the service task."""
        properties = self.parse_extensions().get("properties", {})
        return OutboxTask(self.spec, self.bpmn_id, properties=properties, **self.bpmn_attributes)
