"""What a drawing needs to know of a BPMN file: nodes, flows, lanes and artifacts, each scope by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.base.safe_parsing import BPMN
from engine.bpmn.kinds import ARTIFACTS, EVENTS, GATEWAYS, KINDS, TASKS
from engine.bpmn.model import Node as DrawnNode
from engine.bpmn.model import Other
from engine.bpmn.model import Scope as DrawnScope

from .text import task_width

EVENT_SIZE = KINDS["boundaryEvent"].size[0]
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


def scope_of(drawn: DrawnScope) -> Scope:
    """What is drawn of a process or sub-process, sub-processes within it likewise."""
    nodes: dict[str, Node] = {}
    for order, part in enumerate(drawn.contents):
        if isinstance(part, DrawnNode) and part.id and part.id not in nodes:
            nodes[part.id] = _node(part, order)
    for node in nodes.values():
        host = nodes.get(drawn.nodes[node.id].attached_to or "") if node.kind == "boundaryEvent" else None
        if host is not None and not host.is_event and not host.is_gateway:
            node.host = host
            host.boundary.append(node)
    top = [node for node in nodes.values() if node.host is None]
    for node in top:
        node.width = max(node.width, BOUNDARY_PITCH * len(node.boundary) + 20 if node.boundary else 0)
    lanes = _lanes(drawn, nodes)
    flows = []
    for order, flow in enumerate(drawn.flows):
        source, target = nodes.get(flow.source), nodes.get(flow.target)
        if source is not None and target is not None and target.host is None:
            flows.append(Flow(flow.id, flow.name, source, target, order))
    return Scope(drawn.id, top, flows, lanes, _artifacts(drawn, nodes))


def _node(drawn: DrawnNode, order: int) -> Node:
    width, height = KINDS[drawn.kind].size
    if drawn.kind in TASKS:
        width = task_width(drawn.name)
    inner = None if drawn.inner is None else scope_of(drawn.inner)
    return Node(drawn.id, drawn.kind, drawn.name, width, height, order, inner=inner)


def _lanes(drawn: DrawnScope, nodes: dict[str, Node]) -> list[Lane]:
    lanes: list[Lane] = []
    for lane in drawn.lanes:
        if lane.divided:
            continue
        for ref in lane.refs:
            if ref in nodes:
                nodes[ref].lane = len(lanes)
        lanes.append(Lane(lane.id, lane.name, [(outer.id, outer.name) for outer in lane.parents]))
    for node in nodes.values():
        if node.host is not None:
            node.lane = node.host.lane
    return lanes


def _artifacts(drawn: DrawnScope, nodes: dict[str, Node]) -> list[Artifact]:
    found: dict[str, Artifact] = {}
    others = [part for part in drawn.contents if isinstance(part, Other)]
    for part in others:
        if part.kind in ARTIFACTS and part.id:
            note = part.kind == "textAnnotation"
            text = part.element.findtext(f"{{{BPMN}}}text") or "" if note else part.name
            found[part.id] = Artifact(part.id, part.kind, text)
    for tie in others:
        if tie.kind != "association":
            continue
        ends = (tie.element.get("sourceRef", ""), tie.element.get("targetRef", ""))
        for tied, other in (ends, ends[::-1]):
            if tied in found and other in nodes:
                found[tied].ties.append((tie.id, other))
                break
    return list(found.values())
