"""The lines flows may run on: column and row centres, and tracks in the channels between them.

Flows are routed on line *numbers*; coordinates come twice: nominal ones to weigh ways, final ones when it is
known which tracks are used and how much room labels need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .model import BOUNDARY_PITCH, EVENT_SIZE, Node, Scope
from .place import Placement
from .text import label_size, text_width

TRACK = 12
COLUMN_GAP = 44
ROW_GAP = 16
LANE_PAD = 12
#: a node with more named flows than this shows their names after the trunk
FAN = 2


@dataclass(frozen=True)
class Line:
    """A vertical or horizontal line.

    ``cell`` is the number of the column (row) or channel; channel ``n`` lies before column (row) ``n``.
    ``offset`` is px from the column's centre, or the track number in a channel.
    """

    cell: int
    offset: int
    channel: bool


def boundary_offset(node: Node, index: int) -> int:
    """px from the centre of ``node`` to its boundary event number ``index``."""
    if len(node.boundary) == 1:
        return -BOUNDARY_PITCH // 2  # left of the middle, so that its label fits under the activity
    return round((index - (len(node.boundary) - 1) / 2) * BOUNDARY_PITCH)


class Grid:
    """Lines, sizes and coordinates of one scope."""

    def __init__(self, scope: Scope, placement: Placement, tracks: int, slack: int) -> None:
        self.scope, self.placement, self.slack = scope, placement, slack
        self.rows = len(placement.row_lane)
        self.node_at = {(placement.column[n], placement.row[n]): n for n in scope.nodes}
        self._measure()
        self.xs = self._lines(placement.width, tracks, {c: self._offsets(c) for c in range(placement.width)})
        self.ys = self._lines(self.rows, tracks, {})
        self.x_number = {line: i for i, line in enumerate(self.xs)}
        self.y_number = {line: i for i, line in enumerate(self.ys)}
        full = range(tracks)
        self.x, self.column_x, self.width = self._x_coordinates(
            dict.fromkeys(range(placement.width + 1), full)
        )
        self.y, self.row_y, self.height = self._y_coordinates(dict.fromkeys(range(self.rows + 1), full))

    def settle(self, used_x: set[int], used_y: set[int]) -> None:
        """Final coordinates, with only the used tracks given room."""
        by_column: dict[int, list[int]] = {}
        by_row: dict[int, list[int]] = {}
        for lines, used, result in ((self.xs, used_x, by_column), (self.ys, used_y, by_row)):
            for number in sorted(used):
                if lines[number].channel:
                    result.setdefault(lines[number].cell, []).append(lines[number].offset)
        self.x, self.column_x, self.width = self._x_coordinates(by_column)
        self.y, self.row_y, self.height = self._y_coordinates(by_row)

    def lane_bands(self) -> list[tuple[int, int]]:
        """Top and bottom of every lane."""
        lanes = self.placement.row_lane
        borders = [self.borders[row] for row in range(1, self.rows) if lanes[row] != lanes[row - 1]]
        return list(pairwise([0, *borders, self.height]))

    def _measure(self) -> None:
        """Half sizes of columns and rows, and the room right of each column for flow labels."""
        placement = self.placement
        self.half_width = [18] * placement.width
        self.up = [30] * self.rows
        self.down = [30] * self.rows
        self.room_left = [0] * (placement.width + 1)
        self.room_right = [0] * (placement.width + 1)
        for node in self.scope.nodes:
            column, row = placement.column[node], placement.row[node]
            width, up, down = node.width, node.height // 2, node.height // 2
            if node.label_outside:
                label_width, label_height = label_size(node.name)
                width = max(width, label_width)
                if node.is_event:
                    down += label_height + 6
                else:
                    up += label_height + 6
            if node.boundary:
                tallest = max(label_size(event.name)[1] if event.name else 0 for event in node.boundary)
                levels = 1 if len(node.boundary) < 3 else 2
                down += EVENT_SIZE // 2 + 6 + tallest * levels
                width = max(width, 2 * self._label_reach(node))
            self.half_width[column] = max(self.half_width[column], (width + 1) // 2)
            self.up[row], self.down[row] = max(self.up[row], up), max(self.down[row], down)
        fans = Counter(flow.source for flow in self.scope.flows if flow.name)
        for flow in self.scope.flows:
            if flow.name:
                column, row = placement.column[flow.origin], placement.row[flow.origin]
                label_width, label_height = label_size(flow.name)
                # many branches leave by one trunk: their labels stand after it, where they differ
                side = self.room_right if fans[flow.source] > FAN else self.room_left
                side[column + 1] = max(side[column + 1], label_width + 10)
                extra = label_height + 10 if flow.source.is_gateway else 0
                self.down[row] = max(self.down[row], flow.origin.height // 2 + extra)

        for lane, info in enumerate(self.scope.lanes):
            rows = [row for row in range(self.rows) if placement.row_lane[row] == lane]
            missing = text_width(info.name) + 20 - sum(self.up[row] + self.down[row] for row in rows)
            for row in rows[-1:]:
                self.down[row] += max(0, missing)

    @staticmethod
    def _label_reach(node: Node) -> int:
        """How far the labels of boundary events reach from the middle of their activity."""
        last = len(node.boundary) - 1
        reach = 0
        for index, sign in ((0, -1), (last, 1)):
            event = node.boundary[index]
            if event.name and (sign > 0 or last > 0):
                reach = max(reach, label_size(event.name)[0] + 12 + sign * boundary_offset(node, index))
        return reach

    def _offsets(self, column: int) -> list[int]:
        offsets = {0}
        for (at, _), node in self.node_at.items():
            if at == column:
                offsets |= {boundary_offset(node, i) for i in range(len(node.boundary))}
        return sorted(offsets)

    @staticmethod
    def _lines(cells: int, tracks: int, offsets: dict[int, list[int]]) -> list[Line]:
        lines: list[Line] = []
        for cell in range(cells + 1):
            lines += [Line(cell, track, True) for track in range(tracks)]
            if cell < cells:
                lines += [Line(cell, offset, False) for offset in offsets.get(cell, [0])]
        return lines

    def _x_coordinates(self, used: Mapping[int, Sequence[int]]) -> tuple[list[int], list[int], int]:
        at, tracks, centres = 0, {}, []
        for channel in range(self.placement.width + 1):
            inner = 0 < channel < self.placement.width
            count = len(used.get(channel, ()))
            left, right = self.room_left[channel], self.room_right[channel]
            gap = (COLUMN_GAP if inner else 24) + self.slack
            need = left + right + (18 + TRACK * count if count else 8)
            gap = max(gap, need + (8 if inner else 0))
            first = at + left + max(14, (gap - left - right - TRACK * (count - 1)) // 2)
            tracks[channel] = {track: first + TRACK * i for i, track in enumerate(used.get(channel, ()))}
            at += gap
            if channel < self.placement.width:
                centres.append(at + self.half_width[channel])
                at += 2 * self.half_width[channel]
        return self._resolve(self.xs, tracks, centres), centres, at

    def _y_coordinates(self, used: Mapping[int, Sequence[int]]) -> tuple[list[int], list[int], int]:
        at, tracks, centres = 0, {}, []
        self.borders: dict[int, int] = {}
        lanes = self.placement.row_lane
        for channel in range(self.rows + 1):
            names = list(used.get(channel, ()))
            border = 0 < channel < self.rows and lanes[channel] != lanes[channel - 1]
            edge = channel in (0, self.rows)
            if border:
                # the lower half of the tracks belongs to the next lane
                half = (len(names) + 1) // 2
                upper, lower = names[:half], names[half:]
                tracks[channel] = {t: at + LANE_PAD + TRACK * i for i, t in enumerate(upper)}
                at += 2 * LANE_PAD + TRACK * max(len(upper) - 1, 0) + self.slack // 2
                self.borders[channel] = at
                tracks[channel] |= {t: at + LANE_PAD + TRACK * i for i, t in enumerate(lower)}
                at += 2 * LANE_PAD + TRACK * max(len(lower) - 1, 0) + self.slack // 2
            else:
                pad = LANE_PAD if edge else ROW_GAP // 2
                first = at + pad + (2 if names else 0)
                tracks[channel] = {t: first + TRACK * i for i, t in enumerate(names)}
                at += 2 * pad + (TRACK * max(len(names) - 1, 0) + 4 if names else 0) + self.slack // 2
            if channel < self.rows:
                centres.append(at + self.up[channel])
                at += self.up[channel] + self.down[channel]
        return self._resolve(self.ys, tracks, centres), centres, at

    @staticmethod
    def _resolve(lines: list[Line], tracks: dict[int, dict[int, int]], centres: list[int]) -> list[int]:
        result: list[int] = []
        for line in lines:
            if line.channel:
                # an unused track has no place of its own; nothing runs along it
                result.append(tracks[line.cell].get(line.offset, result[-1] if result else 0))
            else:
                result.append(centres[line.cell] + line.offset)
        return result
