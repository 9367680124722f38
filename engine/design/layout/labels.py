"""Labels beside shapes and flows: the first of several places where they touch nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from engine.bpmn.drawing import Box, Point, Way

from .model import Flow, Node, Scope
from .text import label_size


def place_labels(
    scope: Scope, shapes: dict[str, Box], edges: dict[str, Way], area: Box, borders: list[int]
) -> tuple[dict[str, Box], int]:
    """Boxes of all outside labels of a scope, and the number of those that touch something.

    ``borders`` are the heights of lines between lanes, which labels avoid like flows.
    """
    labels: dict[str, Box] = {}
    segments = [(a, b) for way in edges.values() for a, b in pairwise(way)]
    segments += [((area.x, y), (area.right, y)) for y in borders]
    problems = 0

    def take(ident: str, candidates: Iterator[Box]) -> None:
        nonlocal problems
        best: tuple[int, Box] | None = None
        for index, box in enumerate(candidates):
            price = index
            price += 1000 * sum(box.overlaps(other) for other in shapes.values())
            price += 1000 * sum(box.overlaps(other) for other in labels.values())
            price += 1000 * sum(box.crossed_by(a, b) for a, b in segments)
            price += 0 if area.contains(box) else 2000
            if best is None or price < best[0]:
                best = (price, box)
            if price < 1000:
                break
        if best is not None:
            labels[ident] = best[1]
            problems += best[0] >= 1000

    for node in scope.all_nodes():
        if node.label_outside:
            take(node.id, _around(node, shapes[node.id]))
    for flow in scope.flows:
        if flow.name and flow.id in edges:
            siblings = [edges[f.id] for f in scope.flows if f.source is flow.source and f is not flow]
            own = _own_parts(edges[flow.id], siblings)
            take(flow.id, _along(flow, own, trunk=own[0] != edges[flow.id][0]))
    return labels, problems


def _around(node: Node, box: Box) -> Iterator[Box]:
    width, height = label_size(node.name)
    centre = box.x + box.width // 2
    below = Box(centre - width // 2, box.bottom + 4, width, height)
    above = Box(centre - width // 2, box.y - height - 4, width, height)
    quarter = box.height // 4 if node.is_gateway else 4
    beside = [
        Box(centre + 8, box.bottom - quarter + 2, width, height),
        Box(centre - 8 - width, box.bottom - quarter + 2, width, height),
        Box(centre + 8, box.y + quarter - 2 - height, width, height),
        Box(centre - 8 - width, box.y + quarter - 2 - height, width, height),
    ]
    if node.host is not None:
        yield from (candidate.moved(0, 4 + quarter) for candidate in beside[:2])
        yield from (candidate.moved(0, 6 + height) for candidate in beside[:2])
    elif node.is_gateway:
        yield from (above, below, *beside[2:], *beside[:2])
    else:
        yield from (below, above, *beside)
    for step in (8, 20, 36, 60):
        yield from (above.moved(0, -step), below.moved(0, step))
        yield beside[0].moved(step, step)
        yield beside[1].moved(-step, step)


def _own_parts(way: Way, siblings: list[Way]) -> Way:
    """The way from where it parts from all its siblings."""
    for index, (a, b) in enumerate(pairwise(way)):
        at = a
        for other in siblings:
            for c, d in pairwise(other):
                for axis in (0, 1):
                    if a[axis] == b[axis] == c[axis] == d[axis]:
                        at = _farther(a, b, at, c, d, 1 - axis)
        if at != b:
            return [at, *way[index + 1 :]]
    return way


def _farther(a: Point, b: Point, at: Point, c: Point, d: Point, axis: int) -> Point:
    """``at`` moved along ``a``-``b`` past the part shared with ``c``-``d``."""
    sign = 1 if b[axis] > a[axis] else -1
    low, high = sorted((c[axis] * sign, d[axis] * sign))
    here = at[axis] * sign
    if low <= here < high:
        here = min(high, b[axis] * sign)
    moved = list(at)
    moved[axis] = here * sign
    return moved[0], moved[1]


def _along(flow: Flow, way: Way, trunk: bool) -> Iterator[Box]:
    """Places near the start of the flow first; above or right of the line before below or left of it.

    Behind a ``trunk`` shared with others the last stretch comes first, or a place well past the fork.
    """
    width, height = label_size(flow.name)
    (x1, y1), (x2, y2) = way[-2], way[-1]
    if trunk and y1 == y2 and x2 - x1 >= width + 12:
        yield Box(x2 - 12 - width, y1 - height - 3, width, height)
    (x1, y1), (x2, y2) = way[0], way[1]
    if trunk and x1 == x2 and abs(y2 - y1) >= height + 24:
        away = min(36, abs(y2 - y1) - height - 10)
        y = y1 + away if y2 > y1 else y1 - away - height
        yield Box(x1 + 5, y, width, height)
        yield Box(x1 - 5 - width, y, width, height)
    for distance in (6, 14, 26, 44, 70):
        for (x1, y1), (x2, y2) in pairwise(way):
            if y1 == y2 and abs(x2 - x1) >= width + distance:
                x = x1 + distance if x2 > x1 else x1 - distance - width
                yield Box(x, y1 - height - 3, width, height)
                yield Box(x, y1 + 4, width, height)
            elif x1 == x2 and abs(y2 - y1) >= height + distance - 6:
                y = y1 + distance if y2 > y1 else y1 - distance - height
                yield Box(x1 + 5, y, width, height)
                yield Box(x1 - 5 - width, y, width, height)
    (x1, y1) = way[0]
    for distance in (6, 20, 40):
        yield Box(x1 + distance, y1 - height - 3, width, height)
        yield Box(x1 + distance, y1 + 4, width, height)
        yield Box(x1 - distance - width, y1 + 4, width, height)
