"""Where a flow may leave or enter an element: its sides, and the first grid point outside each."""

from __future__ import annotations

from dataclasses import dataclass

from .grid import Grid, boundary_offset
from .model import Flow, Node

HORIZONTAL, VERTICAL = 0, 1
Point = tuple[int, int]  # numbers of a vertical and a horizontal line
#: extra price of leaving or entering by a side that is less usual for the element
SIDE = 45


@dataclass(frozen=True)
class Port:
    """A side of a node: the first grid point outside it, the direction there, and its price."""

    node: Node
    side: str  # "left", "right", "top", "bottom"
    point: Point
    axis: int
    price: int


def ports(grid: Grid, flow: Flow, leaving: bool) -> list[Port]:
    """The sides by which ``flow`` may leave its source, or enter its target, the usual one first."""
    node = flow.source if leaving else flow.target
    base = node.host or node
    column, row = grid.placement.column[base], grid.placement.row[base]
    x_centre, y_centre = _x(grid, column, 0), _y(grid, row)
    right = Port(base, "right", (_channel_x(grid, column + 1)[0], y_centre), HORIZONTAL, 0)
    left = Port(base, "left", (_channel_x(grid, column)[-1], y_centre), HORIZONTAL, 0)
    top = Port(base, "top", (x_centre, _channel_y(grid, row)[-1]), VERTICAL, SIDE)
    bottom = Port(base, "bottom", (x_centre, _channel_y(grid, row + 1)[0]), VERTICAL, SIDE)
    if node.host is not None:
        x = _x(grid, column, boundary_offset(base, base.boundary.index(node)))
        return [Port(node, "bottom", (x, bottom.point[1]), VERTICAL, 0)]
    if node.is_gateway:
        return [right, bottom, top] if leaving else [left, top, bottom]
    below = [] if node.boundary else [bottom]
    if leaving:
        return [right] if node.is_event else [right, *below, top]
    return [left, top] if node.is_event else [left, top, *below]


def _x(grid: Grid, column: int, offset: int) -> int:
    return next(
        i
        for i, line in enumerate(grid.xs)
        if not line.channel and line.cell == column and line.offset == offset
    )


def _y(grid: Grid, row: int) -> int:
    return next(i for i, line in enumerate(grid.ys) if not line.channel and line.cell == row)


def _channel_x(grid: Grid, channel: int) -> list[int]:
    return [i for i, line in enumerate(grid.xs) if line.channel and line.cell == channel]


def _channel_y(grid: Grid, channel: int) -> list[int]:
    return [i for i, line in enumerate(grid.ys) if line.channel and line.cell == channel]
