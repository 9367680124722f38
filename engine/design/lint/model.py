"""A BPMN file as lint sees it. Reading never fails: what is missing or odd is simply empty here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from engine.base.safe_parsing import BPMN, BPMNDI, SPIFF, children, line_of, local

TASKS = frozenset(
    {
        *("task", "userTask", "manualTask", "serviceTask", "scriptTask", "businessRuleTask"),
        *("sendTask", "receiveTask", "callActivity"),
    }
)
CONTAINERS = frozenset({"subProcess", "transaction", "adHocSubProcess"})
EVENTS = frozenset(
    {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"}
)
GATEWAYS = frozenset(
    {"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"}
)
NODES = TASKS | CONTAINERS | EVENTS | GATEWAYS
MAX_WRITTEN = 150_000
_WRITTEN = frozenset(
    {
        *("script", "preScript", "postScript", "conditionExpression", "property"),
        *("timeDate", "timeDuration", "timeCycle", "calledDecisionId"),
        *("loopCardinality", "completionCondition", "loopCondition"),
    }
)
#: gateways whose outgoing flows have conditions
DECIDING = frozenset({"exclusiveGateway", "inclusiveGateway"})


@dataclass(eq=False)
class Flow:
    """A sequence flow; ``source`` and ``target`` are ids as written, perhaps empty or of nothing."""

    id: str
    source: str
    target: str
    condition: str | None
    line: int | None


@dataclass(eq=False)
class Timer:
    """A timer definition: ``kind`` is ``timeDate``, ``timeDuration``, ``timeCycle`` or ``""``."""

    kind: str
    text: str
    line: int | None


@dataclass(eq=False)
class Node:
    """One flow node with its flows (by id in the same scope)."""

    id: str
    kind: str
    name: str
    line: int | None
    element: etree._Element
    scope: Scope
    lane: str | None
    properties: dict[str, str]
    documentation: str
    events: list[str]
    timers: list[Timer]
    attached_to: str | None = None
    incoming: list[Flow] = field(default_factory=list)
    outgoing: list[Flow] = field(default_factory=list)
    boundary: list[Node] = field(default_factory=list)
    inner: Scope | None = None

    @property
    def interrupting(self) -> bool:
        """For boundary events: does it end the activity?"""
        return self.element.get("cancelActivity", "true") != "false"

    @property
    def multiple(self) -> bool:
        """True for multi-instance activities."""
        return self.loop("multiInstance") is not None

    def loop(self, kind: str) -> etree._Element | None:
        """The ``multiInstance`` or ``standard`` loop of an activity."""
        return self.element.find(f"{{{BPMN}}}{kind}LoopCharacteristics")

    def listed(self, name: str) -> list[str]:
        """A comma-separated property as a list."""
        return [part.strip() for part in self.properties.get(name, "").split(",") if part.strip()]

    def extension(self, tag: str) -> str | None:
        """Text of an engine extension such as ``preScript``; None when absent."""
        found = self.element.find(f"{{{BPMN}}}extensionElements/{{{SPIFF}}}{tag}")
        return None if found is None else (found.text or "").strip()

    @property
    def script(self) -> tuple[str, int | None] | None:
        """The script of a script task and the line it starts on."""
        found = self.element.find(f"{{{BPMN}}}script")
        return None if found is None or found.text is None else (found.text, line_of(found))


@dataclass(eq=False)
class Scope:
    """Flow nodes of a process or sub-process."""

    id: str
    kind: str
    line: int | None
    element: etree._Element
    parent: Scope | None
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)

    def all_nodes(self) -> Iterator[Node]:
        """The nodes of this scope and of those inside."""
        for node in self.nodes.values():
            yield node
            if node.inner is not None:
                yield from node.inner.all_nodes()

    def steps(self, node: Node) -> Iterator[Node]:
        """Where the process may go from ``node``: along flows and onto its boundary events."""
        for flow in node.outgoing:
            following = self.nodes.get(flow.target)
            if following is not None:
                yield following
        yield from node.boundary


@dataclass(eq=False)
class Process:
    """One process of the file."""

    id: str
    name: str
    line: int | None
    element: etree._Element
    properties: dict[str, str]
    documentation: str
    lanes: dict[str, str]
    scope: Scope


@dataclass(eq=False)
class DiagramModel:
    """The whole file."""

    file: str
    root: etree._Element
    processes: list[Process]
    scopes: list[Scope]
    drawn: set[str]
    has_drawing: bool
    written: int  #: characters of all scripts and expressions together

    @property
    def readable(self) -> bool:
        """False when there is more to read in scripts and expressions than lint takes time for."""
        return self.written <= MAX_WRITTEN

    def nodes(self) -> Iterator[Node]:
        """Every flow node, process by process."""
        for scope in self.scopes:
            yield from scope.nodes.values()

    def with_kind(self, *kinds: str) -> Iterator[Node]:
        """Every flow node of the given kinds."""
        return (node for node in self.nodes() if node.kind in kinds)


def read_diagram(root: etree._Element, file: str) -> DiagramModel:
    """Model of a parsed file; never raises, whatever the elements."""
    scopes: list[Scope] = []
    processes = []
    for element in children(root, "process"):
        lanes = _lanes(element)
        scope = _scope(element, None, lanes, scopes)
        processes.append(
            Process(
                element.get("id", ""),
                element.get("name", ""),
                line_of(element),
                element,
                _properties(element),
                _documentation(element),
                lanes,
                scope,
            )
        )
    planes = list(root.iter(f"{{{BPMNDI}}}BPMNPlane"))
    drawn = {
        child.get("bpmnElement", "").rpartition(":")[2]
        for plane in planes
        for child in plane
        if isinstance(child.tag, str)
    }
    return DiagramModel(file, root, processes, scopes, drawn, bool(planes), _written(root))


def _written(root: etree._Element) -> int:
    return sum(
        len(element.text or "") + len(element.get("value", ""))
        for element in root.iter("*")
        if local(element) in _WRITTEN
    )


def _scope(element: etree._Element, parent: Scope | None, lanes: dict[str, str], found: list[Scope]) -> Scope:
    scope = Scope(element.get("id", ""), local(element), line_of(element), element, parent)
    found.append(scope)
    for child in children(element):
        kind = local(child)
        if kind in NODES:
            node = _node(child, kind, scope, lanes)
            scope.nodes.setdefault(node.id, node)
            if kind in CONTAINERS:
                inner_lanes = lanes if node.lane is None else dict.fromkeys(_ids(child), node.lane)
                node.inner = _scope(child, scope, inner_lanes, found)
        elif kind == "sequenceFlow":
            condition = child.find(f"{{{BPMN}}}conditionExpression")
            text = None if condition is None else (condition.text or "").strip()
            scope.flows.append(
                Flow(
                    child.get("id", ""),
                    child.get("sourceRef", ""),
                    child.get("targetRef", ""),
                    text or None,
                    line_of(child),
                )
            )
    for flow in scope.flows:
        if flow.source in scope.nodes:
            scope.nodes[flow.source].outgoing.append(flow)
        if flow.target in scope.nodes:
            scope.nodes[flow.target].incoming.append(flow)
    for node in scope.nodes.values():
        host = scope.nodes.get(node.attached_to or "")
        if host is not None and node.kind == "boundaryEvent" and host is not node:
            host.boundary.append(node)
    return scope


def _node(child: etree._Element, kind: str, scope: Scope, lanes: dict[str, str]) -> Node:
    ident, attached = child.get("id", ""), child.get("attachedToRef")
    definitions = [part for part in children(child) if local(part).endswith("EventDefinition")]
    return Node(
        ident,
        kind,
        child.get("name", ""),
        line_of(child),
        child,
        scope,
        lanes.get(ident) or lanes.get(attached or ""),
        _properties(child),
        _documentation(child),
        [local(part).removesuffix("EventDefinition") for part in definitions],
        [_timer(part) for part in definitions if local(part) == "timerEventDefinition"],
        attached,
    )


def _timer(definition: etree._Element) -> Timer:
    for part in children(definition):
        if local(part) in ("timeDate", "timeDuration", "timeCycle"):
            return Timer(local(part), (part.text or "").strip(), line_of(part))
    return Timer("", "", line_of(definition))


def _lanes(process: etree._Element) -> dict[str, str]:
    return {
        (ref.text or "").strip(): lane.get("name", "")
        for lane in process.iter(f"{{{BPMN}}}lane")
        for ref in children(lane, "flowNodeRef")
    }


def _ids(element: etree._Element) -> Iterator[str]:
    for part in element.iter():
        if isinstance(part.tag, str) and part.get("id"):
            yield part.get("id", "")


def _properties(element: etree._Element) -> dict[str, str]:
    path = f"{{{BPMN}}}extensionElements/{{{SPIFF}}}properties/{{{SPIFF}}}property"
    return {prop.get("name", ""): prop.get("value", "") for prop in element.findall(path)}


def _documentation(element: etree._Element) -> str:
    return "\n".join((part.text or "").strip() for part in children(element, "documentation")).strip()
