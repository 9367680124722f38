"""What a diagram says about itself, read from its XML: processes, elements, lanes, properties, documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from engine.base.safe_parsing import BPMN, SPIFF, children, local
from engine.base.sending import CASE

_RHYTHM = re.compile(r'param\(\s*(?:"(\w+)"|\'(\w+)\')\s*\)')
_NOT_ELEMENTS = frozenset({"laneSet", "extensionElements", "documentation", "incoming", "outgoing"})


@dataclass(frozen=True, slots=True)
class Element:
    """One drawn element. ``kind`` is its BPMN tag; ``attached_to`` the activity a boundary event sits on."""

    id: str
    name: str
    kind: str
    lane: str | None
    properties: dict[str, str]
    documentation: str
    attached_to: str | None = None
    source: str | None = None  #: of a sequence flow
    target: str | None = None
    timer: str | None = None  #: expression of a timer event
    calls: str | None = None  #: called process of a call activity
    decision: str | None = None  #: decision table of a business rule task
    interrupting: bool = True  #: of a boundary event

    @property
    def opens(self) -> str | None:
        """The process of the case that a service task opens."""
        return self.properties.get("process") if self.properties.get("service") == CASE else None

    def listed(self, name: str) -> list[str]:
        """A comma-separated property as a list."""
        listed = self.properties.get(name)
        return [part.strip() for part in listed.split(",") if part.strip()] if listed else []


@dataclass(frozen=True, slots=True)
class Process:
    """One executable process of a release."""

    id: str
    name: str
    path: str
    domain: str  #: folder below ``bpmn/``
    startable: bool
    documentation: str
    properties: dict[str, str]
    lanes: list[str]
    elements: dict[str, Element] = field(repr=False)

    @property
    def names(self) -> dict[str, str]:
        """The name by language; a language whose ``name_…`` property is missing is left out."""
        found = {"zh-Hans": self.name}
        for locale in ("zh-Hant-HK", "en"):
            if name := self.properties.get(f"name_{locale.replace('-', '_')}"):
                found[locale] = name
        return found

    @property
    def rhythm(self) -> str | None:
        """The parameter by whose rhythm the software itself opens cases: what the timer on its start names."""
        starts = (e.timer for e in self.elements.values() if e.kind == "startEvent" and e.timer)
        return next((found for timer in starts if (found := rhythm_of(timer))), None)

    @property
    def complaint(self) -> bool:
        """Whether people open complaints of it: whatever may be opened is one, unless the process says otherwise."""
        return self.startable and self.properties.get("complaint") != "false"

    @property
    def case_clocks(self) -> list[str]:
        """SLA parameters that run on the whole case."""
        return [p.strip() for p in self.properties.get("case_clocks", "").split(",") if p.strip()]


def rhythm_of(timer: str) -> str | None:
    """The parameter that the timer of a start event names, as ``param("COU_WEEKLY_LIST")``; None for anything else."""
    found = _RHYTHM.fullmatch(timer.strip())
    return found[1] or found[2] if found else None


def read_processes(path: str, root: etree._Element) -> list[Process]:
    """The processes drawn in the file ``path`` with root element ``root``."""
    parts = path.split("/")
    found = []
    for node in children(root, "process"):
        lanes = _lanes(node)
        elements = {e.id: e for e in _elements(node, lanes, None)}
        own = _properties(node)
        found.append(
            Process(
                id=node.get("id", ""),
                name=node.get("name", "") or node.get("id", ""),
                path=path,
                domain=parts[1] if len(parts) > 2 else "",
                startable=own.get("startable") == "true",
                documentation=_documentation(node),
                properties=own,
                lanes=list(dict.fromkeys(lanes.values())),
                elements=elements,
            )
        )
    return found


def _lanes(process: etree._Element) -> dict[str, str]:
    return {
        (ref.text or "").strip(): lane.get("name", "")
        for lane in process.iter(f"{{{BPMN}}}lane")
        for ref in children(lane, "flowNodeRef")
    }


def _elements(scope: etree._Element, lanes: dict[str, str], outer: str | None) -> Iterator[Element]:
    for node in children(scope):
        kind = local(node)
        if kind in _NOT_ELEMENTS or not node.get("id"):
            continue
        element_id = node.get("id", "")
        lane = lanes.get(element_id) or outer
        attached = node.get("attachedToRef")
        timer = next((t for t in node.iter() if local(t) in ("timeDate", "timeDuration", "timeCycle")), None)
        yield Element(
            id=element_id,
            name=node.get("name") or "",
            kind=kind,
            lane=lane or (lanes.get(attached) if attached else None),
            properties=_properties(node),
            documentation=_documentation(node),
            attached_to=attached,
            source=node.get("sourceRef"),
            target=node.get("targetRef"),
            timer=(timer.text or "").strip() if timer is not None and kind.endswith("Event") else None,
            calls=node.get("calledElement"),
            decision=_decision(node) if kind == "businessRuleTask" else None,
            interrupting=node.get("cancelActivity") != "false",
        )
        if kind in ("subProcess", "transaction", "adHocSubProcess"):
            yield from _elements(node, lanes, lane)


def _decision(node: etree._Element) -> str | None:
    return next((d.text for d in node.iter(f"{{{SPIFF}}}calledDecisionId")), None)


def _properties(node: etree._Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for extension in children(node, "extensionElements"):
        for prop in extension.iter(f"{{{SPIFF}}}property"):
            found[prop.get("name", "")] = prop.get("value", "")
    return found


def _documentation(node: etree._Element) -> str:
    return "\n".join((d.text or "").strip() for d in children(node, "documentation")).strip()
