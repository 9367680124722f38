"""From scopes to boxes, waypoints and labels."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.bpmn.drawing import Box

from .grid import Grid, boundary_offset
from .labels import place_labels
from .model import EVENT_SIZE, Artifact, Node, Scope
from .place import Placement, place
from .ports import Port
from .route import NoWayError, Router
from .text import label_size, text_width

#: room around the content of an expanded sub-process; the title stands at the top
INNER_PAD = 10
TITLE = 28
HEADER = 30


@dataclass
class Drawing:
    """Everything drawn, in px; boxes by element id. ``expanded`` are open sub-processes, ``bands`` lanes."""

    width: int = 0
    height: int = 0
    shapes: dict[str, Box] = field(default_factory=dict)
    bands: dict[str, Box] = field(default_factory=dict)
    edges: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    labels: dict[str, Box] = field(default_factory=dict)
    expanded: set[str] = field(default_factory=set)

    def add(self, other: Drawing, dx: int, dy: int) -> None:
        """Take over another drawing, moved by (dx, dy)."""
        self.shapes |= {key: box.moved(dx, dy) for key, box in other.shapes.items()}
        self.bands |= {key: box.moved(dx, dy) for key, box in other.bands.items()}
        self.labels |= {key: box.moved(dx, dy) for key, box in other.labels.items()}
        self.edges |= {key: [(x + dx, y + dy) for x, y in way] for key, way in other.edges.items()}
        self.expanded |= other.expanded


def draw_scope(scope: Scope) -> Drawing:
    """Drawing of one process or sub-process at the origin, its sub-processes drawn inside."""
    inner: dict[Node, Drawing] = {}
    for node in scope.nodes:
        if node.inner is not None:
            content = inner[node] = draw_scope(node.inner)
            node.width = max(content.width + 2 * INNER_PAD, text_width(node.name) + 40, node.width)
            node.height = content.height + TITLE + INNER_PAD
    placement = place(scope)
    drawing, problems = Drawing(), 0
    for slack in (0, 24, 60, 120):
        candidate = _attempt(scope, placement, slack)
        if slack == 0 or candidate[1] < problems:
            drawing, problems = candidate
        if problems == 0:
            break
    for node, content in inner.items():
        box = drawing.shapes[node.id]
        drawing.expanded.add(node.id)
        drawing.add(content, box.x + (box.width - content.width) // 2, box.y + TITLE)
    _draw_artifacts(scope.artifacts, drawing)
    return drawing


def _attempt(scope: Scope, placement: Placement, slack: int) -> tuple[Drawing, int]:
    """One drawing with ``slack`` px more room, and how many labels found no clean place."""
    grid, router = _routed(scope, placement, slack)
    grid.settle(*router.used_lines())
    drawing = Drawing(grid.width, grid.height)
    for node in scope.nodes:
        x, y = grid.column_x[placement.column[node]], grid.row_y[placement.row[node]]
        drawing.shapes[node.id] = Box(x - node.width // 2, y - node.height // 2, node.width, node.height)
        for index, event in enumerate(node.boundary):
            left = x + boundary_offset(node, index) - EVENT_SIZE // 2
            bottom = y - node.height // 2 + node.height
            drawing.shapes[event.id] = Box(left, bottom - EVENT_SIZE // 2, EVENT_SIZE, EVENT_SIZE)
    for flow, (leave, points, arrive) in router.ways.items():
        way = [(grid.x[x], grid.y[y]) for x, y in points]
        way = [_end(drawing.shapes[leave.node.id], leave, way[0]), *way]
        way.append(_end(drawing.shapes[arrive.node.id], arrive, way[-1]))
        drawing.edges[flow.id] = _straight(way)
    for lane, (top, bottom) in zip(scope.lanes, grid.lane_bands(), strict=False):
        drawing.bands[lane.id] = Box(0, top, grid.width, bottom - top)
    drawing.labels, problems = place_labels(
        scope,
        drawing.shapes,
        drawing.edges,
        Box(0, 0, grid.width, grid.height),
        [bottom for _, bottom in grid.lane_bands()[:-1]],
    )
    return drawing, problems


def _routed(scope: Scope, placement: Placement, slack: int) -> tuple[Grid, Router]:
    """Grid with just enough tracks for every flow to find a way."""
    for tracks in (4, 8, 16):
        grid = Grid(scope, placement, tracks, slack)
        try:
            return grid, Router(grid)
        except NoWayError:
            continue
    grid = Grid(scope, placement, 8, slack)
    return grid, Router(grid, strict=False)


def _end(box: Box, port: Port, towards: tuple[int, int]) -> tuple[int, int]:
    """Where a flow touches its shape."""
    if port.side == "right":
        return box.x + box.width, towards[1]
    if port.side == "left":
        return box.x, towards[1]
    if port.side == "top":
        return towards[0], box.y
    return towards[0], box.y + box.height


def _straight(way: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The way without points that lie on a straight line between their neighbours."""
    result: list[tuple[int, int]] = []
    for point in way:
        if result and point == result[-1]:
            continue
        if len(result) > 1 and (
            result[-2][0] == result[-1][0] == point[0] or result[-2][1] == result[-1][1] == point[1]
        ):
            result[-1] = point
        else:
            result.append(point)
    return result


def _draw_artifacts(artifacts: list[Artifact], drawing: Drawing) -> None:
    """Notes and data in a strip under the flow, each as near as possible below what it belongs to."""
    if not artifacts:
        return
    right, top, lowest = 20, drawing.height + 10, drawing.height
    order = sorted(
        artifacts,
        key=lambda a: min((drawing.shapes[ref].x for _, ref in a.ties if ref in drawing.shapes), default=0),
    )
    for artifact in order:
        label_width, label_height = label_size(artifact.text)
        if artifact.kind == "textAnnotation":
            width, height = min(180, label_width + 20), label_height + 20
        else:
            width, height = 50, 50
        tied = [drawing.shapes[ref].x for _, ref in artifact.ties if ref in drawing.shapes]
        x = max(right, tied[0] if tied else right)
        box = drawing.shapes[artifact.id] = Box(x, top, width, height)
        right = box.right + 24
        lowest = max(lowest, box.bottom)
        if artifact.kind != "textAnnotation" and artifact.text:
            drawing.labels[artifact.id] = Box(
                box.x + 25 - label_width // 2, box.bottom + 4, label_width, label_height
            )
            right, lowest = max(right, box.x + 100), max(lowest, box.bottom + 4 + label_height)
        for tie, ref in artifact.ties:
            if ref in drawing.shapes:
                target = drawing.shapes[ref]
                drawing.edges[tie] = [
                    (box.x + min(20, width // 2), box.y),
                    (target.x + target.width // 2, target.bottom),
                ]
    drawing.width, drawing.height = max(drawing.width, right), lowest + 10
