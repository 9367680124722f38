"""Where a diagram reads a name that some way to there does not set: a script would fail on an ordinary route.

Forward over the flow graph, through called processes and sub-processes: a name is surely there when every way
sets it. A form sets what must be answered and takes away what it leaves out; a condition that holds is proof.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.bpmn.kinds import DECIDING, KINDS
from engine.bpmn.model import DiagramModel, DrawnProcess, Node, Scope
from engine.forms import Form

from .assigned import Names, Reading, after_expression, after_script, proof
from .catalogue.scripts import UNSET_NAME
from .context import ALWAYS, SCHEDULED, LintContext
from .expressions import PYTHON, read_expression, read_script
from .finding import Finding

MAX_STEPS = 300_000  #: elements looked at in all: what has not settled by then is not spoken of
MAX_CALLS = 40  #: processes that call each other in a row


@dataclass(frozen=True)
class Unset:
    """A read of a name that is not surely there."""

    file: str
    element: str
    line: int | None
    what: str
    name: str


@dataclass
class Walk:
    """One walk over all processes of a release, from every one that opens cases."""

    models: Mapping[str, tuple[DiagramModel, DrawnProcess]]
    context: LintContext
    found: dict[tuple[str, str, str], Unset] = field(default_factory=dict)
    done: dict[tuple[str, Names, bool], Names | None] = field(default_factory=dict)
    steps: int = 0
    telling: bool = True  #: false while sets of names have not settled
    path: list[str] = field(default_factory=list)
    names: dict[str, set[str]] = field(default_factory=dict)  #: by file

    def begin(self) -> Iterator[Unset]:
        """Unsure reads of all processes, in the order of the files."""
        called = {other for calls in self.context.calls.values() for other in calls}
        for name, (_, process) in self.models.items():
            if name not in called or process.properties.get("startable") == "true":
                known = ALWAYS | (SCHEDULED if name in self.context.scheduled else frozenset())
                self.process(name, known)
        yield from self.found.values()

    def given(self, model: DiagramModel) -> set[str]:
        """Names that something gives to cases of the diagram."""
        if model.file not in self.names:
            self.names[model.file] = self.context.names_in(model)
        return self.names[model.file]

    def process(self, name: str, known: Names) -> Names | None:
        """Names surely there after the process, None when it never ends; an unknown one changes nothing."""
        if name not in self.models or name in self.path or len(self.path) > MAX_CALLS:
            return known
        key = (name, known, self.telling)
        if key not in self.done:
            self.path.append(name)
            model, process = self.models[name]
            self.done[key] = _ScopeWalk(self, model, process.scope).run(known)
            self.path.pop()
        return self.done[key]


class _ScopeWalk:
    """The elements of one process or sub-process."""

    def __init__(self, walk: Walk, model: DiagramModel, scope: Scope) -> None:
        self.walk, self.model, self.scope = walk, model, scope
        self.into: dict[str, Names] = {}  #: by flow, or by boundary event: what its host begins with

    def run(self, known: Names) -> Names | None:
        """Names surely there at the end of the main way, None when there is none."""
        telling, self.walk.telling = self.walk.telling, False
        starts = self.settle(known)
        self.walk.telling = telling
        if telling and self.walk.steps <= MAX_STEPS:
            for node in self.scope.nodes.values():
                if (before := self.before(node)) is not None:
                    list(self.after(node, before))
        ends = [self.before(node) for node in self._ends(starts)]
        reached = [names for names in ends if names is not None]
        return frozenset.intersection(*reached) if reached else None

    def settle(self, known: Names) -> list[Node]:
        """Follow every way until no set of names changes any more; returns the start events."""
        starts = [node for node in self.scope.nodes.values() if node.kind == "startEvent"]
        ahead = deque(starts)
        waiting = {node.id for node in starts}
        for start in starts:
            self.into[start.id] = known
        while ahead and self.walk.steps <= MAX_STEPS:
            node = ahead.popleft()
            waiting.discard(node.id)
            self.walk.steps += 1
            before = self.before(node)
            for place, value, target in () if before is None else self.after(node, before):
                if self.into.get(place) != value:
                    self.into[place] = value
                    if target.id not in waiting:
                        waiting.add(target.id)
                        ahead.append(target)
        return starts

    def _ends(self, starts: list[Node]) -> Iterator[Node]:
        """End events of the main way; what a non-interrupting event begins gives nothing back."""
        seen: set[str] = set()
        stack = list(starts)
        while stack:
            node = stack.pop()
            if node.id in seen:
                continue
            seen.add(node.id)
            if not node.outgoing and node.kind == "endEvent":
                yield node
            stack += [self.scope.nodes[f.target] for f in node.outgoing if f.target in self.scope.nodes]
            stack += [event for event in node.boundary if event.interrupting]

    def before(self, node: Node) -> Names | None:
        """What is surely there when the element is reached; None while no way has been found."""
        own = self.into.get(node.id)  # start events and boundary events
        came = [self.into[flow.id] for flow in node.incoming if flow.id in self.into]
        if own is not None:
            return own
        if not came:
            return None
        if node.kind == "parallelGateway":
            return frozenset[str]().union(*came)
        return frozenset.intersection(*came)

    def after(self, node: Node, before: Names) -> Iterator[tuple[str, Names, Node]]:
        """Names surely there on each way out, with where they are kept and the element they lead to."""
        before = self.reads(node, before)
        for event in node.boundary:
            yield event.id, before, event
        known = self.passed(node, before)
        if known is None:
            return
        if node.kind in DECIDING and len(node.outgoing) > 1:
            yield from self.branches(node, known)
            return
        for flow in node.outgoing:
            if flow.target in self.scope.nodes:
                yield flow.id, known, self.scope.nodes[flow.target]

    def branches(self, node: Node, known: Names) -> Iterator[tuple[str, Names, Node]]:
        """A flow's condition is proof on that flow; on the default, that none of the others held."""
        default = node.element.get("default")
        refused = known
        for flow in sorted(node.outgoing, key=lambda flow: flow.id == default):
            if flow.target not in self.scope.nodes:
                continue
            if flow.condition is None or flow.id == default:
                yield flow.id, refused, self.scope.nodes[flow.target]
                continue
            tree = read_expression(flow.condition).tree
            if not isinstance(tree, ast.Expression):
                yield flow.id, refused, self.scope.nodes[flow.target]
                continue
            seen = self.expression("condition", flow.id, flow.line, flow.condition, refused)
            yield flow.id, seen | proof(tree.body, True), self.scope.nodes[flow.target]
            if node.kind == "exclusiveGateway":
                refused = seen | proof(tree.body, False)

    def reads(self, node: Node, known: Names) -> Names:
        """What the element reads before it does anything: its properties, timers and first script."""
        for one in KINDS[node.kind].properties:
            if one.needed_set and (written := node.properties.get(one.name, "").strip()):
                known = self.expression(one.name, node.id, node.line, written, known)
        for timer in node.timers if node.kind != "startEvent" else ():
            known = self.expression("timer", node.id, timer.line, timer.text, known)
        if text := node.extension("preScript"):
            known = self.script("preScript", node, node.line, text, known)
        return known

    def passed(self, node: Node, known: Names) -> Names | None:
        """What is surely there once the element is done."""
        after: Names | None = known
        if node.kind == "callActivity":
            after = self.walk.process(node.element.get("calledElement", ""), known)
        elif node.inner is not None:
            inner = _ScopeWalk(self.walk, self.model, node.inner)
            after = inner.run(known | _items(node))
        elif node.kind == "userTask":
            form = self.walk.context.forms.get(node.properties.get("form", ""))
            after = known if form is None else _answered(form, known)
        elif node.kind == "businessRuleTask":
            after = self.decided(node, known)
        elif node.script is not None:
            after = self.script("script", node, node.script[1], node.script[0].strip("\n"), known)
        if after is not None and (text := node.extension("postScript")):
            after = self.script("postScript", node, node.line, text, after)
        return after

    def decided(self, node: Node, known: Names) -> Names:
        table = self.walk.context.tables.get(node.extension("calledDecisionId") or "")
        if table is None:
            return known
        for expression in table.inputs:
            known = self.expression("decision", node.id, node.line, expression, known)
        return known | table.outputs

    def expression(self, what: str, element: str, line: int | None, text: str, known: Names) -> Names:
        tree = read_expression(text).tree
        if not isinstance(tree, ast.Expression):
            return known
        reading = Reading()
        try:
            after = after_expression(tree, known, reading)
        except RecursionError:  # nested without end: another rule's
            return known
        self.note(what, element, line, reading, script=False)
        return after

    def script(self, what: str, node: Node, line: int | None, text: str, known: Names) -> Names:
        tree = read_script(text).tree
        if not isinstance(tree, ast.Module):
            return known
        reading = Reading()
        try:
            after = after_script(tree, known, reading)
        except RecursionError:
            return known
        self.note(what, node.id, line, reading, script=True)
        return after

    def note(self, what: str, element: str, line: int | None, reading: Reading, *, script: bool) -> None:
        for name, at in reading.missing.items() if self.walk.telling else ():
            # a name that nothing gives anywhere is another rule's
            if name in PYTHON or name not in self.walk.given(self.model):
                continue
            place = line if line is None or not script else line + at - 1
            key = (self.model.file, element, name)
            self.walk.found.setdefault(key, Unset(self.model.file, element, place, what, name))


def _items(node: Node) -> Names:
    """The name that holds the item of a multi-instance activity."""
    return frozenset(
        item.get("id", "")
        for item in node.element.iter()
        if isinstance(item.tag, str) and item.tag.endswith("}inputDataItem")
    )


def _answered(form: Form, known: Names) -> Names:
    """What must be answered is there; any other answer of the form may have been left out."""
    must = {
        item.name
        for item in form.fields
        if item.show_if is None
        and item.widget != "readonly"
        and (item.required or item.widget == "checkbox" or item.schema.get("const") is True)
    }
    return (known - form.names) | must


def unset_names(models: Iterable[DiagramModel], context: LintContext) -> Iterator[Finding]:
    """Names that scripts, conditions, timers, tables and properties read although some way does not set them."""
    processes = {
        process.id: (model, process) for model in models if model.readable for process in model.processes
    }
    for unset in Walk(processes, context).begin():
        yield UNSET_NAME.at(unset.file, unset.element, unset.line, what=unset.what, name=unset.name)
