"""Rows: the happy path straight, every other chain on the nearest free row of its lane."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

from .model import Node, Scope
from .rank import columns, main_path, mark_loops, outgoing_flows


@dataclass
class Placement:
    """Cell of every node: ``column`` and ``row`` count from 0; ``row_lane`` gives each row's lane."""

    column: dict[Node, int]
    row: dict[Node, int]
    row_lane: list[int]

    @property
    def width(self) -> int:
        """Number of columns."""
        return max(self.column.values(), default=0) + 1


def place(scope: Scope) -> Placement:
    """Give every node of the scope (boundary events stay with their activity) a cell of its own."""
    mark_loops(scope)
    column = columns(scope)
    rows = _Rows(column)
    rows.put(main_path(scope), None)
    outgoing = outgoing_flows(scope)
    incoming: dict[Node, list[tuple[Node, bool]]] = defaultdict(list)
    for flow in scope.flows:
        if not flow.back:
            incoming[flow.target].append((flow.origin, flow.source.host is not None))
    for node in sorted(scope.nodes, key=lambda n: (column[n], n.order)):
        if node in rows.row:
            continue
        chain = [node]
        while True:
            following = [
                f.target
                for f in outgoing[chain[-1]]
                if not f.back
                and f.source.host is None
                and f.target not in rows.row
                and f.target not in chain
                and f.target.lane == node.lane
            ]
            if not following:
                break
            chain.append(following[0])
        rows.put(chain, next(iter(incoming[node]), None))
    return rows.numbered(max(len(scope.lanes), 1))


class _Rows:
    """Rows in use, by lane: which columns of each are taken."""

    def __init__(self, column: dict[Node, int]) -> None:
        self.column = column
        self.row: dict[Node, int] = {}
        self.taken: dict[tuple[int, int], set[int]] = defaultdict(set)

    def put(self, chain: list[Node], entry: tuple[Node, bool] | None) -> None:
        """Put a chain on the first row that is free along it.

        ``entry`` is the node the chain comes from and whether it comes from its boundary event.
        """
        for lane in dict.fromkeys(node.lane for node in chain):
            spans = self._spans([n for n in chain if n.lane == lane], chain)
            lowest = 0
            if entry is not None and entry[0].lane == lane and entry[0] in self.row:
                source, from_boundary = entry
                lowest = self.row[source] + (1 if from_boundary else 0)
                spans = spans | set(range(self.column[source] + 1, self.column[chain[0]]))
            row = next(r for r in self._from(lowest) if not self.taken[lane, r] & spans)
            self.taken[lane, row] |= spans
            for node in chain:
                if node.lane == lane:
                    self.row[node] = row

    def _spans(self, nodes: list[Node], chain: list[Node]) -> set[int]:
        """Columns the nodes need, with those between neighbours on the chain, so that flows run straight."""
        spans = {self.column[node] for node in nodes}
        for before, after in pairwise(chain):
            if before in nodes and after in nodes:
                spans |= set(range(self.column[before], self.column[after]))
        return spans

    def _from(self, lowest: int) -> list[int]:
        count = len(self.row) + 2 + lowest
        return [*range(lowest, count)]

    def numbered(self, lanes: int) -> Placement:
        row_lane: list[int] = []
        number: dict[tuple[int, int], int] = {}
        for lane in range(lanes):
            used = sorted({self.row[n] for n in self.row if n.lane == lane}) or [0]
            for row in used:
                number[lane, row] = len(row_lane)
                row_lane.append(lane)
        numbered = {node: number[node.lane, at] for node, at in self.row.items()}
        return Placement(self.column, numbered, row_lane)
