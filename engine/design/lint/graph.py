"""Graph questions of lint, without recursion so that no file is too large."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def reachable(starts: Iterable[T], steps: Callable[[T], Iterable[T]]) -> set[T]:
    """All that can be reached from ``starts``, themselves included."""
    seen = set(starts)
    stack = list(seen)
    while stack:
        for following in steps(stack.pop()):
            if following not in seen:
                seen.add(following)
                stack.append(following)
    return seen


def cycles(nodes: Iterable[T], steps: Callable[[T], Iterable[T]]) -> list[list[T]]:
    """Groups of nodes that lie on a common loop, in the order of ``nodes`` (Tarjan, iterative)."""
    order = list(nodes)
    allowed = set(order)
    index: dict[T, int] = {}
    low: dict[T, int] = {}
    on_stack: set[T] = set()
    stack: list[T] = []
    groups: list[list[T]] = []
    for root in order:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter([s for s in steps(root) if s in allowed]))]
        while work:
            node, following = work[-1]
            after = next(following, None)
            if after is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        group.append(member)
                        if member == node:
                            break
                    if len(group) > 1 or node in steps(node):
                        members = set(group)
                        groups.append([n for n in order if n in members])
            elif after not in index:
                index[after] = low[after] = len(index)
                stack.append(after)
                on_stack.add(after)
                work.append((after, iter([s for s in steps(after) if s in allowed])))
            elif after in on_stack:
                low[node] = min(low[node], index[after])
    return groups
