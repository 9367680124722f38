"""What a file's drawing shows, element by element, and what it must show: a new drawing may lack nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.base.safe_parsing import BPMN, local
from engine.bpmn.drawing import read_drawing
from engine.bpmn.kinds import ARTIFACTS, FLOW, NODES

SHAPES = NODES | ARTIFACTS | {"lane", "participant"}
EDGES = (FLOW, "messageFlow", "association")
_DATA = ("dataInputAssociation", "dataOutputAssociation")
CONNECTIONS = (*EDGES, *_DATA)


def shown(root: etree._Element) -> set[str]:
    """Ids of the elements that are there and have a shape with a box, or an edge of two points or more."""
    return read_drawing(root).shown & {element.get("id", "") for element in _semantic(root)} - {""}


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


def _semantic(root: etree._Element) -> Iterator[etree._Element]:
    return root.iter(f"{{{BPMN}}}*")


def _name(reference: str) -> str:
    """The id in a qualified name."""
    return reference.rpartition(":")[2]
