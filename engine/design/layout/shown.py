"""What a file's drawing shows, element by element, and what it must show: a new drawing may lack nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.base.safe_parsing import BPMN, BPMNDI, DC, DI, local

from .drawn import box_of, point_of
from .labels import Box
from .model import ARTIFACTS, CONTAINERS, EVENTS, GATEWAYS, TASKS

SHAPES = TASKS | CONTAINERS | EVENTS | GATEWAYS | ARTIFACTS | {"lane", "participant"}
EDGES = ("sequenceFlow", "messageFlow", "association")
_DATA = ("dataInputAssociation", "dataOutputAssociation")
CONNECTIONS = (*EDGES, *_DATA)


def boxes(root: etree._Element) -> dict[str, Box]:
    """The box of each element that has a shape, in px."""
    found = {}
    for shape in root.iter(f"{{{BPMNDI}}}BPMNShape"):
        box = box_of(shape.find(f"{{{DC}}}Bounds"))
        if box is not None:
            found[_about(shape)] = box
    return found


def shown(root: etree._Element) -> set[str]:
    """Ids of the elements that are there and have a shape with a box, or an edge of two points or more."""
    found = set(boxes(root))
    for edge in root.iter(f"{{{BPMNDI}}}BPMNEdge"):
        if sum(point_of(point) is not None for point in edge.findall(f"{{{DI}}}waypoint")) > 1:
            found.add(_about(edge))
    return found & {element.get("id", "") for element in _semantic(root)} - {""}


def needed(root: etree._Element) -> set[str]:
    """Ids of what a whole drawing shows: steps, lanes, pools, notes, data, and the flows that have both ends."""
    shapes = {e.get("id", "") for e in _semantic(root) if local(e) in SHAPES} - {""}
    flows = {e.get("id", "") for e in _semantic(root) if local(e) in EDGES and set(ends(e)) <= shapes}
    return shapes | (flows - {""})


def ends(edge: etree._Element) -> tuple[str, str]:
    """Source and target of a flow or association, "" where it names none; for data, the step it belongs to."""
    source, target = (_name(edge.get(key, "")) for key in ("sourceRef", "targetRef"))
    if local(edge) in _DATA:
        step = edge.getparent()
        owner = "" if step is None else step.get("id", "")
        reads = local(edge) == "dataInputAssociation"
        data = _name((edge.findtext(f"{{{BPMN}}}{'sourceRef' if reads else 'targetRef'}") or "").strip())
        source, target = (data, owner) if reads else (owner, data)
    return source, target


def marks(root: etree._Element) -> dict[str, dict[str, str]]:
    """Attributes of shapes and edges that say how an element looks, not where: colours, a gateway's cross."""
    found: dict[str, dict[str, str]] = {}
    for kind in ("BPMNShape", "BPMNEdge"):
        for part in root.iter(f"{{{BPMNDI}}}{kind}"):
            every = {str(key): str(value) for key, value in part.attrib.items()}
            kept = {k: v for k, v in every.items() if k.startswith("{") or k == "isMarkerVisible"}
            if kept:
                found[_about(part)] = kept
    return found


def _semantic(root: etree._Element) -> Iterator[etree._Element]:
    return root.iter(f"{{{BPMN}}}*")


def _about(part: etree._Element) -> str:
    return _name(part.get("bpmnElement", ""))


def _name(reference: str) -> str:
    """The id in a qualified name."""
    return reference.rpartition(":")[2]
