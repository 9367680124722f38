"""What a drawing needs to know of a BPMN file: nodes, flows, lanes and artifacts, each scope by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from engine.base.safe_parsing import BPMN, children, local

from .text import task_width

EVENTS = frozenset(
    {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"}
)
GATEWAYS = frozenset(
    {"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"}
)
CONTAINERS = frozenset({"subProcess", "transaction", "adHocSubProcess"})
TASKS = frozenset(
    {
        "task", "userTask", "manualTask", "serviceTask", "scriptTask", "businessRuleTask", "sendTask",
        "receiveTask", "callActivity",
    }
)  # fmt: skip
ARTIFACTS = frozenset({"textAnnotation", "dataObjectReference", "dataStoreReference"})

EVENT_SIZE = 36
GATEWAY_SIZE = 50
TASK_HEIGHT = 80
#: room one boundary event takes on the bottom edge of its activity
BOUNDARY_PITCH = 50


@dataclass(eq=False)
class Node:
    """One drawn flow node. ``width`` and ``height`` are px; ``inner`` is the content of a sub-process."""

    id: str
    kind: str
    name: str
    width: int
    height: int
    order: int
    lane: int = 0
    host: Node | None = None
    inner: Scope | None = None
    boundary: list[Node] = field(default_factory=list)

    @property
    def is_event(self) -> bool:
        """True for start, end, intermediate and boundary events."""
        return self.kind in EVENTS

    @property
    def is_gateway(self) -> bool:
        """True for gateways of any kind."""
        return self.kind in GATEWAYS

    @property
    def label_outside(self) -> bool:
        """True when the name stands beside the shape instead of in it."""
        return bool(self.name) and (self.is_event or self.is_gateway)


@dataclass(eq=False)
class Flow:
    """One sequence flow between two nodes of the same scope."""

    id: str
    name: str
    source: Node
    target: Node
    order: int
    back: bool = False

    @property
    def origin(self) -> Node:
        """The node that gives the flow its place: the activity, when it starts on a boundary event."""
        return self.source.host or self.source


@dataclass(eq=False)
class Lane:
    """A leaf lane; ``parents`` are the ids of the lanes around it, outermost first."""

    id: str
    name: str
    parents: list[tuple[str, str]]


@dataclass(eq=False)
class Artifact:
    """A note or data object and the elements it is tied to."""

    id: str
    kind: str
    text: str
    ties: list[tuple[str, str]] = field(default_factory=list)  # (association id, element id)


@dataclass(eq=False)
class Scope:
    """The flow elements of one process or sub-process."""

    id: str
    nodes: list[Node]
    flows: list[Flow]
    lanes: list[Lane]
    artifacts: list[Artifact]

    def all_nodes(self) -> Iterator[Node]:
        """Nodes with their boundary events."""
        for node in self.nodes:
            yield node
            yield from node.boundary


def read_scope(element: etree._Element) -> Scope:
    """The scope of a ``process`` or sub-process element, sub-processes read recursively."""
    nodes: dict[str, Node] = {}
    hosted: list[tuple[Node, str]] = []
    for order, child in enumerate(children(element)):
        node = _node(child, order)
        if node is None or node.id in nodes:
            continue
        nodes[node.id] = node
        if node.kind == "boundaryEvent":
            hosted.append((node, child.get("attachedToRef", "")))
    for node, ref in hosted:
        host = nodes.get(ref)
        if host is not None and not host.is_event and not host.is_gateway:
            node.host = host
            host.boundary.append(node)
    top = [node for node in nodes.values() if node.host is None]
    for node in top:
        node.width = max(node.width, BOUNDARY_PITCH * len(node.boundary) + 20 if node.boundary else 0)
    lanes = _lanes(element, nodes)
    flows = []
    for order, child in enumerate(children(element, "sequenceFlow")):
        source, target = nodes.get(child.get("sourceRef", "")), nodes.get(child.get("targetRef", ""))
        if source is not None and target is not None and target.host is None:
            flows.append(Flow(child.get("id", ""), child.get("name", ""), source, target, order))
    return Scope(element.get("id", ""), top, flows, lanes, _artifacts(element, nodes))


def _node(child: etree._Element, order: int) -> Node | None:
    kind, name = local(child), child.get("name", "")
    ident = child.get("id")
    if not ident:
        return None
    if kind in EVENTS:
        return Node(ident, kind, name, EVENT_SIZE, EVENT_SIZE, order)
    if kind in GATEWAYS:
        return Node(ident, kind, name, GATEWAY_SIZE, GATEWAY_SIZE, order)
    if kind in TASKS:
        return Node(ident, kind, name, task_width(name), TASK_HEIGHT, order)
    if kind in CONTAINERS:
        return Node(ident, kind, name, 100, TASK_HEIGHT, order, inner=read_scope(child))
    return None


def _lanes(element: etree._Element, nodes: dict[str, Node]) -> list[Lane]:
    lanes: list[Lane] = []

    def walk(lane_set: etree._Element, parents: list[tuple[str, str]]) -> None:
        for lane in children(lane_set, "lane"):
            ident, name = lane.get("id", ""), lane.get("name", "")
            nested = lane.find(f"{{{BPMN}}}childLaneSet")
            if nested is not None and len(nested):
                walk(nested, [*parents, (ident, name)])
                continue
            for ref in children(lane, "flowNodeRef"):
                node = nodes.get((ref.text or "").strip())
                if node is not None:
                    node.lane = len(lanes)
                    placed.add(node.id)
            lanes.append(Lane(ident, name, parents))

    placed: set[str] = set()
    for lane_set in children(element, "laneSet"):
        walk(lane_set, [])
    for node in nodes.values():
        if node.host is not None:
            node.lane = node.host.lane
    return lanes


def _artifacts(element: etree._Element, nodes: dict[str, Node]) -> list[Artifact]:
    found: dict[str, Artifact] = {}
    for child in children(element):
        kind, ident = local(child), child.get("id", "")
        if kind in ARTIFACTS and ident:
            text = child.get("name", "")
            if kind == "textAnnotation":
                text = "".join(child.findtext(f"{{{BPMN}}}text") or "")
            found[ident] = Artifact(ident, kind, text)
    for tie in children(element, "association"):
        ends = (tie.get("sourceRef", ""), tie.get("targetRef", ""))
        for note, other in (ends, ends[::-1]):
            if note in found and other in nodes:
                found[note].ties.append((tie.get("id", ""), other))
                break
    return list(found.values())
