"""The drawing as BPMN diagram interchange, written back into the file."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from engine.layout.draw import HEADER, Drawing, draw_scope
from engine.layout.labels import Box
from engine.layout.model import Scope, read_scope
from engine.layout.text import text_width
from engine.xml import BPMN, BPMNDI, DC, DI, children

ORIGIN = 160, 80
POOL_GAP = 40


@dataclass
class _Pool:
    """A participant and what is drawn in it; a black box has no scope."""

    participant: etree._Element
    scope: Scope | None
    drawing: Drawing
    depth: int


def redraw(root: etree._Element) -> None:
    """Replace all diagrams of a BPMN file by one complete drawing (in place)."""
    for old in root.findall(f"{{{BPMNDI}}}BPMNDiagram"):
        root.remove(old)
    processes = {p.get("id", ""): p for p in children(root, "process")}
    with_lanes = [p for p in processes.values() if p.find(f"{{{BPMN}}}laneSet/{{{BPMN}}}lane") is not None]
    collaboration = next(children(root, "collaboration"), None)
    if collaboration is None and (with_lanes or len(processes) > 1):
        collaboration = _add_collaboration(root, list(processes.values()))
    if collaboration is None:
        for process in processes.values():
            drawing = Drawing()
            drawing.add(draw_scope(read_scope(process)), *ORIGIN)
            _write(root, process.get("id", ""), drawing, {})
        return
    drawing = Drawing()
    x, y = ORIGIN
    pools = [_pool(participant, processes) for participant in children(collaboration, "participant")]
    width = max((HEADER * pool.depth + pool.drawing.width for pool in pools), default=600)
    horizontal: dict[str, bool] = {}
    for pool in pools:
        _add_pool(drawing, pool, x, y, width, horizontal)
        y += pool.drawing.height + POOL_GAP
    _message_flows(collaboration, drawing)
    _write(root, collaboration.get("id", ""), drawing, horizontal)


def _add_collaboration(root: etree._Element, processes: list[etree._Element]) -> etree._Element:
    first = processes[0].get("id", "")
    collaboration = etree.Element(f"{{{BPMN}}}collaboration", {"id": f"Collaboration_{first}"})
    collaboration.text, collaboration.tail = "\n    ", "\n  "
    for process in processes:
        ident = process.get("id", "")
        participant = etree.SubElement(
            collaboration,
            f"{{{BPMN}}}participant",
            {"id": f"Participant_{ident}", "name": process.get("name", ident), "processRef": ident},
        )
        participant.tail = "\n    " if process is not processes[-1] else "\n  "
    root.insert(root.index(processes[0]), collaboration)
    return collaboration


def _pool(participant: etree._Element, processes: dict[str, etree._Element]) -> _Pool:
    process = processes.get(participant.get("processRef", "").rpartition(":")[2])
    if process is None:
        return _Pool(participant, None, Drawing(width=300, height=60), 1)
    scope = read_scope(process)
    drawing = draw_scope(scope)
    drawing.height = max(drawing.height, text_width(participant.get("name", "")) + 20)
    if scope.lanes:
        # the last lane takes what notes or a long pool name add below
        last = scope.lanes[-1].id
        band = drawing.bands[last]
        drawing.bands[last] = Box(band.x, band.y, band.width, drawing.height - band.y)
    depth = 1 + max((len(lane.parents) + 1 for lane in scope.lanes), default=0)
    return _Pool(participant, scope, drawing, depth)


def _add_pool(drawing: Drawing, pool: _Pool, x: int, y: int, width: int, horizontal: dict[str, bool]) -> None:
    ident = pool.participant.get("id", "")
    height = pool.drawing.height
    drawing.bands[ident] = Box(x, y, width, height)
    horizontal[ident] = True
    left = x + HEADER * pool.depth
    bands = pool.drawing.bands
    pool.drawing.bands = {}
    drawing.add(pool.drawing, left, y)
    spans: dict[str, tuple[int, int, int]] = {}
    for lane in pool.scope.lanes if pool.scope is not None else []:
        top, bottom = y + bands[lane.id].y, y + bands[lane.id].bottom
        for level, (parent, _) in enumerate(lane.parents):
            first, last, _ = spans.get(parent, (top, bottom, 0))
            spans[parent] = (min(first, top), max(last, bottom), x + HEADER * (level + 1))
        spans[lane.id] = (top, bottom, x + HEADER * (len(lane.parents) + 1))
    # parents before their lanes, so that the inner ones are drawn on top
    for lane_id, (top, bottom, at) in sorted(spans.items(), key=lambda item: item[1][2]):
        drawing.bands[lane_id] = Box(at, top, x + width - at, bottom - top)
        horizontal[lane_id] = True


def _message_flows(collaboration: etree._Element, drawing: Drawing) -> None:
    boxes = drawing.bands | drawing.shapes
    for flow in children(collaboration, "messageFlow"):
        source, target = boxes.get(flow.get("sourceRef", "")), boxes.get(flow.get("targetRef", ""))
        if source is None or target is None:
            continue
        down = source.y < target.y
        start_x = source.x + source.width // 2 if source.width < 400 else target.x + target.width // 2
        end_x = target.x + target.width // 2 if target.width < 400 else start_x
        start, end = (source.bottom, target.y) if down else (source.y, target.bottom)
        middle = (start + end) // 2
        way = [(start_x, start), (start_x, middle), (end_x, middle), (end_x, end)]
        drawing.edges[flow.get("id", "")] = way if start_x != end_x else [way[0], way[-1]]


def _write(root: etree._Element, plane_of: str, drawing: Drawing, horizontal: dict[str, bool]) -> None:
    known = {uri for uri in root.nsmap.values() if uri}
    missing = {"bpmndi": BPMNDI, "dc": DC, "di": DI}
    nsmap = {prefix: uri for prefix, uri in missing.items() if uri not in known}
    diagram = etree.Element(f"{{{BPMNDI}}}BPMNDiagram", {"id": f"BPMNDiagram_{plane_of}"}, nsmap=nsmap)
    plane = etree.SubElement(
        diagram, f"{{{BPMNDI}}}BPMNPlane", {"id": f"BPMNPlane_{plane_of}", "bpmnElement": plane_of}
    )
    for ident, box in drawing.bands.items():
        shape = _shape(plane, ident, box)
        if horizontal.get(ident):
            shape.set("isHorizontal", "true")
    for ident, box in sorted(drawing.shapes.items(), key=lambda item: item[0] not in drawing.expanded):
        shape = _shape(plane, ident, box)
        if ident in drawing.expanded:
            shape.set("isExpanded", "true")
        _label(shape, drawing.labels.get(ident))
    for ident, way in drawing.edges.items():
        edge = etree.SubElement(plane, f"{{{BPMNDI}}}BPMNEdge", {"id": f"{ident}_di", "bpmnElement": ident})
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


def _shape(plane: etree._Element, ident: str, box: Box) -> etree._Element:
    shape = etree.SubElement(plane, f"{{{BPMNDI}}}BPMNShape", {"id": f"{ident}_di", "bpmnElement": ident})
    _bounds(shape, box)
    return shape


def _label(element: etree._Element, box: Box | None) -> None:
    if box is not None:
        _bounds(etree.SubElement(element, f"{{{BPMNDI}}}BPMNLabel"), box)


def _bounds(element: etree._Element, box: Box) -> None:
    etree.SubElement(
        element,
        f"{{{DC}}}Bounds",
        {"x": str(box.x), "y": str(box.y), "width": str(box.width), "height": str(box.height)},
    )
