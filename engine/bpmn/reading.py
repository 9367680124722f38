"""The one reader of BPMN: from the XML of a file to its model; never raises, whatever the elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lxml import etree

from engine.base.safe_parsing import BPMN, SPIFF, children, line_of, local

from .kinds import CONTAINERS, FLOW, NODES
from .model import DiagramModel, DrawnProcess, Flow, Lane, Node, Other, Scope, Timer

#: what tells of the scope itself, or repeats what flows say
_OWN_ENTRY = frozenset({"extensionElements", "documentation", "incoming", "outgoing"})

_TIMES = ("timeDate", "timeDuration", "timeCycle")


class _Lanes(NamedTuple):
    """The lanes of a process by their elements, and the name of the lane of each element by its id."""

    drawn: Mapping[etree._Element, Lane]
    names: Mapping[str, str]


def read_diagram(root: etree._Element, file: str) -> DiagramModel:
    """Model of the parsed ``file``."""
    scopes: list[Scope] = []
    processes = []
    for element in children(root, "process"):
        lanes = _lanes(element)
        names = {ref: lane.name for lane in lanes.values() for ref in lane.refs}
        scope = _scope(element, None, _Lanes(lanes, names), None, scopes)
        processes.append(
            DrawnProcess(
                element.get("id", ""),
                element.get("name", ""),
                line_of(element),
                element,
                properties_of(element),
                documentation_of(element),
                list(lanes.values()),
                names,
                scope,
            )
        )
    return DiagramModel(file, root, processes, list(children(root, "collaboration")), scopes)


def _scope(
    element: etree._Element,
    parent: Scope | None,
    lanes: _Lanes,
    outer: str | None,
    found: list[Scope],
) -> Scope:
    """A process or sub-process; ``outer`` is the lane of the sub-process, which its steps are in, too."""
    scope = Scope(element.get("id", ""), local(element), line_of(element), element, parent)
    found.append(scope)
    for child in children(element):
        kind = local(child)
        if kind in NODES:
            node = _node(child, kind, scope, lanes, outer)
            scope.nodes.setdefault(node.id, node)
            scope.contents.append(node)
            if kind in CONTAINERS:
                node.inner = _scope(child, scope, lanes, node.lane, found)
        elif kind == FLOW:
            flow = _flow(child)
            scope.flows.append(flow)
            scope.contents.append(flow)
        elif kind == "laneSet":
            scope.lanes += [lanes.drawn[lane] for lane in child.iter(f"{{{BPMN}}}lane")]
        elif kind not in _OWN_ENTRY:
            other = Other(child.get("id", ""), kind, child.get("name", ""), line_of(child), child)
            scope.contents.append(other)
    _connect(scope)
    return scope


def _connect(scope: Scope) -> None:
    for flow in scope.flows:
        if flow.source in scope.nodes:
            scope.nodes[flow.source].outgoing.append(flow)
        if flow.target in scope.nodes:
            scope.nodes[flow.target].incoming.append(flow)
    for node in scope.nodes.values():
        host = scope.nodes.get(node.attached_to or "")
        if host is not None and node.kind == "boundaryEvent" and host is not node:
            host.boundary.append(node)


def _flow(child: etree._Element) -> Flow:
    condition = child.find(f"{{{BPMN}}}conditionExpression")
    text = None if condition is None else (condition.text or "").strip()
    return Flow(
        child.get("id", ""),
        child.get("name", ""),
        child.get("sourceRef", ""),
        child.get("targetRef", ""),
        text or None,
        line_of(child),
        child,
    )


def _node(child: etree._Element, kind: str, scope: Scope, lanes: _Lanes, outer: str | None) -> Node:
    ident, attached = child.get("id", ""), child.get("attachedToRef")
    definitions = [part for part in children(child) if local(part).endswith("EventDefinition")]
    return Node(
        ident,
        kind,
        child.get("name", ""),
        line_of(child),
        child,
        scope,
        lanes.names.get(ident) or outer or lanes.names.get(attached or ""),
        properties_of(child),
        documentation_of(child),
        [local(part).removesuffix("EventDefinition") for part in definitions],
        [_timer(part) for part in definitions if local(part) == "timerEventDefinition"],
        attached,
    )


def _timer(definition: etree._Element) -> Timer:
    for part in children(definition):
        if local(part) in _TIMES:
            return Timer(local(part), (part.text or "").strip(), line_of(part))
    return Timer("", "", line_of(definition))


def _lanes(process: etree._Element) -> dict[etree._Element, Lane]:
    """The lanes of a process and of the sub-processes in it, each before those inside it."""
    found: dict[etree._Element, Lane] = {}
    for element in process.iter(f"{{{BPMN}}}lane"):
        around = [other for other in element.iterancestors() if other in found]
        inside = element.find(f"{{{BPMN}}}childLaneSet")
        found[element] = Lane(
            element.get("id", ""),
            element.get("name", ""),
            [(ref.text or "").strip() for ref in children(element, "flowNodeRef")],
            [found[other] for other in reversed(around)],
            inside is not None and len(inside) > 0,
        )
    return found


def properties_of(element: etree._Element) -> dict[str, str]:
    """The engine's own properties of an element, by name."""
    return {
        prop.get("name", ""): prop.get("value", "")
        for extension in children(element, "extensionElements")
        for prop in extension.iter(f"{{{SPIFF}}}property")
    }


def documentation_of(element: etree._Element) -> str:
    """What is written about an element, paragraph by paragraph."""
    return "\n".join((part.text or "").strip() for part in children(element, "documentation")).strip()
