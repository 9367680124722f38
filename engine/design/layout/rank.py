"""Columns: loops opened, each node as far right as its longest way from the start."""

from __future__ import annotations

from collections import defaultdict

from .model import Flow, Node, Scope


def mark_loops(scope: Scope) -> None:
    """Set ``back`` on every flow that closes a loop (depth-first from the start, document order)."""
    outgoing = outgoing_flows(scope)
    state: dict[Node, int] = {}
    roots = [n for n in scope.nodes if n.kind == "startEvent"]
    entered = {flow.target for flow in scope.flows}
    roots += [n for n in scope.nodes if n not in entered and n not in roots]
    roots += scope.nodes
    for root in roots:
        if state.get(root):
            continue
        state[root] = 1
        stack = [(root, iter(outgoing[root]))]
        while stack:
            node, flows = stack[-1]
            flow = next(flows, None)
            if flow is None:
                state[node] = 2
                stack.pop()
            elif state.get(flow.target) == 1:
                flow.back = True
            elif flow.target not in state:
                state[flow.target] = 1
                stack.append((flow.target, iter(outgoing[flow.target])))


def outgoing_flows(scope: Scope) -> dict[Node, list[Flow]]:
    """Flows by the node they leave; those of boundary events come last at their activity."""
    result: dict[Node, list[Flow]] = defaultdict(list)
    for flow in sorted(scope.flows, key=lambda f: (f.source.host is not None, f.order)):
        result[flow.origin].append(flow)
    return result


def columns(scope: Scope) -> dict[Node, int]:
    """Column of every node, counted from 0; ``mark_loops`` must have run."""
    incoming: dict[Node, list[Flow]] = defaultdict(list)
    for flow in scope.flows:
        if not flow.back:
            incoming[flow.target].append(flow)
    result: dict[Node, int] = {}
    for node in _topological(scope):
        result[node] = max((result[f.origin] + 1 for f in incoming[node]), default=0)
    return result


def main_path(scope: Scope) -> list[Node]:
    """The happy path: the longest way from the start to an end, not leaving by boundary events."""
    outgoing = outgoing_flows(scope)
    best: dict[Node, tuple[int, Node | None]] = {}
    for node in reversed(_topological(scope)):
        length, following = (1 if node.kind == "endEvent" else 0), None
        for flow in outgoing[node]:
            if flow.back or flow.source.host is not None:
                continue
            if best[flow.target][0] + 1 > length:
                length, following = best[flow.target][0] + 1, flow.target
        best[node] = (length, following)
    starts = [n for n in scope.nodes if n.kind == "startEvent"] or scope.nodes[:1]
    path: list[Node] = []
    at: Node | None = max(starts, key=lambda n: best[n][0], default=None)
    while at is not None:
        path.append(at)
        at = best[at][1]
    return path


def _topological(scope: Scope) -> list[Node]:
    outgoing = outgoing_flows(scope)
    waiting: dict[Node, int] = dict.fromkeys(scope.nodes, 0)
    for flow in scope.flows:
        if not flow.back:
            waiting[flow.target] += 1
    ready = [node for node in scope.nodes if not waiting[node]]
    result: list[Node] = []
    while ready:
        node = ready.pop(0)
        result.append(node)
        for flow in outgoing[node]:
            if flow.back:
                continue
            waiting[flow.target] -= 1
            if not waiting[flow.target]:
                ready.append(flow.target)
    return result
