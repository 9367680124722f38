"""Seeded diagrams of every kind of block, nested as people nest them: the same seed gives the same diagram.

A block has one way in and one way out, so every diagram is sound. Parallel forks inside a loop are left out on request:
there stock SpiffWorkflow is wrong (ADR 0008) and golden cases are the oracle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from tests.bpmn_text import Node, call, definitions, many, process_xml, script, sub, timer_on, user, wait

Ends = tuple[str, str]  #: first and last element of a block

NESTED = ("choice", "fork", "loop", "inner", "guarded_inner", "called", "many_users", "many_inner", "pause")
SIMPLE = ("user", "user", "user", "script", "guarded")


@dataclass
class Scope:
    """The elements and flows of one process or sub-process."""

    flows: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    def flow(self, source: str, target: str, condition: str = "") -> None:
        """Draw a sequence flow."""
        self.flows.append(f"{source} > {target}" + (f": {condition}" if condition else ""))

    def node(self, node: Node) -> str:
        """Draw an element; returns its id."""
        self.nodes.append(node)
        return node.id


class Drawing:
    """One diagram of ``seed``. ``forks_in_loops`` allows parallel gateways inside loops."""

    def __init__(self, seed: int, *, forks_in_loops: bool = False, depth: int = 3) -> None:
        self.random = Random(seed)
        self.forks_in_loops = forks_in_loops
        self.depth = depth
        self.called: list[str] = []
        self.used: set[str] = set()
        self._number = 0

    def text(self) -> bytes:
        """The diagram file; its process is ``main``."""
        flows, nodes = self._scope(self.depth, 4)
        processes = process_xml("main", flows, *nodes)
        return definitions(processes + "".join(self.called))

    # ------------------------------------------------------------ parts
    def _id(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}"

    def _scope(self, depth: int, size: int) -> tuple[str, list[Node]]:
        scope = Scope()
        first, last = self._sequence(scope, depth, size, in_loop=False)
        scope.flow(self._id("start"), first)
        scope.flow(last, self._id("end"))
        return "; ".join(scope.flows), scope.nodes

    def _sequence(self, scope: Scope, depth: int, size: int, *, in_loop: bool) -> Ends:
        blocks = [self._block(scope, depth, in_loop=in_loop) for _ in range(self.random.randint(1, size))]
        for (_, last), (first, _) in pairwise(blocks):
            scope.flow(last, first)
        return blocks[0][0], blocks[-1][1]

    def _block(self, scope: Scope, depth: int, *, in_loop: bool) -> Ends:
        kinds = SIMPLE + (NESTED if depth > 0 else ())
        if in_loop and not self.forks_in_loops:
            kinds = tuple(kind for kind in kinds if kind != "fork")
        kind = self.random.choice(kinds)
        self.used.add(kind)
        found: Ends = getattr(self, f"_{kind}")(scope, depth - 1, in_loop)
        return found

    def _due(self, low: int, high: int) -> str:
        return f"PT{self.random.randint(low, high)}M{self.random.randint(1, 59)}S"

    # ------------------------------------------------------------ simple blocks
    def _user(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        one = scope.node(user(self._id("u")))
        return one, one

    def _script(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        name = self._id("s")
        to, source, add = self.random.randint(0, 4), self.random.randint(0, 4), self.random.randint(1, 9)
        scope.node(script(name, f'k{to} = k{source} + {add}\nlast = "{name}"'))
        return name, name

    def _pause(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        one = scope.node(wait(self._id("w"), f'"{self._due(3, 90)}"'))
        return one, one

    def _guarded(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        """A user task with a boundary timer: interrupting, not, or a cycle."""
        work = scope.node(user(self._id("u")))
        kind = self.random.choice(["interrupting", "beside", "cycle"])
        if kind == "cycle":
            due = f'"R{self.random.randint(1, 3)}/{self._due(3, 40)}"'
            timer = scope.node(timer_on(work, self._id("t"), due, "timeCycle"))
        else:
            due = f'"{self._due(3, 90)}"'
            timer = scope.node(timer_on(work, self._id("t"), due, interrupting=kind == "interrupting"))
        return self._after_timer(scope, work, timer, interrupting=kind == "interrupting")

    def _after_timer(self, scope: Scope, work: str, timer: str, *, interrupting: bool) -> Ends:
        merge, other = self._id("x_"), self._id("u")
        scope.flow(work, merge)
        scope.flow(timer, other)
        scope.flow(other, merge if interrupting else self._id("end"))
        return work, merge

    # ------------------------------------------------------------ nested blocks
    def _choice(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        split, merge = self._id("x_"), self._id("x_")
        for condition in (f"k{self.random.randint(0, 4)} < {self.random.randint(0, 12)}", ""):
            first, last = self._sequence(scope, depth, 2, in_loop=in_loop)
            scope.flow(split, first, condition)
            scope.flow(last, merge)
        return split, merge

    def _fork(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        split, join = self._id("p_"), self._id("p_")
        for _ in range(self.random.randint(2, 3)):
            first, last = self._sequence(scope, depth, 2, in_loop=in_loop)
            scope.flow(split, first)
            scope.flow(last, join)
        return split, join

    def _loop(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        head, ask, decide = self._id("x_"), scope.node(user(self._id("u"))), self._id("x_")
        first, last = self._sequence(scope, depth, 2, in_loop=True)
        after = scope.node(script(self._id("s"), "again = False"))
        for source, target, condition in (
            (head, first, ""), (last, ask, ""), (ask, decide, ""), (decide, head, "again"), (decide, after, ""),
        ):  # fmt: skip
            scope.flow(source, target, condition)
        return head, after

    def _inner(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        flows, nodes = self._scope(depth, 3)
        one = scope.node(sub(self._id("i"), flows, *nodes))
        return one, one

    def _guarded_inner(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        work, _ = self._inner(scope, depth, in_loop)
        interrupting = self.random.random() < 0.5
        timer = scope.node(timer_on(work, self._id("t"), f'"{self._due(3, 90)}"', interrupting=interrupting))
        return self._after_timer(scope, work, timer, interrupting=interrupting)

    def _called(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        process = self._id("process")
        flows, nodes = self._scope(depth, 2)
        self.called.append(process_xml(process, flows, *nodes))
        one = scope.node(call(self._id("c"), process))
        return one, one

    def _how_many(self, most: int) -> str:
        return many(str(self.random.randint(1, most)), sequential=self.random.random() < 0.5)

    def _many_users(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        one = scope.node(user(self._id("m"), many=self._how_many(3)))
        return one, one

    def _many_inner(self, scope: Scope, depth: int, in_loop: bool) -> Ends:
        flows, nodes = self._scope(depth, 2)
        one = scope.node(sub(self._id("m"), flows, *nodes, many=self._how_many(2)))
        return one, one
