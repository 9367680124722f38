"""What is wrong with a drawing: overlaps, flows through foreign shapes, names that cannot be read.

Works on the diagram interchange in the file, whoever drew it. How much room a name takes is measured as
bpmn-js breaks it into lines (:mod:`engine.design.layout.text`), not taken from the box the file gives it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from lxml import etree

from engine.bpmn.drawing import Box, Point
from engine.bpmn.kinds import CONTAINERS, EVENTS, GATEWAYS, KINDS, TASKS
from engine.bpmn.model import DrawnProcess
from engine.bpmn.reading import read_diagram

from .drawn import Drawn, Part, is_flow
from .text import LABEL_WIDTH, LINE_HEIGHT, text_width, wrapped

#: px between the text of a task and its edge; px its icon, or the marker of a called process, takes away
PAD, ICON, MARKER = 7, 24, 22
#: px a flow may end before the edge of its shape, or inside it
NEAR = 6
#: height of the strip in which an open sub-process shows its name
TITLE = 22


@dataclass(frozen=True)
class Fault:
    """One fault of a drawing.

    ``kind`` is ``missing``, ``overlap``, ``lane``, ``through``, ``along``, ``loose``, ``label`` or ``clipped``.
    """

    kind: str
    element: str
    message: str


def check_drawing(root: etree._Element) -> list[Fault]:
    """All faults of the drawing in a BPMN file, in a fixed order."""
    faults: list[Fault] = []
    model = read_diagram(root, "")
    for process in model.processes:
        drawn = Drawn(model.drawing, process)
        for check in (_missing, _overlaps, _flows, _labels, _texts):
            faults += check(drawn)
        faults += _lanes(process, drawn)
    return faults


def _missing(drawn: Drawn) -> Iterator[Fault]:
    for part in drawn.parts.values():
        if is_flow(part):
            if part.id not in drawn.flows:
                yield Fault("missing", part.id, "the flow is not drawn")
        elif part.id not in drawn.steps:
            yield Fault("missing", part.id, "is not drawn")
        if part.name and part.id not in drawn.labels and _name_beside(part):
            yield Fault("missing", part.id, "its name has no place")


def _name_beside(part: Part) -> bool:
    return is_flow(part) or part.kind in EVENTS or part.kind in GATEWAYS


def _overlaps(drawn: Drawn) -> Iterator[Fault]:
    for (one, a), (two, b) in combinations(drawn.steps.items(), 2):
        if not a.overlaps(b) or not drawn.together(one, two):
            continue
        first, second = drawn.parts[one], drawn.parts[two]
        if one in second.around or two in first.around or one in second.ends or two in first.ends:
            continue
        yield Fault("overlap", one, f"overlaps {two}")
    for ident, box in drawn.steps.items():
        part = drawn.parts[ident]
        frame = drawn.steps.get(drawn.frame_of(part))
        if frame is not None and not frame.contains(box):
            yield Fault("overlap", ident, f"is drawn outside {drawn.frame_of(part)}")


def _flows(drawn: Drawn) -> Iterator[Fault]:
    for ident, way in drawn.flows.items():
        part = drawn.parts[ident]
        ends = set(part.ends)
        for end, point in zip(part.ends, (way[0], way[-1]), strict=True):
            box = drawn.steps.get(end)
            if box is not None and not _touches(box, point):
                yield Fault("loose", ident, f"does not touch {end}")
            if end in drawn.parts and drawn.parts[end].kind == "boundaryEvent":
                ends.add(drawn.parts[end].ends[0])
        for other, box in drawn.steps.items():
            if other in ends or other in part.around or not drawn.together(ident, other):
                continue
            if _crossed(box, way):
                yield Fault("through", ident, f"runs through {other}")
    for (one, a), (two, b) in combinations(drawn.flows.items(), 2):
        if any(x == y for x, y in zip(drawn.parts[one].ends, drawn.parts[two].ends, strict=True)):
            continue
        if drawn.together(one, two) and any(_along(p, q) for p in pairwise(a) for q in pairwise(b)):
            yield Fault("along", one, f"lies on {two}, with which it shares no end")


def _touches(box: Box, point: Point) -> bool:
    spot = Box(*point, 0, 0)
    return box.grown(NEAR).contains(spot) and not box.grown(-NEAR).contains(spot)


def _crossed(box: Box, way: Iterable[Point]) -> bool:
    return any(box.crossed_by(a, b) for a, b in pairwise(way))


def _along(one: tuple[Point, Point], two: tuple[Point, Point]) -> bool:
    """True when two stretches lie on one horizontal or vertical line and share a part of it."""
    for axis in (0, 1):
        if len({point[axis] for point in (*one, *two)}) == 1:
            (a, b), (c, d) = (sorted(point[1 - axis] for point in pair) for pair in (one, two))
            return min(b, d) > max(a, c)
    return False


def _labels(drawn: Drawn) -> Iterator[Fault]:
    """Names beside their element: on nothing else, and nothing on them."""
    texts = {ident: _text_box(drawn.parts[ident].name, box) for ident, box in drawn.labels.items()}
    for (one, a), (two, b) in combinations(texts.items(), 2):
        if a.overlaps(b) and drawn.together(one, two):
            yield Fault("label", one, f"the label overlaps that of {two}")
    for ident, text in texts.items():
        part = drawn.parts[ident]
        if not drawn.labels[ident].grown(NEAR).contains(text):
            yield Fault("clipped", ident, "the label needs more room than its box has")
        for other, box in drawn.steps.items():
            if not drawn.together(ident, other):
                continue
            if other in part.around:
                inside = Box(box.x, box.y + TITLE, box.width, box.height - TITLE)
                if other in drawn.open and not inside.contains(text):
                    yield Fault("label", ident, f"the label leaves {other}")
            elif text.overlaps(box):
                yield Fault("label", ident, f"the label overlaps {other}")
        for other, way in drawn.flows.items():
            if drawn.together(ident, other) and _crossed(text, way):
                yield Fault("label", ident, f"the label is crossed by {other}")
        for lane, box in drawn.bands.items():
            if not part.around and _crossed(text, box.outline):
                yield Fault("label", ident, f"the label is crossed by the edge of lane {drawn.lanes[lane]}")


def _text_box(name: str, label: Box) -> Box:
    """Where bpmn-js writes a name: centred at the top of its label, never wrapped narrower than it does."""
    lines = wrapped(name, max(label.width, LABEL_WIDTH) + PAD)
    width = min(max(map(text_width, lines)), max(label.width, LABEL_WIDTH))
    return Box(label.x + (label.width - width) // 2, label.y, width, LINE_HEIGHT * len(lines))


def _texts(drawn: Drawn) -> Iterator[Fault]:
    """Names inside their element: wholly readable."""
    for ident, box in drawn.steps.items():
        part = drawn.parts[ident]
        if part.kind in TASKS or (part.kind in CONTAINERS and ident not in drawn.open):
            lines = wrapped(part.name, box.width - 2 * PAD)
            free = box.height - 2 * PAD
            kind = KINDS[part.kind]
            if not kind.idle and max(map(text_width, lines)) > box.width - 2 * ICON:
                # bpmn-js draws the kind of a task top left, and the plus of what can be opened below
                free = box.height - 2 * (MARKER if kind.steps_inside else ICON)
            if LINE_HEIGHT * len(lines) > max(free, LINE_HEIGHT):
                yield Fault("clipped", ident, "its name needs more room than its shape has")
        elif part.kind in CONTAINERS and text_width(part.name) > box.width - 2 * PAD:
            yield Fault("clipped", ident, "its name is wider than its shape")
    for lane, box in drawn.bands.items():
        if text_width(drawn.lanes[lane]) > box.height:
            yield Fault("clipped", lane, "the lane is lower than its name is long")


def _lanes(process: DrawnProcess, drawn: Drawn) -> Iterator[Fault]:
    # a sub-process may span the lanes of its steps, which are drawn where it is,
    # and a boundary event sits on its activity whatever lane lists it
    loose = ("subProcess", "boundaryEvent")
    own = {node.id for node in process.scope.nodes.values() if node.kind not in loose}
    for lane in process.all_lanes:
        ident = lane.id
        band = drawn.bands.get(ident)
        if band is None:
            yield Fault("missing", ident, "the lane is not drawn")
            continue
        for step in lane.refs:
            box = drawn.shapes.get(step) if step in own else None
            if box is not None and not band.contains(box):
                yield Fault("lane", step, f"is drawn outside lane {drawn.lanes[ident]}")
