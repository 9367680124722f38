"""What was approved stays as it was approved: a later step may not ask or compute it anew without a new approval.

An element says by its property ``approves`` which names of the case's data it covers: the task of who approves, or
the table that decides who must.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.bpmn.model import DiagramModel, DrawnProcess, Node, Scope

from .catalogue.tasks import APPROVED_CHANGED
from .context import LintContext
from .expressions import read_script
from .finding import Finding

MAX_STEPS = 200_000  #: elements looked at in all


@dataclass(frozen=True, order=True)
class Fact:
    """A name that was approved, and where it was changed since ("": nowhere)."""

    name: str
    file: str = ""
    element: str = ""


State = frozenset[Fact]
_NOTHING: State = frozenset()


@dataclass
class Approvals:
    """Every way through every process that begins by itself, with what has been approved and changed on it."""

    processes: Mapping[str, tuple[DiagramModel, DrawnProcess]]
    context: LintContext
    done: dict[tuple[str, State], State] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    steps: int = 0

    def changed(self) -> Iterator[Fact]:
        """What is changed after its approval and never approved again, in the order of the files."""
        called = {other for calls in self.context.calls.values() for other in calls}
        found: set[Fact] = set()
        for name, (_, process) in self.processes.items():
            if name not in called or process.properties.get("startable") == "true":
                found |= {fact for fact in self.through(name, _NOTHING) if fact.element}
        if self.steps <= MAX_STEPS:
            yield from sorted(found)

    def through(self, name: str, state: State) -> State:
        """What is approved and changed once the process called ``name`` is over."""
        if name not in self.processes or name in self.path:
            return state
        key = (name, state)
        if key not in self.done:
            self.path.append(name)
            model, process = self.processes[name]
            self.done[key] = self.over(model, process.scope, state)
            self.path.pop()
        return self.done[key]

    def over(self, model: DiagramModel, scope: Scope, state: State) -> State:
        """The same for one level of a process."""
        into = {node.id: state for node in scope.nodes.values() if node.kind == "startEvent"}
        ahead = deque(scope.nodes[ident] for ident in into)
        last = state
        while ahead and self.steps <= MAX_STEPS:
            node = ahead.popleft()
            self.steps += 1
            after = self.passed(model, node, into[node.id])
            last |= after
            for event in node.boundary:
                _reach(event, into[node.id] | after, into, ahead)
            for flow in node.outgoing:
                if flow.target in scope.nodes:
                    _reach(scope.nodes[flow.target], after, into, ahead)
        ends = [into[node.id] for node in scope.nodes.values() if node.kind == "endEvent" and node.id in into]
        return frozenset[Fact]().union(*ends) if ends else last

    def passed(self, model: DiagramModel, node: Node, state: State) -> State:
        """What holds once the element is done: approvals last, since a task may ask and approve."""
        if node.kind == "callActivity":
            state = self.through(node.element.get("calledElement", ""), state)
        elif node.inner is not None:
            state = self.over(model, node.inner, state)
        approved = {fact.name for fact in state}
        changed = approved & self.gives(node)
        state = frozenset(fact for fact in state if fact.element or fact.name not in changed)
        state |= {Fact(name, model.file, node.id) for name in changed}
        covered = set(node.listed("approves"))
        return frozenset(fact for fact in state if fact.name not in covered) | {
            Fact(name) for name in covered
        }

    def gives(self, node: Node) -> set[str]:
        """Names that the element gives a value: what its form asks, what its script assigns."""
        form = self.context.forms.get(node.properties.get("form", "")) if node.kind == "userTask" else None
        names = set(form.names) if form is not None else set()
        return names | (set(read_script(node.script[0]).binds) if node.script is not None else set())


def _reach(node: Node, state: State, into: dict[str, State], ahead: deque[Node]) -> None:
    before = into.get(node.id)
    if before is None or not state <= before:
        into[node.id] = state | (before or _NOTHING)
        if node not in ahead:
            ahead.append(node)


def changed_after_approval(models: Iterable[DiagramModel], context: LintContext) -> Iterator[Finding]:
    """Findings on elements that change what was approved, on a way without a new approval."""
    processes = {
        process.id: (model, process) for model in models if model.readable for process in model.processes
    }
    if any(node.listed("approves") for model, _ in processes.values() for node in model.nodes()):
        for fact in Approvals(processes, context).changed():
            yield APPROVED_CHANGED.at(fact.file, fact.element, name=fact.name)
