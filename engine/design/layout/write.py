"""The drawing as BPMN diagram interchange, written back into the file."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from engine.base.safe_parsing import BPMNDI, DC, DI, children
from engine.bpmn.drawing import Box, read_drawing
from engine.bpmn.reading import read_diagram

from .draw import Drawing, draw_scope
from .model import scope_of
from .pools import ORIGIN, collaborations, draw_pools
from .rest import draw_rest

Marks = Mapping[str, Mapping[str, str]]  #: attributes of the old drawing that stay, by element


def redraw(root: etree._Element) -> None:
    """Replace all diagrams of a BPMN file by a complete drawing (in place): one sheet for each collaboration."""
    old_drawing = read_drawing(root)
    stay, stood = old_drawing.looks, old_drawing.boxes
    for old in root.findall(f"{{{BPMNDI}}}BPMNDiagram"):
        root.remove(old)
    done: set[str] = set()
    for collaboration in collaborations(root):
        before = set(done)
        drawing = draw_pools(root, collaboration, done)
        own = [p for p in children(root, "process") if p.get("id") in done - before]
        draw_rest([collaboration, *own], drawing, stood)
        _write(root, collaboration.get("id", ""), drawing, stay)
    if done:
        return
    for process in read_diagram(root, "").processes:
        drawing, content = Drawing(), draw_scope(scope_of(process.scope))
        drawing.add(content, *ORIGIN)
        drawing.width, drawing.height = content.width + ORIGIN[0], content.height + ORIGIN[1]
        draw_rest([process.element], drawing, stood)
        _write(root, process.id, drawing, stay)


def _write(root: etree._Element, plane_of: str, drawing: Drawing, stay: Marks) -> None:
    known = {uri for uri in root.nsmap.values() if uri}
    missing = {"bpmndi": BPMNDI, "dc": DC, "di": DI}
    nsmap = {prefix: uri for prefix, uri in missing.items() if uri not in known}
    diagram = etree.Element(f"{{{BPMNDI}}}BPMNDiagram", {"id": f"BPMNDiagram_{plane_of}"}, nsmap=nsmap)
    plane = etree.SubElement(
        diagram, f"{{{BPMNDI}}}BPMNPlane", {"id": f"BPMNPlane_{plane_of}", "bpmnElement": plane_of}
    )
    for ident, box in drawing.bands.items():
        shape = _shape(plane, ident, box, stay)
        shape.set("isHorizontal", "true")
    for ident, box in sorted(drawing.shapes.items(), key=lambda item: item[0] not in drawing.expanded):
        shape = _shape(plane, ident, box, stay)
        if ident in drawing.expanded:
            shape.set("isExpanded", "true")
        _label(shape, drawing.labels.get(ident))
    for ident, way in drawing.edges.items():
        edge = etree.SubElement(plane, f"{{{BPMNDI}}}BPMNEdge", {"id": f"{ident}_di", "bpmnElement": ident})
        _mark(edge, stay.get(ident, {}))
        for x, y in way:
            etree.SubElement(edge, f"{{{DI}}}waypoint", {"x": str(x), "y": str(y)})
        _label(edge, drawing.labels.get(ident))
    # before any relationship, the only thing the schema allows after a diagram
    diagrams = root.findall(f"{{{BPMNDI}}}BPMNDiagram")
    after = diagrams[-1] if diagrams else _last_root_element(root)
    root.insert(root.index(after) + 1 if after is not None else 0, diagram)
    etree.indent(diagram, level=1)
    if after is not None and not (after.tail or "").strip():
        after.tail = "\n  "
    diagram.tail = "\n"


def _last_root_element(root: etree._Element) -> etree._Element | None:
    found = [child for child in children(root) if not child.tag.endswith("}relationship")]
    return found[-1] if found else None


def _shape(plane: etree._Element, ident: str, box: Box, stay: Marks) -> etree._Element:
    shape = etree.SubElement(plane, f"{{{BPMNDI}}}BPMNShape", {"id": f"{ident}_di", "bpmnElement": ident})
    _mark(shape, stay.get(ident, {}))
    _bounds(shape, box)
    return shape


def _mark(part: etree._Element, attributes: Mapping[str, str]) -> None:
    for key, value in attributes.items():
        part.set(key, value)


def _label(element: etree._Element, box: Box | None) -> None:
    if box is not None:
        _bounds(etree.SubElement(element, f"{{{BPMNDI}}}BPMNLabel"), box)


def _bounds(element: etree._Element, box: Box) -> None:
    etree.SubElement(
        element,
        f"{{{DC}}}Bounds",
        {"x": str(box.x), "y": str(box.y), "width": str(box.width), "height": str(box.height)},
    )
