"""A drawing as it stands in a file: boxes, ways and labels by element, and which element lies in which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lxml import etree

from engine.base.safe_parsing import BPMN, BPMNDI, DC, DI, children, local

from .labels import Box, Point, Way
from .model import CONTAINERS, EVENTS, GATEWAYS, TASKS


@dataclass(frozen=True)
class Part:
    """A step, event, gateway or flow of a process; ``around`` are the sub-processes it lies in, outermost first."""

    id: str
    kind: str
    name: str
    ends: tuple[str, str]  #: source and target of a flow; the activity of a boundary event and ""
    around: tuple[str, ...]


class Drawn:
    """What is drawn of one process. Numbers that are none count as not drawn."""

    def __init__(self, root: etree._Element, process: etree._Element) -> None:
        self.shapes: dict[str, Box] = {}
        self.ways: dict[str, Way] = {}
        self.labels: dict[str, Box] = {}
        self.open: set[str] = set()  #: sub-processes whose steps are shown where they stand
        self.parts = {part.id: part for part in _parts(process, ())}
        for shape in root.iter(f"{{{BPMNDI}}}BPMNShape"):
            box, ident = box_of(shape.find(f"{{{DC}}}Bounds")), shape.get("bpmnElement", "")
            if box is not None:
                self.shapes[ident] = box
            if shape.get("isExpanded") == "true":
                self.open.add(ident)
        for edge in root.iter(f"{{{BPMNDI}}}BPMNEdge"):
            points = [point_of(p) for p in edge.findall(f"{{{DI}}}waypoint")]
            self.ways[edge.get("bpmnElement", "")] = [p for p in points if p is not None]
        for label in root.iter(f"{{{BPMNDI}}}BPMNLabel"):
            box, parent = box_of(label.find(f"{{{DC}}}Bounds")), label.getparent()
            if box is not None and parent is not None and parent.get("bpmnElement") in self.parts:
                self.labels[parent.get("bpmnElement", "")] = box
        self.lanes = {lane.get("id", ""): lane.get("name", "") for lane in process.iter(f"{{{BPMN}}}lane")}

    @cached_property
    def steps(self) -> dict[str, Box]:
        """Boxes of everything but flows."""
        return {i: self.shapes[i] for i, p in self.parts.items() if not is_flow(p) and i in self.shapes}

    @cached_property
    def flows(self) -> dict[str, Way]:
        """Ways of the flows that are drawn."""
        return {
            i: self.ways[i] for i, p in self.parts.items() if is_flow(p) and len(self.ways.get(i, [])) > 1
        }

    @cached_property
    def bands(self) -> dict[str, Box]:
        """Boxes of the lanes that are drawn."""
        return {lane: self.shapes[lane] for lane in self.lanes if lane in self.shapes}

    def frame_of(self, part: Part) -> str:
        """The sub-process whose box ``part`` is shown in, "" for none."""
        return next((ident for ident in reversed(part.around) if ident in self.open), "")

    def together(self, one: str, two: str) -> bool:
        """True for two parts on one sheet: the steps of a folded sub-process are on a sheet of their own."""
        return self._sheet(self.parts[one]) == self._sheet(self.parts[two])

    def _sheet(self, part: Part) -> str:
        return next((ident for ident in reversed(part.around) if ident not in self.open), "")


def is_flow(part: Part) -> bool:
    """True for a sequence flow."""
    return part.kind == "sequenceFlow"


def _parts(scope: etree._Element, around: tuple[str, ...]) -> Iterator[Part]:
    for child in children(scope):
        kind, ident, name = local(child), child.get("id", ""), child.get("name", "")
        if kind == "sequenceFlow":
            yield Part(ident, kind, name, (child.get("sourceRef", ""), child.get("targetRef", "")), around)
        elif kind in TASKS or kind in EVENTS or kind in GATEWAYS or kind in CONTAINERS:
            yield Part(ident, kind, name, (child.get("attachedToRef", ""), ""), around)
        if kind in CONTAINERS:
            yield from _parts(child, (*around, ident))


def box_of(bounds: etree._Element | None) -> Box | None:
    """The box that bounds name; None where a number is missing or none."""
    if bounds is None:
        return None
    numbers = [_number(bounds.get(key)) for key in ("x", "y", "width", "height")]
    values = [number for number in numbers if number is not None]
    return Box(*values) if len(values) == 4 else None


def point_of(waypoint: etree._Element) -> Point | None:
    """The point of a way; None where a number is missing or none."""
    x, y = _number(waypoint.get("x")), _number(waypoint.get("y"))
    return None if x is None or y is None else (x, y)


def _number(text: str | None) -> int | None:
    try:
        return round(float(text or ""))
    except (ValueError, OverflowError):
        return None
