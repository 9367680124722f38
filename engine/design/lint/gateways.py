"""Rules on branching and looping: conditions, defaults, joins, loops that would never end."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.kinds import DECIDING
from engine.bpmn.model import DiagramModel, Node, Scope

from .catalogue.gateways import (
    AUTOMATIC_LOOP,
    CONDITION_IGNORED,
    CONDITION_MISSING,
    CONDITION_ON_DEFAULT,
    INCLUSIVE_LOOP,
    LOOP_WITHOUT_EXCLUSIVE,
    NO_DEFAULT,
    PARALLEL_OVERWRITE,
    UNKNOWN_DEFAULT,
)
from .context import LintContext, may_wait
from .expressions import read_script
from .finding import Finding
from .graph import cycles, reachable
from .structure import LARGE


def conditions(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Every branch of a deciding gateway has a condition but the default, which has none."""
    for node in model.nodes():
        default = node.element.get("default")
        if default and default not in {flow.id for flow in node.outgoing}:
            yield UNKNOWN_DEFAULT.at(model.file, node.id, node.line, flow=default)
        if node.kind not in DECIDING:
            for flow in node.outgoing:
                if flow.condition is not None:
                    yield CONDITION_IGNORED.at(model.file, flow.id, flow.line, kind=node.kind)
            continue
        if len(node.outgoing) < 2:
            continue
        if not default:
            yield NO_DEFAULT.at(model.file, node.id, node.line)
        for flow in node.outgoing:
            if flow.id == default:
                if flow.condition is not None:
                    yield CONDITION_ON_DEFAULT.at(model.file, flow.id, flow.line)
            elif flow.condition is None:
                yield CONDITION_MISSING.at(model.file, flow.id, flow.line)


def loops(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Loops wait for something, and pass an exclusive gateway."""
    for scope in model.scopes:
        automatic = [node for node in scope.nodes.values() if not _waits(node, context)]
        for loop in cycles(automatic, scope.steps):
            yield AUTOMATIC_LOOP.at(model.file, loop[0].id, loop[0].line, loop=_names(loop))
        for loop in cycles(scope.nodes.values(), scope.steps):
            for node in loop:
                if node.kind == "inclusiveGateway":
                    yield INCLUSIVE_LOOP.at(model.file, node.id, node.line)
        undecided = [node for node in scope.nodes.values() if node.kind != "exclusiveGateway"]
        for loop in cycles(undecided, scope.steps):
            yield LOOP_WITHOUT_EXCLUSIVE.at(model.file, loop[0].id, loop[0].line, loop=_names(loop))


def _waits(node: Node, context: LintContext) -> bool:
    if node.kind == "callActivity":
        return context.surely_waits(node.element.get("calledElement", ""))
    if node.inner is not None:
        return any(_waits(inner, context) for inner in node.inner.nodes.values())
    return may_wait(node.kind, node.events)


def _names(loop: list[Node]) -> str:
    return ", ".join(node.id for node in loop[:6]) + (" …" if len(loop) > 6 else "")


def parallel_writes(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Branches between a parallel split and its join do not write the same names."""
    for scope in model.scopes:
        if len(scope.nodes) > LARGE or not model.readable:
            continue
        for node in scope.nodes.values():
            if node.kind in ("parallelGateway", "inclusiveGateway") and 1 < len(node.outgoing) <= 16:
                writers: dict[str, set[int]] = {}
                for number, branch in enumerate(_branches(node, scope)):
                    for name in {name for step in branch for name in _writes(step, context)}:
                        writers.setdefault(name, set()).add(number)
                for name in sorted(name for name, branches in writers.items() if len(branches) > 1):
                    yield PARALLEL_OVERWRITE.at(model.file, node.id, node.line, name=name)


def _branches(split: Node, scope: Scope) -> list[set[Node]]:
    """For each flow of a split: the nodes only that branch reaches, up to where branches meet."""
    starts = [scope.nodes[flow.target] for flow in split.outgoing if flow.target in scope.nodes]
    reached = [reachable([start], scope.steps) for start in starts]
    return [
        one - set().union(*(other for number, other in enumerate(reached) if number != at))
        for at, one in enumerate(reached)
    ]


def _writes(node: Node, context: LintContext) -> set[str]:
    """Names of the data a step writes."""
    names: set[str] = set()
    scripts = [node.script[0]] if node.script is not None else []
    scripts += [text for tag in ("preScript", "postScript") if (text := node.extension(tag))]
    for text in scripts:
        names |= set(read_script(text).binds)
    form = context.forms.get(node.properties.get("form", ""))
    if form is not None:
        names |= {item.name for item in form.fields if item.widget != "readonly"}
    if node.inner is not None:
        for inner in node.inner.nodes.values():
            names |= _writes(inner, context)
    return names


CHECKS = (conditions, loops, parallel_writes)
