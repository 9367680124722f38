"""Rules on what the engine's parser refuses: each by its name, and whatever else it would not take."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.base.safe_parsing import BPMN, children, local
from engine.bpmn.model import DiagramModel, Node
from engine.bpmn.spiff.trial import refused

from .catalogue.engine import (
    CANCEL_EVENT,
    ENGINE_REFUSES,
    EVENT_REFERENCE,
    INNER_END,
    INSTANCES_MISSING,
    INSTANCES_TWICE,
    LOOP_MISSING,
    LOOP_MOST,
)
from .context import LintContext
from .finding import Finding

_REFERENCES = ("errorRef", "escalationRef", "messageRef", "signalRef")


def loops(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """What is done several times says how often, or for what."""
    for node in model.nodes():
        several, again = node.loop("multiInstance"), node.loop("standard")
        if several is not None:
            ways = [_text(several, kind) for kind in ("loopCardinality", "loopDataInputRef")]
            there = [several.find(f"{{{BPMN}}}{kind}") for kind in ("loopCardinality", "loopDataInputRef")]
            if None not in there:
                yield INSTANCES_TWICE.at(model.file, node.id, node.line)
            elif not any(ways):
                yield INSTANCES_MISSING.at(model.file, node.id, node.line)
        if again is not None:
            most = again.get("loopMaximum")
            if most is None and not _text(again, "loopCondition"):
                yield LOOP_MISSING.at(model.file, node.id, node.line)
            elif most is not None and not (most.strip().isdecimal() and int(most) > 0):
                yield LOOP_MOST.at(model.file, node.id, node.line, value=most)


def _text(loop: etree._Element, kind: str) -> str:
    return (loop.findtext(f"{{{BPMN}}}{kind}") or "").strip()


def events(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Events refer to what the file defines, and cancel only transactions."""
    defined = {child.get("id", "") for child in children(model.root)}
    for node in model.nodes():
        for definition in children(node.element):
            if not local(definition).endswith("EventDefinition"):
                continue
            for key in _REFERENCES:
                name = definition.get(key, "").rpartition(":")[2]
                if name and name not in defined:
                    yield EVENT_REFERENCE.at(model.file, node.id, node.line, name=name)
        if "cancel" in node.events and not _cancels(node):
            yield CANCEL_EVENT.at(model.file, node.id, node.line)


def _cancels(node: Node) -> bool:
    host = node.scope.nodes.get(node.attached_to or "")
    return node.scope.kind == "transaction" if host is None else host.kind == "transaction"


def inner_ends(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Sub-processes end."""
    for node in model.nodes():
        steps = node.inner.nodes.values() if node.inner is not None else ()
        if steps and node.kind != "adHocSubProcess" and not any(one.kind == "endEvent" for one in steps):
            yield INNER_END.at(model.file, node.id, node.line)


def taken(model: DiagramModel) -> Iterator[Finding]:
    """Whatever no other rule found: asked last, and only of a diagram that has nothing grave against it."""
    element = refused(model.root, model.file)
    if element is not None:
        lines = {node.id: node.line for node in model.nodes()}
        yield ENGINE_REFUSES.at(model.file, element or None, lines.get(element))


CHECKS = (loops, events, inner_ends)
