"""What is wrong with a drawing: overlaps, flows through foreign shapes, things outside their lane.

Works on the diagram interchange in the file, whoever drew it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from lxml import etree

from engine.layout.labels import Box
from engine.xml import BPMN, BPMNDI, DC, DI, children, local

_DRAWN = (
    "task", "userTask", "manualTask", "serviceTask", "scriptTask", "businessRuleTask", "sendTask",
    "receiveTask", "callActivity", "subProcess", "transaction", "adHocSubProcess", "startEvent", "endEvent",
    "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent", "exclusiveGateway",
    "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One fault of a drawing; ``kind`` is ``missing``, ``overlap``, ``lane``, ``through`` or ``label``."""

    kind: str
    element: str
    message: str


class _Drawn:
    def __init__(self, root: etree._Element) -> None:
        self.shapes: dict[str, Box] = {}
        self.ways: dict[str, list[tuple[int, int]]] = {}
        self.labels: dict[str, Box] = {}
        for shape in root.iter(f"{{{BPMNDI}}}BPMNShape"):
            box = _box(shape.find(f"{{{DC}}}Bounds"))
            if box is not None:
                self.shapes[shape.get("bpmnElement", "")] = box
        for edge in root.iter(f"{{{BPMNDI}}}BPMNEdge"):
            points = [_point(p) for p in edge.findall(f"{{{DI}}}waypoint")]
            self.ways[edge.get("bpmnElement", "")] = [p for p in points if p is not None]
        for label in root.iter(f"{{{BPMNDI}}}BPMNLabel"):
            box = _box(label.find(f"{{{DC}}}Bounds"))
            parent = label.getparent()
            if box is not None and parent is not None:
                self.labels[parent.get("bpmnElement", "")] = box


def check_drawing(root: etree._Element) -> list[Fault]:
    """All faults of the drawing in a BPMN file, in a fixed order."""
    drawn = _Drawn(root)
    faults: list[Fault] = []
    for process in children(root, "process"):
        faults += _check_scope(process, drawn)
        faults += _check_lanes(process, drawn)
    return faults


def _check_scope(scope: etree._Element, drawn: _Drawn) -> Iterator[Fault]:
    elements = {e.get("id", ""): e for e in children(scope) if local(e) in _DRAWN}
    flows = {e.get("id", ""): e for e in children(scope, "sequenceFlow")}
    for ident in elements:
        if ident not in drawn.shapes:
            yield Fault("missing", ident, "is not drawn")
    for ident in flows:
        if len(drawn.ways.get(ident, [])) < 2:
            yield Fault("missing", ident, "the flow is not drawn")
    host = {i: e.get("attachedToRef", "") for i, e in elements.items() if local(e) == "boundaryEvent"}
    boxes = {ident: drawn.shapes[ident] for ident in elements if ident in drawn.shapes}
    for (one, a), (two, b) in combinations(boxes.items(), 2):
        if a.overlaps(b) and host.get(one) != two and host.get(two) != one:
            yield Fault("overlap", one, f"overlaps {two}")
    for ident, flow in flows.items():
        ends = {flow.get("sourceRef", ""), flow.get("targetRef", "")}
        ends |= {host[end] for end in ends if end in host}
        way = drawn.ways.get(ident, [])
        for other, box in boxes.items():
            if other not in ends and any(box.crossed_by(a, b) for a, b in pairwise(way)):
                yield Fault("through", ident, f"runs through {other}")
    own = {**elements, **flows}
    labels = {ident: box for ident, box in drawn.labels.items() if ident in own}
    for (one, a), (two, b) in combinations(labels.items(), 2):
        if a.overlaps(b):
            yield Fault("label", one, f"the label overlaps that of {two}")
    for ident, label in labels.items():
        for other, box in boxes.items():
            if label.overlaps(box) and local(elements[other]) not in ("subProcess", "transaction"):
                yield Fault("label", ident, f"the label overlaps {other}")
        for other in flows:
            way = drawn.ways.get(other, [])
            if any(label.crossed_by(a, b) for a, b in pairwise(way)):
                yield Fault("label", ident, f"the label is crossed by {other}")
    for ident, child in elements.items():
        if local(child) in ("subProcess", "transaction", "adHocSubProcess") and ident in boxes:
            for inner in children(child):
                part = drawn.shapes.get(inner.get("id", ""))
                if part is not None and not boxes[ident].contains(part):
                    yield Fault("overlap", inner.get("id", ""), f"is drawn outside {ident}")
            yield from _check_scope(child, drawn)


def _check_lanes(process: etree._Element, drawn: _Drawn) -> Iterator[Fault]:
    # a sub-process may span the lanes of its steps, which are drawn where it is,
    # and a boundary event sits on its activity whatever lane lists it
    loose = ("subProcess", "boundaryEvent")
    own = {child.get("id") for child in children(process) if local(child) not in loose}
    for lane in process.iter(f"{{{BPMN}}}lane"):
        band = drawn.shapes.get(lane.get("id", ""))
        if band is None:
            yield Fault("missing", lane.get("id", ""), "the lane is not drawn")
            continue
        for ref in children(lane, "flowNodeRef"):
            ident = (ref.text or "").strip()
            box = drawn.shapes.get(ident) if ident in own else None
            if box is not None and not band.contains(box):
                yield Fault("lane", ident, f"is drawn outside lane {lane.get('name', '')}")


def _box(bounds: etree._Element | None) -> Box | None:
    if bounds is None:
        return None
    numbers = [_number(bounds.get(key)) for key in ("x", "y", "width", "height")]
    values = [number for number in numbers if number is not None]
    return Box(*values) if len(values) == 4 else None


def _point(waypoint: etree._Element) -> tuple[int, int] | None:
    x, y = _number(waypoint.get("x")), _number(waypoint.get("y"))
    return None if x is None or y is None else (x, y)


def _number(text: str | None) -> int | None:
    try:
        return round(float(text or ""))
    except (ValueError, OverflowError):
        return None
