"""What the processes' own drawings leave: flows between pools, notes beside them, data, groups, ties of any kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lxml import etree

from engine.base.safe_parsing import BPMN, children, local
from engine.bpmn.drawing import Box, Point, Way
from engine.bpmn.kinds import ARTIFACTS

from .draw import Drawing
from .shown import CONNECTIONS, ends
from .text import label_size

#: data of a process or step that only some files draw
_PORTS = frozenset({"dataInput", "dataOutput"})
_DATA_SIZE = 36, 50
#: px between the drawing and what stands below it, and between things that stand there
GAP = 40
#: px around what a group holds
GROUP_PAD = 12


def draw_rest(owners: Sequence[etree._Element], drawing: Drawing, stood: Mapping[str, Box]) -> None:
    """Add to ``drawing`` what it lacks of ``owners`` (a collaboration and its processes, or one process).

    ``stood`` is where things were drawn before: ports are drawn where the file draws them, and a group is what it
    held then.
    """
    _stand(owners, drawing, stood)
    _group(owners, drawing, stood)
    for owner in owners:
        _message_flows(owner, drawing)
    edges = [edge for owner in owners for kind in CONNECTIONS for edge in owner.iter(f"{{{BPMN}}}{kind}")]
    for _ in range(2):  # a tie may end on another
        _tie(edges, drawing)


def _stand(owners: Sequence[etree._Element], drawing: Drawing, stood: Mapping[str, Box]) -> None:
    """Notes and data in a row below everything else."""
    left, top = min((box.x for box in drawing.bands.values()), default=GAP), drawing.height + GAP
    for part in _parts(owners):
        ident, kind = part.get("id", ""), local(part)
        if ident in drawing.shapes or not (kind in ARTIFACTS or (kind in _PORTS and ident in stood)):
            continue
        note = kind == "textAnnotation"
        text = (part.findtext(f"{{{BPMN}}}text") or "") if note else part.get("name", "")
        wide, high = label_size(text)
        width, height = (wide + 20, high + 20) if note else _DATA_SIZE
        box = drawing.shapes[ident] = Box(left, top, width, height)
        if text and not note:
            drawing.labels[ident] = Box(box.x + (width - wide) // 2, box.bottom + 4, wide, high)
        left = box.x + max(width, wide) + GAP


def _parts(owners: Sequence[etree._Element]) -> Iterator[etree._Element]:
    return (part for owner in owners for part in owner.iter(f"{{{BPMN}}}*") if part.get("id"))


def _group(owners: Sequence[etree._Element], drawing: Drawing, stood: Mapping[str, Box]) -> None:
    """Groups around what they held before, where that stands together still."""
    for part in _parts(owners):
        ident = part.get("id", "")
        old = stood.get(ident)
        if local(part) != "group" or old is None:
            continue
        held = [other for other, box in stood.items() if other in drawing.shapes and old.contains(box)]
        if not held:
            continue
        inside = [drawing.shapes[other] for other in held]
        left, top = min(box.x for box in inside), min(box.y for box in inside)
        right, bottom = max(box.right for box in inside), max(box.bottom for box in inside)
        new = Box(left, top, right - left, bottom - top).grown(GROUP_PAD)
        strangers = (box for other, box in drawing.shapes.items() if other in stood and other not in held)
        if not any(new.contains(box) for box in strangers):
            drawing.shapes[ident] = new


def _message_flows(collaboration: etree._Element, drawing: Drawing) -> None:
    boxes = drawing.bands | drawing.shapes
    pools = _pool_of(collaboration)
    for flow in children(collaboration, "messageFlow"):
        # a step of a process that another sheet shows stands here as its pool
        found = [boxes.get(end) or boxes.get(pools.get(end, "")) for end in ends(flow)]
        source, target = found
        if source is None or target is None:
            continue
        down = source.y < target.y
        start_x = source.x + source.width // 2 if source.width < 400 else target.x + target.width // 2
        end_x = target.x + target.width // 2 if target.width < 400 else start_x
        start, end = (source.bottom, target.y) if down else (source.y, target.bottom)
        middle = (start + end) // 2
        way = [(start_x, start), (start_x, middle), (end_x, middle), (end_x, end)]
        drawing.edges[flow.get("id", "")] = way if start_x != end_x else [way[0], way[-1]]


def _pool_of(collaboration: etree._Element) -> dict[str, str]:
    """The pool of each step, by the process it is in."""
    root = collaboration.getparent()
    pools = {
        pool.get("processRef", "").rpartition(":")[2]: pool.get("id", "")
        for pool in children(collaboration, "participant")
    }
    return {
        part.get("id", ""): pools.get(process.get("id", ""), "")
        for process in (children(root, "process") if root is not None else ())
        for part in process.iter(f"{{{BPMN}}}*")
    }


def _tie(edges: Sequence[etree._Element], drawing: Drawing) -> None:
    """Straight lines for what connects two things that are drawn and has no way yet."""
    for edge in edges:
        ident = edge.get("id", "")
        if not ident or ident in drawing.edges:
            continue
        source, target = (_place(end, drawing) for end in ends(edge))
        if source is not None and target is not None:
            drawing.edges[ident] = _line(source, target)


def _place(ident: str, drawing: Drawing) -> Box | None:
    """The box of a thing; of a flow, the middle of its way."""
    way = drawing.edges.get(ident)
    if way is not None:
        (ax, ay), (bx, by) = way[(len(way) - 1) // 2], way[(len(way) - 1) // 2 + 1]
        return Box((ax + bx) // 2, (ay + by) // 2, 0, 0)
    return drawing.shapes.get(ident) or drawing.bands.get(ident)


def _line(source: Box, target: Box) -> Way:
    if source == target:  # around its upper right corner
        x, y = source.x + source.width // 2, source.y + source.height // 2
        right, top = source.right + 20, source.y - 20
        return [(source.right, y), (right, y), (right, top), (x, top), (x, source.y)]
    return [_edge_towards(source, target), _edge_towards(target, source)]


def _edge_towards(box: Box, other: Box) -> Point:
    """Where the line between two middles leaves ``box``."""
    x, y = box.x + box.width / 2, box.y + box.height / 2
    dx, dy = other.x + other.width / 2 - x, other.y + other.height / 2 - y
    reach = min(
        (half / abs(step) for half, step in ((box.width / 2, dx), (box.height / 2, dy)) if step), default=0.0
    )
    return round(x + dx * min(reach, 1)), round(y + dy * min(reach, 1))
