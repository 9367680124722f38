"""Orthogonal routing: each flow takes the cheapest free way over the grid's lines.

A way may cross another flow straight (at a price) but never run along it, unless the two leave the same
element or arrive at the same element. Shapes are never crossed: lines end at occupied cells.
"""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from itertools import pairwise, product

from .grid import Grid
from .model import Flow, Node
from .ports import HORIZONTAL, VERTICAL, Point, Port, ports

BEND = 40
CROSSING = 120
#: price of a side that is already used in the other direction, and of one shared by two leaving flows
CLASH = 1500
SHARED = 900
#: price of leaving upwards to something below, or the other way round
AWAY = 1000

#: price of running along another flow, when there is no other way
FOREIGN = 400

#: more than any way costs
FAR = 1 << 60


class NoWayError(Exception):
    """A flow found no free way; the grid needs more tracks."""


class Router:
    """Routes the flows of one scope one after the other; ``ways`` holds their grid points."""

    def __init__(self, grid: Grid, *, strict: bool = True) -> None:
        self.grid = grid
        self._strict = strict
        self.ways: dict[Flow, tuple[Port, list[Point], Port]] = {}
        self._along: dict[tuple[int, Point], list[Flow]] = defaultdict(list)
        self._through: dict[Point, list[tuple[Flow, bool, bool]]] = defaultdict(list)
        self._sides: dict[tuple[Node, str], list[tuple[Flow, bool]]] = defaultdict(list)
        column, row = grid.placement.column, grid.placement.row
        self._blocked = {
            (x, y)
            for x, vertical in enumerate(grid.xs)
            for y, horizontal in enumerate(grid.ys)
            if not vertical.channel
            and not horizontal.channel
            and (vertical.cell, horizontal.cell) in grid.node_at
        }
        self._doors: dict[Point, Node] = {}
        for flow in grid.scope.flows:
            for port in [*ports(grid, flow, True), *ports(grid, flow, False)]:
                self._doors[port.point] = port.node.host or port.node
        flows = sorted(
            grid.scope.flows,
            key=lambda f: (
                f.back,
                not self._straight(f),
                abs(column[f.target] - column[f.origin]),
                abs(row[f.target] - row[f.origin]),
                f.order,
            ),
        )
        for flow in flows:
            self._route(flow)
        # the first flows were routed without knowing the later ones: each gets a second choice
        for flow in flows:
            if not self._straight(flow):
                self._take_up(flow)
                self._route(flow)

    def _straight(self, flow: Flow) -> bool:
        """Can the flow be one straight line?"""
        column, row = self.grid.placement.column, self.grid.placement.row
        between = range(column[flow.origin] + 1, column[flow.target])
        return (
            flow.source.host is None
            and row[flow.origin] == row[flow.target]
            and not any((cell, row[flow.target]) in self.grid.node_at for cell in between)
        )

    def used_lines(self) -> tuple[set[int], set[int]]:
        """Numbers of the vertical and horizontal lines some flow runs along."""
        vertical: set[int] = set()
        horizontal: set[int] = set()
        for leave, points, arrive in self.ways.values():
            for port in (leave, arrive):
                (horizontal if port.axis == HORIZONTAL else vertical).add(port.point[1 - port.axis])
            for before, after in pairwise(points):
                if before[0] == after[0]:
                    vertical.add(before[0])
                else:
                    horizontal.add(before[1])
        return vertical, horizontal

    def _side_price(self, flow: Flow, port: Port, leaving: bool) -> int:
        price = port.price
        if leaving and port.side in ("top", "bottom") and flow.source.host is None:
            rows = self.grid.placement.row
            ahead = rows[flow.target] - rows[flow.source]
            if ahead * (1 if port.side == "bottom" else -1) < 0:
                price += AWAY
        used = {other_leaving for _, other_leaving in self._sides[port.node, port.side]}
        if (not leaving) in used:
            price += CLASH
        if leaving and True in used:
            price += SHARED
        return price

    def _route(self, flow: Flow) -> None:
        """Find the cheapest way from any side of the source to any side of the target, and lay it."""
        best: tuple[int, Port, list[Point], Port] | None = None
        pairs = [
            (
                self._side_price(flow, leave, True) + self._side_price(flow, arrive, False),
                number,
                leave,
                arrive,
            )
            for number, (leave, arrive) in enumerate(
                product(ports(self.grid, flow, True), ports(self.grid, flow, False))
            )
        ]
        for price, _, leave, arrive in sorted(pairs, key=lambda pair: pair[:2]):
            if best is None or price + self._distance(leave.point, arrive.point) < best[0]:
                found = self._search(flow, leave, arrive, price, best[0] if best else FAR)
                if found is not None:
                    best = (found[0], leave, found[1], arrive)
        if best is None:
            raise NoWayError(flow.id)
        _, leave, points, arrive = best
        self._lay(flow, leave, points, arrive)

    def _lay(self, flow: Flow, leave: Port, points: list[Point], arrive: Port) -> None:
        self.ways[flow] = (leave, points, arrive)
        self._sides[leave.node, leave.side].append((flow, True))
        self._sides[arrive.node, arrive.side].append((flow, False))
        axes = [leave.axis]
        for before, after in pairwise(points):
            axis = VERTICAL if before[0] == after[0] else HORIZONTAL
            self._along[axis, min(before, after)].append(flow)
            axes.append(axis)
        axes.append(arrive.axis)
        for index, point in enumerate(points):
            pair = {axes[index], axes[index + 1]}
            self._through[point].append((flow, HORIZONTAL in pair, VERTICAL in pair))

    def _take_up(self, flow: Flow) -> None:
        """Forget the way of a flow; its order among the others does not matter to what is left."""
        leave, points, arrive = self.ways.pop(flow)
        self._sides[leave.node, leave.side].remove((flow, True))
        self._sides[arrive.node, arrive.side].remove((flow, False))
        for before, after in pairwise(points):
            axis = VERTICAL if before[0] == after[0] else HORIZONTAL
            self._along[axis, min(before, after)].remove(flow)
        for point in points:
            self._through[point] = [entry for entry in self._through[point] if entry[0] is not flow]

    def _mates(self, flow: Flow, leave: Port, arrive: Port) -> set[Flow]:
        """Flows that may share lines with ``flow``: they leave by the same side, or arrive by the same.

        Flows of one source that left by different sides must not meet again: who looks could not tell
        which is which.
        """
        together = {other for other, leaving in self._sides[leave.node, leave.side] if leaving}
        together |= {other for other, leaving in self._sides[arrive.node, arrive.side] if not leaving}
        return {other for other in together if _related(flow, other)}

    def _distance(self, a: Point, b: Point) -> int:
        return abs(self.grid.x[a[0]] - self.grid.x[b[0]]) + abs(self.grid.y[a[1]] - self.grid.y[b[1]])

    def _search(
        self, flow: Flow, leave: Port, arrive: Port, price: int, most: int
    ) -> tuple[int, list[Point]] | None:
        """Dijkstra with a distance bound over (point, axis of arrival): price and points of the way.

        None when there is no way cheaper than ``most``.
        """
        xs, ys = self.grid.x, self.grid.y
        goal = arrive.point
        mates = self._mates(flow, leave, arrive)
        start = (leave.point, leave.axis)
        queue: list[tuple[int, int, int, Point, int]] = []
        came: dict[tuple[Point, int], tuple[Point, int] | None] = {}
        cost: dict[tuple[Point, int], int] = {}
        tick = 0

        def push(state: tuple[Point, int], price: int, before: tuple[Point, int] | None) -> None:
            nonlocal tick
            if price < cost.get(state, FAR):
                cost[state] = price
                came[state] = before
                tick += 1
                point = state[0]
                bound = abs(xs[point[0]] - xs[goal[0]]) + abs(ys[point[1]] - ys[goal[1]])
                heappush(queue, (price + bound, tick, price, *state))

        if self._free(flow, mates, leave.point, leave.axis, leave.axis):
            push(start, price, None)
        best: tuple[int, tuple[Point, int]] | None = None
        while queue:
            estimate, _, price, point, axis = heappop(queue)
            if estimate >= (best[0] if best else most):
                break
            if price > cost[point, axis]:
                continue
            if (
                point == goal
                and self._free(flow, mates, point, axis, arrive.axis)
                and not self._turns_back(point, axis, arrive, came)
            ):
                total = price + (BEND if arrive.axis != axis else 0)
                if total < (best[0] if best else most):
                    best = (total, (point, axis))
            before = came[point, axis]
            for step_axis, dx, dy in ((0, 1, 0), (0, -1, 0), (1, 0, 1), (1, 0, -1)):
                after = (point[0] + dx, point[1] + dy)
                if not (0 <= after[0] < len(xs) and 0 <= after[1] < len(ys)) or after in self._blocked:
                    continue
                if before is not None and before[0] == after:
                    continue
                if before is None and self._into_node(leave, dx, dy):
                    continue
                if not self._free(flow, mates, point, axis, step_axis):
                    continue
                foreign = any(
                    other not in mates for other in self._along.get((step_axis, min(point, after)), ())
                )
                if foreign and self._strict:
                    continue
                length = abs(xs[after[0]] - xs[point[0]]) + abs(ys[after[1]] - ys[point[1]])
                step = length + (BEND if step_axis != axis else 0) + (FOREIGN if foreign else 0)
                step += CROSSING * self._crossings(mates, point)
                push((after, step_axis), price + step, (point, axis))
        if best is None:
            return None
        points: list[Point] = []
        at: tuple[Point, int] | None = best[1]
        while at is not None:
            points.append(at[0])
            at = came[at]
        return best[0], points[::-1]

    @staticmethod
    def _into_node(port: Port, dx: int, dy: int) -> bool:
        """True for a first step that goes back towards the node."""
        return {"right": dx < 0, "left": dx > 0, "top": dy > 0, "bottom": dy < 0}[port.side]

    @staticmethod
    def _turns_back(
        point: Point, axis: int, port: Port, came: dict[tuple[Point, int], tuple[Point, int] | None]
    ) -> bool:
        """True when the last step moved away from the node the port leads into."""
        before = came[point, axis]
        if before is None or axis != port.axis:
            return False
        dx, dy = point[0] - before[0][0], point[1] - before[0][1]
        return {"left": dx < 0, "right": dx > 0, "top": dy < 0, "bottom": dy > 0}[port.side]

    def _free(self, flow: Flow, mates: set[Flow], point: Point, axis: int, next_axis: int) -> bool:
        """May the flow pass ``point`` in this manner, with foreign flows only crossed straight?

        The place before a side of a node belongs to the node's flows: others must not turn there.
        """
        if not self._strict:
            return True
        if axis != next_axis and self._doors.get(point) not in (None, flow.origin, flow.target):
            return False
        for other, horizontal, vertical in self._through.get(point, ()):
            if other in mates:
                continue
            if axis != next_axis or (horizontal and vertical):
                return False
            if (axis == HORIZONTAL and horizontal) or (axis == VERTICAL and vertical):
                return False
        return True

    def _crossings(self, mates: set[Flow], point: Point) -> int:
        return sum(1 for other, _, _ in self._through.get(point, ()) if other not in mates)


def _related(one: Flow, other: Flow) -> bool:
    """True when two flows may share a line: one common end, so that the drawing stays unambiguous."""
    return (one.target is other.target) != (one.source is other.source)
