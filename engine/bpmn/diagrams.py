"""What a diagram says about itself, read from its XML: processes, elements, lanes, properties, documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from engine.base.locales import LOCALES, NAME_PROPERTIES
from engine.base.safe_parsing import local
from engine.base.sending import CASE

from .model import Flow, Node, Other, Scope
from .reading import documentation_of, properties_of, read_diagram

_RHYTHM = re.compile(r'param\(\s*(?:"(\w+)"|\'(\w+)\')\s*\)')


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
        return _listed(self.properties, name)


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
        found = {LOCALES[0]: self.name}
        for key, locale in NAME_PROPERTIES.items():
            if name := self.properties.get(key):
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
    def facts(self) -> list[str]:
        """Case data that reports count though no form asks for it."""
        return _listed(self.properties, "facts")

    @property
    def case_clocks(self) -> list[str]:
        """SLA parameters that run on the whole case."""
        return _listed(self.properties, "case_clocks")


def _listed(properties: Mapping[str, str], name: str) -> list[str]:
    listed = properties.get(name)
    return [part.strip() for part in listed.split(",") if part.strip()] if listed else []


def rhythm_of(timer: str) -> str | None:
    """The parameter that the timer of a start event names, as ``param("COU_WEEKLY_LIST")``; None for anything else."""
    found = _RHYTHM.fullmatch(timer.strip())
    return found[1] or found[2] if found else None


def read_processes(path: str, root: etree._Element) -> list[Process]:
    """The processes drawn in the file ``path`` with root element ``root``."""
    parts = path.split("/")
    return [
        Process(
            id=drawn.id,
            name=drawn.name or drawn.id,
            path=path,
            domain=parts[1] if len(parts) > 2 else "",
            startable=drawn.properties.get("startable") == "true",
            documentation=drawn.documentation,
            properties=drawn.properties,
            lanes=list(dict.fromkeys(drawn.lanes.values())),
            elements={element.id: element for element in _elements(drawn.scope, None)},
        )
        for drawn in read_diagram(root, path).processes
    ]


def _elements(scope: Scope, lane: str | None) -> Iterator[Element]:
    """Everything of a scope that has an id; what is no step is in the lane of its sub-process, ``lane``."""
    for part in scope.contents:
        if not part.id:
            continue
        if not isinstance(part, Node):
            yield _plain(part, lane)
            continue
        yield Element(
            id=part.id,
            name=part.name,
            kind=part.kind,
            lane=part.lane,
            properties=part.properties,
            documentation=part.documentation,
            attached_to=part.attached_to,
            timer=next((timer.text for timer in part.timers if timer.kind), None),
            calls=part.element.get("calledElement"),
            decision=(part.extension("calledDecisionId") or None)
            if part.kind == "businessRuleTask"
            else None,
            interrupting=part.interrupting,
        )
        if part.inner is not None:
            yield from _elements(part.inner, part.lane)


def _plain(part: Flow | Other, lane: str | None) -> Element:
    return Element(
        id=part.id,
        name=part.name,
        kind=local(part.element),
        lane=lane,
        properties=properties_of(part.element),
        documentation=documentation_of(part.element),
        source=part.element.get("sourceRef"),
        target=part.element.get("targetRef"),
    )
